"""What git and OpenSSH print when they fail (recorded, git 2.39 and OpenSSH 9.2), and what is made of it."""

import pytest

from reconciler.errors import SourceCause
from reconciler.sources.git_failure import is_explained, printed, remote_failure
from reconciler.sources.git_remote import GitRemote

AUTHENTICATION = SourceCause.AUTHENTICATION_FAILED
UNREACHABLE = SourceCause.UNREACHABLE
LAST_WORDS = (
    "\nfatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r
Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r
It is also possible that a host key has just been changed.\r
The fingerprint for the ED25519 key sent by the remote host is\r
SHA256:XEvBoMXoiZoOQG8cRxCVJVMA4SiUIiuxeFhbQc65ubY.\r
Please contact your system administrator.\r
Add correct host key in /var/lib/reconciler/.ssh/known_hosts to get rid of this message.\r
Offending ED25519 key in /var/lib/reconciler/.ssh/known_hosts:1\r
  remove with:\r
  ssh-keygen -f "/var/lib/reconciler/.ssh/known_hosts" -R "[127.0.0.1]:2222"\r
Host key for [127.0.0.1]:2222 has changed and you have requested strict checking.\r
Host key verification failed."""
REVOKED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@       WARNING: REVOKED HOST KEY DETECTED!               @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
The ED25519 host key for [127.0.0.1]:2222 is marked as revoked.
This could mean that a stolen key is being used to
impersonate this host.
ED25519 host key for [127.0.0.1]:2222 was revoked and you have requested strict checking.
Host key verification failed."""
UNKNOWN = """\
No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.
Host key verification failed."""
TOO_OPEN = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Permissions 0644 for 'id_ed25519' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "id_ed25519": bad permissions
git@127.0.0.1: Permission denied (publickey)."""


@pytest.mark.parametrize(
    ("said", "cause", "advice", "shown"),
    [
        (UNKNOWN, AUTHENTICATION, "host key is not known here", "No ED25519 host key is known for [127.0.0.1]:2222"),
        ("Host key verification failed.", AUTHENTICATION, "add it to known_hosts", "Host key verification failed."),
        (CHANGED, AUTHENTICATION, "another host key than known_hosts holds", "Offending ED25519 key in /var/lib/"),
        (CHANGED, AUTHENTICATION, "somebody may be in between", "SHA256:XEvBoMXoiZoOQG8cRxCVJVMA4SiUIiuxeFhbQc65ubY"),
        (REVOKED, AUTHENTICATION, "another host key than known_hosts holds", "was revoked and you have requested"),
        (
            "git@127.0.0.1: Permission denied (publickey).",
            AUTHENTICATION,
            "the ssh server refuses the key, or was shown none",
            "git@127.0.0.1: Permission denied (publickey).",
        ),
        (TOO_OPEN, AUTHENTICATION, "readable for the service's user alone", 'Load key "id_ed25519": bad permissions'),
        (
            'Load key "junk": error in libcrypto\ngit@h: Permission denied (publickey).',
            AUTHENTICATION,
            "the ssh server refuses the key",
            'Load key "junk": error in libcrypto',
        ),
        (
            (
                "Warning: Identity file missing not accessible: No such file or directory.\n"
                "git@h: Permission denied (publickey)."
            ),
            AUTHENTICATION,
            "where ssh looks for it",
            "Identity file missing not accessible",
        ),
        (
            "Received disconnect from 127.0.0.1 port 22:2: Too many authentication failures",
            AUTHENTICATION,
            "the ssh server refuses the key",
            "Too many authentication failures",
        ),
        ("No user exists for uid 1000650000", SourceCause.GIT_FAILED, "/etc/passwd", "uid 1000650000"),
        (
            (
                "/home/git/.ssh/config: line 1: Bad configuration option: nonsense\n"
                "/home/git/.ssh/config: terminating, 1 bad configuration options"
            ),
            SourceCause.GIT_FAILED,
            "ssh refuses its own configuration",
            "line 1: Bad configuration option",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 22",
            UNREACHABLE,
            "ends the connection before anything is said",
            "kex_exchange_identification",
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 127.0.0.1 port 22",
            UNREACHABLE,
            "ends the connection before anything is said",
            "Connection reset by peer",
        ),
        (
            "Unable to negotiate with 127.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa",
            UNREACHABLE,
            "no method in common",
            "Their offer: ssh-rsa",
        ),
        ("ssh: connect to host h port 22: Connection refused", UNREACHABLE, "cannot be reached", "Connection refused"),
        (
            "ssh: Could not resolve hostname h.invalid: Name or service not known",
            UNREACHABLE,
            "cannot be reached",
            "Could not resolve hostname h.invalid",
        ),
        ("ssh: connect to host h port 22: Connection timed out", SourceCause.TIMEOUT, "too slowly", "timed out"),
        ("fatal: '/x' does not appear to be a git repository", UNREACHABLE, "correct the source's URL", "fatal: '/x'"),
        ("bash: line 1: git-upload-pack: command not found", UNREACHABLE, "does not run git", "git-upload-pack"),
        ("ssh -o BatchMode=yes: 1: ssh: not found", SourceCause.GIT_FAILED, "install it", "ssh: not found"),
        ("", UNREACHABLE, "cannot be reached", "Could not read from remote repository"),
    ],
)
def test_what_ssh_says_tells_why_and_what_to_do(said: str, cause: SourceCause, advice: str, shown: str) -> None:
    failure = remote_failure("ssh://git@127.0.0.1:2222/bots", said + LAST_WORDS, ())
    assert failure.cause is cause
    assert advice in str(failure)
    assert shown in str(failure)
    assert "correct the source's user and token" not in str(failure)


@pytest.mark.parametrize(
    ("stderr", "cause", "advice"),
    [
        ("fatal: Authentication failed for 'https://h/x/'", AUTHENTICATION, "user and token"),
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            AUTHENTICATION,
            "the source names nobody",
        ),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", AUTHENTICATION, "refuses"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", UNREACHABLE, "cannot be reached"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 502", UNREACHABLE, "cannot be"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 302", UNREACHABLE, "redirects"),
        ("fatal: https://h/info/refs not valid: is this a git repository?", UNREACHABLE, "else than a git repository"),
        (
            "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none",
            UNREACHABLE,
            "GIT_SSL_CAINFO",
        ),
        (
            "fatal: unable to access 'https://h/': Received HTTP code 407 from proxy after CONNECT",
            UNREACHABLE,
            "the proxy",
        ),
        ("fatal: unable to access 'https://h/': Could not resolve proxy: p", UNREACHABLE, "the proxy"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", UNREACHABLE, "no such"),
        ("fatal: remote error: access denied or repository not exported: /x", UNREACHABLE, "no such repository"),
        ("fatal: couldn't find remote ref refs/heads/x", SourceCause.BRANCH_MISSING, "the source's branch"),
        ("fatal: remote error: upload-pack: not our ref 0123", SourceCause.HISTORY_REWRITTEN, "no longer there"),
        ("fatal: detected dubious ownership in repository at '/srv/x'", UNREACHABLE, "another user"),
        ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", SourceCause.GIT_FAILED, "install"),
        ("fatal: sha1 file '/d/x' write error. Out of diskspace: No space left", SourceCause.GIT_FAILED, "make room"),
        ("fatal: could not create leading directories: Permission denied", SourceCause.GIT_FAILED, "data.dir"),
        ("fatal: something new", SourceCause.GIT_FAILED, "git failed"),
        ("", SourceCause.GIT_FAILED, "git failed"),
    ],
)
def test_causes_are_told_apart_by_what_git_says(stderr: str, cause: SourceCause, advice: str) -> None:
    failure = remote_failure("https://h/x", stderr, ())
    assert failure.cause is cause
    assert advice in str(failure)
    assert is_explained(stderr) == (advice != "git failed")


@pytest.mark.parametrize(
    "name", ["permission denied (publickey)", "timed out", "certificate", "host key verification failed"]
)
def test_a_repository_may_be_named_like_a_failure(name: str) -> None:
    failure = remote_failure("file:///x", f"fatal: '/srv/{name}' does not appear to be a git repository", ())
    assert failure.cause is UNREACHABLE
    assert "the repository cannot be reached" in str(failure)


def test_what_git_says_is_shown_without_credentials_control_characters_and_noise() -> None:
    said = printed(
        "hint: x\nfatal: 'https://joe:t0p@h/x' 'ssh://git@h/x' 'ssh://git:pw@h/x' \x1b[31mt0ken\x07\u202e\n\n.\n",
        ["t0ken"],
    )
    assert said == "fatal: 'https://h/x' 'ssh://git@h/x' 'ssh://h/x'  [31m…  "
    assert printed("remote: use ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8") == "remote: use [a GitHub token]"
    assert printed("\n \n") == "git printed nothing"
    assert len(printed("x " * 1000)) <= 400


def test_the_line_that_tells_why_is_shown_whatever_else_was_said() -> None:
    said = "\n".join(f"remote: banner {number}" for number in range(100)) + "\ngit@h: Permission denied (publickey)."
    assert printed(said).startswith("git@h: Permission denied (publickey).; remote: banner 0; ")


@pytest.mark.parametrize("password", ["a", "git", "x", "not", "host", "e", "."])
def test_a_short_password_and_a_name_do_not_garble_the_message(password: str) -> None:
    secrets = GitRemote.parse(f"https://git:{password}@h/x").secrets
    said = "fatal: Authentication failed for 'https://github.com/git/x.git/': the hostname is not known"
    assert printed(said, secrets) == said


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://joe:hunter2@h/x", "hunter2"),
        ("https://joe:opensesame@h/x", "opensesame"),
        ("https://joe:sesame@h/x", "sesame"),
        ("https://0123456789abcdef0123@h/x", "0123456789abcdef0123"),
        ("https://0123456789abcdef0123:x-oauth-basic@h/x", "0123456789abcdef0123"),
        ("https://joe:p%C3%A4ss%21@h/x", "päss!"),
    ],
)
def test_passwords_and_tokens_are_not_shown(url: str, secret: str) -> None:
    assert secret not in printed(f"remote: {secret} is wrong\nfatal: no {secret}, sorry", GitRemote.parse(url).secrets)
