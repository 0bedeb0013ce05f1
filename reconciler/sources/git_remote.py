"""Where a source's repository is: a URL that is safe to hand to git, and credentials that never stand in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from reconciler.errors import SettingsError
from reconciler.sources.file_tree import DEFAULT_PATHS

_SAFE_SCHEMES: Final = frozenset({"https", "ssh"})
_INSECURE_SCHEMES: Final = frozenset({"http", "git", "file"})
_SCP_LIKE: Final = re.compile(
    r"(?P<user>[A-Za-z0-9_][\w.-]*)@(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^:/-][^:]*|/[^:]+)\Z"
)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z", re.ASCII)
_USER: Final = re.compile(r"[A-Za-z0-9_][\w.-]*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]|%[01][0-9A-Fa-f]|%7[Ff]")
# the rules of `git check-ref-format --branch`, and no "+", which begins a refspec
_NO_BRANCH: Final = re.compile(
    r"\A\Z|\AHEAD\Z|\A[-+/.]|[/.]\Z|//|/\.|\.\.|@\{|\.lock(?:/|\Z)|[\x00-\x20\x7f~^:?*\[\\]|[\ud800-\udfff]"
)
_REF_PREFIX: Final = re.compile(r"(?:refs/)?(?:heads|remotes/[^/]+)/|(?:origin|upstream)/")
_MAX_BRANCH: Final = 250
_LEAST_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class GitRemote:
    """One branch of one repository, and what of it is a source. Build it with `parse`.

    Attributes:
        url: Without credentials; for ssh with the user, which is no secret.
        branch: None means the remote's HEAD.
        paths: Globs of the documents.
        allowed: The chatbot ids or patterns that the source may manage; empty means all.
        is_shared: Whether other sources are of the same repository: what lies outside of the paths may be theirs.
        username: For https; empty when the remote is open to all.
        password: For https: a password or a token.
        env: Environment for git on top of ours, such as ``GIT_SSH_COMMAND`` with a key of its own.
    """

    url: str
    branch: str | None = None
    paths: tuple[str, ...] = DEFAULT_PATHS
    allowed: tuple[str, ...] = ()
    is_shared: bool = False
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(
        cls,
        url: str,
        branch: str | None = None,
        *,
        paths: tuple[str, ...] = DEFAULT_PATHS,
        allowed: tuple[str, ...] = (),
        insecure: bool = False,
        username: str = "",
        password: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """A remote for a URL from the settings; credentials in the URL are taken out of it.

        Args:
            url: https or ssh, also as ``git@host:path``.
            branch: None means the remote's HEAD.
            paths: Globs of the documents.
            allowed: The chatbot ids or patterns that the source may manage; empty means all.
            insecure: Whether git://, http:// and file:// may be used too.
            username: Stands above one in the URL.
            password: Stands above one in the URL.
            env: Environment for git on top of ours.

        Raises:
            SettingsError: When git must not be given this URL or branch.
        """
        if branch is not None:
            check_branch(branch)
        bare, user, secret = _split(url, insecure=insecure)
        remote = cls(bare, branch, tuple(paths), tuple(allowed), env=dict(env or {}))
        return replace(remote, username=username or user, password=password or secret)

    @property
    def scheme(self) -> str:
        """The protocol that git may use for it, and no other."""
        found = _SCHEME.match(self.url)
        return found[1].lower() if found else "ssh"

    @property
    def display_url(self) -> str:
        """The URL as it may be shown: it holds no credentials."""
        return self.url

    @property
    def repository_name(self) -> str:
        """What the repository is called at its host, however its URL is written."""
        return re.split(r"[/:]", self.url.rstrip("/").removesuffix(".git").rstrip("/"))[-1].casefold()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no message: the password, and a user name as long as the tokens some forges want there."""
        return tuple(filter(None, (self.password, self.username if len(self.username) >= _LEAST_TOKEN else "")))


def check_branch(branch: str) -> None:
    """Refuse what git would not take as the name of a branch, or take as something else.

    Raises:
        SettingsError: Saying how to write it.
    """
    if _NO_BRANCH.search(branch) or len(branch.encode()) > _MAX_BRANCH:
        raise SettingsError(f"the branch {branch!r} is no branch name: write it as `git branch` shows it")


def split_branch(branch: str) -> tuple[str, str]:
    """A branch's name apart from what git and its clones write before it.

    Args:
        branch: As it was set; a branch may well be named so, and only the remote knows.

    Returns:
        Such as ``refs/heads/`` or ``origin/``, empty where there is none, and the rest.
    """
    found = _REF_PREFIX.match(branch)
    prefix = found[0] if found else ""
    return prefix, branch.removeprefix(prefix)


def _split(url: str, *, insecure: bool) -> tuple[str, str, str]:
    """The URL without credentials, the user name, and the password."""
    if _CONTROL.search(url) or url.startswith("-") or "\\" in url:
        raise SettingsError("the git URL contains characters that are not allowed, or begins with “-”: correct it")
    if _SCP_LIKE.match(url) and "://" not in url:
        return url, "", ""
    if "::" in url.split("/", maxsplit=1)[0] or not _SCHEME.match(url):
        raise SettingsError("the git URL must be https://…, ssh://… or git@host:path")
    return _split_url(url, insecure=insecure)


def _split_url(url: str, *, insecure: bool) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingsError("the git URL cannot be read: correct it") from error
    scheme = parts.scheme.lower()
    if scheme not in _SAFE_SCHEMES | _INSECURE_SCHEMES:
        raise SettingsError(f"the git URL's scheme {scheme}:// is not allowed: use https or ssh")
    if scheme in _INSECURE_SCHEMES and not insecure:
        raise SettingsError(
            f"{scheme}:// is not safe: use https or ssh; for development set insecure = true (RECONCILER_GIT_INSECURE)"
        )
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    _check_host(scheme, host)
    if scheme == "ssh":
        return _ssh_url(parts.path, host, user, password), "", ""
    if parts.query or parts.fragment:
        raise SettingsError("the git URL must have no query and no fragment: remove what follows ? or #")
    return f"{scheme}://{host}{parts.path}", unquote(user), unquote(password)


def _check_host(scheme: str, host: str) -> None:
    if scheme == "file":
        if host:
            raise SettingsError("a file:// URL names no host: write file:///path")
    elif not _HOST.match(host):
        raise SettingsError(
            "the git URL names no valid host: correct it, and write /, ? and # of a password as %2F, %3F and %23"
        )


def _ssh_url(path: str, host: str, user: str, password: str) -> str:
    if password:
        raise SettingsError("ssh takes no password from the git URL: use a key")
    if user and not _USER.match(user):
        raise SettingsError("the git URL's user name is not valid: correct it")
    if path.startswith("/-"):
        raise SettingsError("the git URL's path must not begin with “-”: correct it")
    return f"ssh://{user}@{host}{path}" if user else f"ssh://{host}{path}"
