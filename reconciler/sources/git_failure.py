"""Why git could not do something, told from what it and ssh print (in English, because their locale is set to C)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.domain.secrets import redacted
from reconciler.errors import SourceCause, SourceUnreadable

_MAX_DETAIL: Final = 400
_LEAST_GUARDED: Final = 4
"""What is shorter hides nothing from anybody, and stands in half of all words."""
_SURELY_NO_WORD: Final = 8
_CREDENTIALS: Final = re.compile(r"\b(https?://)[^/@\s]*@|(?<=://)[^/@\s:]*:[^/@\s]*@", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_WHERE: Final = "docs/git.md says where it belongs"


@dataclass(frozen=True, slots=True)
class _Explanation:
    """What it means when one of these phrases is printed; they are in lower case."""

    cause: SourceCause
    advice: str
    phrases: tuple[str, ...]


# The first that fits is told. ssh ends every failure with words of git's that fit any of them, so that these come last.
_EXPLANATIONS: Final = (
    _Explanation(
        SourceCause.AUTHENTICATION_FAILED,
        "the ssh server shows another host key than known_hosts holds for it; somebody may be in between: compare its "
        f"fingerprint with the one that the server's owner publishes, and only then correct known_hosts ({_WHERE})",
        ("host identification has changed", "has changed and you have requested", "was revoked and you have requested"),
    ),
    _Explanation(
        SourceCause.AUTHENTICATION_FAILED,
        "the ssh server's host key is not known here: compare its fingerprint with the one that the server's owner "
        f"publishes, and add it to known_hosts ({_WHERE})",
        ("host key is known for", "host key verification failed"),
    ),
    _Explanation(
        SourceCause.GIT_FAILED,
        "ssh does not run as a user without an entry in /etc/passwd: give the service's user one, or use https",
        ("no user exists for uid", "you don't exist, go away"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the ssh server and the ssh program here have no method in common: bring the older of the two up to date",
        ("unable to negotiate",),
    ),
    _Explanation(
        SourceCause.TIMEOUT,
        "the git server answers too slowly: look at it and at the network",
        ("timed out", "too slow"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the ssh server ends the connection before anything is said: look at its limits, a firewall in between, and "
        "whether it is an ssh server that listens there",
        ("kex_exchange_identification", "ssh_exchange_identification", "banner exchange"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the proxy between here and the git server refuses: correct https_proxy, http_proxy, all_proxy or no_proxy",
        ("resolve proxy", "from proxy", "proxy connect aborted", "connect tunnel failed", "returned error: 407"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the git server cannot be reached: correct the source's URL, or look at the network",
        (
            *("could not resolve", "connection refused", "connection reset", "network is unreachable"),
            *("no route to host", "unable to connect", "failed to connect", "couldn't connect", "connection closed"),
        ),
    ),
    _Explanation(
        SourceCause.GIT_FAILED,
        "ssh refuses its own configuration: correct the file and line that it names",
        ("bad configuration option", "bad owner or permissions"),
    ),
    _Explanation(
        SourceCause.AUTHENTICATION_FAILED,
        "the ssh server refuses the key, or was shown none: put the private key where ssh looks for it, without a "
        "passphrase and readable for the service's user alone, and register its public key at the server "
        f"({_WHERE})",
        ("permission denied (", "too many authentication failures", "no supported authentication methods"),
    ),
    _Explanation(
        SourceCause.GIT_FAILED,
        "a program that git needs cannot be run here: install it, or make it executable",
        (
            *("cannot run", "cannot exec", "unable to fork", "ssh: not found", "ssh: command not found"),
            *("ssh: no such file", "is not a git command", "unable to find remote helper"),
        ),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the ssh server does not run git for this user: install git there, or correct the source's URL",
        (
            *("command not found", "git-upload-pack: not found", "interactive git shell"),
            *("account is currently not available", "bad line length"),
        ),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the repository belongs to another user than the one that git runs as: change its owner, or list it as "
        "safe.directory in the configuration of git where it lies",
        ("dubious ownership",),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the git server redirects to another address, which is not followed because credentials would go there: set "
        "the source's URL to where the repository is",
        ("returned error: 30",),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "a web server answers, but with something else than a git repository: correct the source's URL",
        ("is this a git repository?", "could not determine hash algorithm", "invalid server response"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "there is no TLS connection to the git server that can be trusted: correct the source's URL, or name the file "
        "with its authority's certificate in GIT_SSL_CAINFO",
        ("certificate", "gnutls_handshake", "ssl_connect", "ssl routines", "ssl connect error"),
    ),
    _Explanation(
        SourceCause.AUTHENTICATION_FAILED,
        "the git server asks who reads, and the source names nobody: give its URL a user and a token, or correct it "
        "(some servers ask also when there is no such repository)",
        ("terminal prompts disabled",),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "there is no such repository, or it is not shown to this user: correct the source's URL, user or key",
        ("repository not exported", "repository not found", "repository '' not found"),
    ),
    _Explanation(
        SourceCause.AUTHENTICATION_FAILED,
        "the git server refuses access: correct the source's user and token",
        (
            *("authentication failed", "could not read username", "could not read password", "access denied"),
            *("invalid username or password", "invalid credentials"),
            *("returned error: 401", "returned error: 403"),
        ),
    ),
    _Explanation(
        SourceCause.HISTORY_REWRITTEN,
        "the commit is no longer there: restore it, or accept the branch as it is now",
        ("not our ref", "unadvertised object", "mismatched algorithms"),
    ),
    _Explanation(
        SourceCause.BRANCH_MISSING,
        "the branch does not exist at the remote: correct the source's branch, or restore it",
        ("couldn't find remote ref", "could not find remote ref"),
    ),
    _Explanation(
        SourceCause.TOO_LARGE,
        "the git server answers more than git may keep in memory here: look at what it answers, or keep the documents "
        "in another repository",
        ("out of memory", "malloc failed", "realloc failed", "cannot allocate memory"),
    ),
    _Explanation(
        SourceCause.GIT_FAILED,
        "the disk with data.dir is full: make room on it",
        ("no space left", "disk quota exceeded"),
    ),
    _Explanation(
        SourceCause.GIT_FAILED,
        "the service's user may not use a file that git needs: correct its permissions, or those of data.dir",
        ("permission denied", "insufficient permission", "read-only file system"),
    ),
    _Explanation(
        SourceCause.UNREACHABLE,
        "the repository cannot be reached: correct the source's URL, or look at the network",
        (
            *("unable to access", "could not read from remote repository", "does not appear to be a git repository"),
            *("not found", "no such repository", "the remote end hung up", "early eof"),
        ),
    ),
)
_UNEXPLAINED: Final = _Explanation(SourceCause.GIT_FAILED, "git failed: look at what it prints", ())
_LEAST_SAID: Final = "could not read from remote repository"
_NOISE: Final = (
    *("please make sure you have the correct access rights", "and the repository exists", _LEAST_SAID),
    *("@", "it is possible that someone", "someone could be eavesdropping", "it is also possible that"),
    *("please contact your system administrator", "remove with:", "ssh-keygen -f", "this could mean", "impersonate"),
    *("warning: permanently added", "hint:", "remote: enumerating", "remote: counting", "remote: compressing"),
)
"""How lines begin that say nothing of their own."""


def remote_failure(url: str, stderr: str, secrets: Sequence[str]) -> SourceUnreadable:
    """Why the remote could not be read.

    Args:
        url: The remote's, as it may be shown.
        stderr: What git and ssh printed.
        secrets: What the message must not hold.
    """
    explanation = _explanation_of(stderr)
    return SourceUnreadable(explanation.cause, f"{url}: {explanation.advice} ({printed(stderr, secrets)})")


def is_explained(stderr: str) -> bool:
    """Whether what git printed has a known reason outside of the mirror."""
    return _explanation_of(stderr) is not _UNEXPLAINED


def printed(stderr: str, secrets: Sequence[str] = ()) -> str:
    """What git and ssh printed, as one line that may be shown: without credentials, control characters and noise.

    The line that explains the failure comes first, so that no length of the others can hide it.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip(" .\t")]
    telling = [line for line in lines if not _plain(line).startswith(_NOISE)] or lines or ["git printed nothing"]
    phrases = _explanation_of(stderr).phrases
    telling.sort(key=lambda line: not _holds(line, phrases))
    text = redacted(_CREDENTIALS.sub(r"\1", _without(secrets, "; ".join(telling))))
    return "".join(char if char.isprintable() else " " for char in text)[:_MAX_DETAIL]


def _explanation_of(stderr: str) -> _Explanation:
    lines = stderr.splitlines()
    return next(
        (known for known in _EXPLANATIONS if any(_holds(line, known.phrases) for line in lines)),
        _UNEXPLAINED,
    )


def _holds(line: str, phrases: Iterable[str]) -> bool:
    # a URL or a path may be named like a failure
    words = _QUOTED.sub("''", line.lower())
    return any(phrase in words for phrase in phrases)


def _plain(line: str) -> str:
    return line.lower().removeprefix("fatal: ").strip()


def _without(secrets: Iterable[str], text: str) -> str:
    for pattern in _patterns(secrets):
        text = pattern.sub("…", text)
    return text


def _patterns(secrets: Iterable[str]) -> Iterator[re.Pattern[str]]:
    """What finds secrets, the longest first; one that reads like a word is not looked for within others."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _LEAST_GUARDED:
            is_word = len(secret) < _SURELY_NO_WORD and secret.isalpha()
            yield re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)" if is_word else re.escape(secret))
