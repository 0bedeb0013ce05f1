import subprocess

import pytest

from reconciler.errors import SettingsError
from reconciler.sources.git_remote import GitRemote


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://git.example.com/acme/bots.git", "https"),
        ("https://git.example.com:8443/acme/bots.git", "https"),
        ("ssh://git@git.example.com:22/acme/bots.git", "ssh"),
        ("git@git.example.com:acme/bots.git", "ssh"),
        ("https://git_server:3000/acme/bots.git", "https"),
        ("ssh://git@git_server/acme/bots.git", "ssh"),
        ("ssh://git@[2001:db8::1]:2222/acme/bots.git", "ssh"),
    ],
)
def test_https_and_ssh_are_taken_as_they_are(url: str, scheme: str) -> None:
    remote = GitRemote.parse(url)
    assert (remote.url, remote.display_url, remote.scheme) == (url, url, scheme)


@pytest.mark.parametrize("url", ["git://h/x", "http://h/x", "file:///srv/x"])
def test_unsafe_schemes_need_to_be_asked_for(url: str) -> None:
    assert GitRemote.parse(url, insecure=True).url == url
    with pytest.raises(SettingsError, match="insecure = true"):
        GitRemote.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=x",
        "ext::sh -c x",
        "ext::sh%20-c",
        "fd::17/x",
        "ftp://h/x",
        "/srv/repo",
        "../repo",
        "C:\\repo",
        "host:path",
        "ssh://-oProxyCommand=x/y",
        "ssh://-x@h/y",
        "ssh://git@-h/y",
        "git@-host:path",
        "-u@host:path",
        "git@host:-path",
        "ssh://h/-x",
        "https://",
        "https:///x",
        "https://h/x\n",
        "https://h/%0ax",
        "https://h/a b",
        "https://h/\x00",
        "https://h/x?token=1",
        "https://h/x#y",
        "https://[::1/x",
        "file://host/x",
        "file:///a\tb",
        "ssh://git:password@h/x",
    ],
)
def test_what_could_be_more_than_a_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        GitRemote.parse(url, insecure=True)


@pytest.mark.parametrize("sign", ["/", "?", "#"])
def test_a_password_that_breaks_the_url_is_told_how_to_be_written_and_not_shown(sign: str) -> None:
    with pytest.raises(SettingsError, match="of a password as %2F, %3F and %23") as refused:
        GitRemote.parse(f"https://ann:pass{sign}word@git.example.com/acme/bots.git")
    assert "word@" not in str(refused.value)
    remote = GitRemote.parse(f"https://ann:pass%{ord(sign):02X}word@git.example.com/acme/bots.git")
    assert remote.password == f"pass{sign}word"


BRANCHES = [
    *(
        "main",
        "release/1.0",
        "feature-x",
        "a_b.c",
        "v1.0+x",
        "_",
        "a@b",
        "a{b",
        "a}",
        "@a",
        "a/@",
        "@",
        "(a)",
        "a;b",
        "#1",
    ),
    *("für-alle", "a,b", "it's", "a=b", "a!", "$x", "a&b", "\u4e2d\u6587", "refs/heads/x", "a\u00a0b", "a%b", '"a"'),
    *("a|b", "a<b", "HEADS", "head", "a.lockx", "lock", "a.b.c", "a-", "x" * 240),
]
NO_BRANCHES = [
    *("", "-x", "a b", "a..b", "a:b", "a~1", "a^", "refs/../x", "a.lock", "a.lock/b", "a/", "/a", "a//b", "@{0}", "*"),
    *(".a", "a/.b", "a.", "HEAD", "a?", "a[b", "a\\b", "a\tb", "a\x7fb", "a@{b", "a\nb", "-", "."),
]


@pytest.mark.parametrize("branch", BRANCHES)
def test_branch_names_are_taken(branch: str) -> None:
    assert GitRemote.parse("https://h/x", branch).branch == branch


@pytest.mark.parametrize("branch", [*NO_BRANCHES, "+a", "x" * 300, "\udcff"])
def test_what_is_no_branch_name_is_refused(branch: str) -> None:
    with pytest.raises(SettingsError, match="branch"):
        GitRemote.parse("https://h/x", branch)


@pytest.mark.parametrize("branch", [*BRANCHES, *NO_BRANCHES])
def test_git_itself_takes_and_refuses_the_same_names(branch: str) -> None:
    asked = subprocess.run(
        ["git", "check-ref-format", "--branch", branch], cwd="/", capture_output=True, check=False, timeout=60
    )
    assert (asked.returncode == 0) == (branch in BRANCHES)


def test_credentials_are_taken_out_of_the_url_and_never_shown() -> None:
    remote = GitRemote.parse("https://joe%40x:t0p%2Fsecret@h.example/x.git")
    assert remote.url == "https://h.example/x.git"
    assert (remote.username, remote.password) == ("joe@x", "t0p/secret")
    assert "secret" not in repr(remote)
    assert "joe" not in repr(remote)


def test_a_refused_url_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingsError) as raised:
        GitRemote.parse("http://joe:t0psecret@h/x")
    assert "t0psecret" not in str(raised.value)
