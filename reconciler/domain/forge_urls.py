"""Links to the files and commits of a repository on its forge.

Every link is made of what the settings say, checked part by part: it is https (or http where git itself is read over
http), holds no credentials, and cannot lead out of the repository.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self
from urllib.parse import quote, unquote

from reconciler.domain.git_urls import GitUrl


class Forge(StrEnum):
    """What serves a repository to people. A generic one serves it to git alone."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"
    BITBUCKET_DC = "bitbucket-dc"
    GENERIC = "generic"


_KNOWN: Final[Mapping[str, Forge]] = {
    "github.com": Forge.GITHUB,
    "gitlab.com": Forge.GITLAB,
    "codeberg.org": Forge.GITEA,
    "gitea.com": Forge.GITEA,
    "bitbucket.org": Forge.BITBUCKET,
}
"""Hosts of which everybody knows what they are, whether the settings say so or not."""

_SSH_HOSTS: Final[Mapping[str, str]] = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Hosts for ssh over the port of https, which serve no pages themselves."""

_HOST: Final = re.compile(r"[a-z0-9][a-z0-9.-]*\Z|\[[0-9a-f:.]+\]\Z")
_REVISION: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_LEAST_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class WebRepository:
    """A repository's pages. Find it with `of`.

    Attributes:
        forge: What serves them; never generic.
        base: The address of the repository's own page.
    """

    forge: Forge
    base: str

    @classmethod
    def of(cls, forge: Forge, url: str) -> Self | None:
        """The pages of the repository at a git URL; None when it has none that are known.

        Args:
            forge: As the settings say; for generic, the forge is recognised by its host where that is beyond doubt.
            url: https, http, ssh, or ``git@host:path``; credentials in it are left out.
        """
        place = _place(url)
        if place is None:
            return None
        origin, host, parts = place
        if forge is Forge.GENERIC:
            forge = _KNOWN.get(host, Forge.GENERIC)
        path = _repository_path(forge, parts)
        return cls(forge, f"{origin}/{path}") if path is not None else None

    def commit(self, revision: str) -> str | None:
        """Where a commit can be looked at."""
        if not _REVISION.match(revision):
            return None
        match self.forge:
            case Forge.GITLAB:
                return f"{self.base}/-/commit/{revision}"
            case Forge.BITBUCKET | Forge.BITBUCKET_DC:
                return f"{self.base}/commits/{revision}"
            case _:
                return f"{self.base}/commit/{revision}"

    def file(self, path: str, revision: str, line: int | None = None) -> str | None:
        """Where a file can be looked at as it was at a revision.

        Args:
            path: Relative to the repository's root.
            revision: The whole commit id.
            line: The line to begin at, from 1.
        """
        parts = path.split("/")
        if not _REVISION.match(revision) or not _are_plain(parts):
            return None
        return self._file(_quoted(parts), revision, line)

    def _file(self, path: str, revision: str, line: int | None) -> str:
        mark = "" if line is None else str(line)
        match self.forge:
            case Forge.GITLAB:
                return f"{self.base}/-/blob/{revision}/{path}" + (mark and f"#L{mark}")
            case Forge.GITEA:
                return f"{self.base}/src/commit/{revision}/{path}" + (mark and f"#L{mark}")
            case Forge.BITBUCKET:
                return f"{self.base}/src/{revision}/{path}" + (mark and f"#lines-{mark}")
            case Forge.BITBUCKET_DC:
                return f"{self.base}/browse/{path}?at={revision}" + (mark and f"#{mark}")
            case _:
                return f"{self.base}/blob/{revision}/{path}" + (mark and f"#L{mark}")


def _place(url: str) -> tuple[str, str, list[str]] | None:
    """The origin of the pages, the host, and the parts of the repository's path."""
    parsed = GitUrl.parse(url)
    if parsed is None:
        return None
    scheme, port, host = parsed.scheme, parsed.port, parsed.host
    if scheme == "ssh":
        # the port is that of ssh: only the host is part of the address of pages
        scheme, port, host = "https", None, _SSH_HOSTS.get(host, host)
    parts = [unquote(part) for part in parsed.path.removesuffix("/").removesuffix(".git").split("/") if part]
    if scheme not in ("https", "http") or not _HOST.match(host) or not _are_plain(parts):
        return None
    return f"{scheme}://{host}" if port is None else f"{scheme}://{host}:{port}", host, parts


def _repository_path(forge: Forge, parts: list[str]) -> str | None:
    if forge is Forge.BITBUCKET_DC:
        return _data_center_path(parts)
    return _quoted(parts) if forge is not Forge.GENERIC and len(parts) >= _LEAST_PARTS else None


def _data_center_path(parts: list[str]) -> str | None:
    """Its pages have other paths than its repositories: ``/scm/KEY/name`` is ``/projects/KEY/repos/name``."""
    before = parts[: parts.index("scm")] if "scm" in parts[:-_LEAST_PARTS] else []
    rest = parts[len(before) + 1 :] if len(parts) > len(before) and parts[len(before)] == "scm" else parts
    if len(rest) != _LEAST_PARTS:
        return None
    owner, name = rest
    kind = ["users", owner[1:]] if owner.startswith("~") else ["projects", owner]
    return _quoted([*before, *kind, "repos", name])


def _are_plain(parts: list[str]) -> bool:
    """Whether a path of these parts stays where it is: a browser takes ``..`` out, also when it is quoted."""
    return bool(parts) and all(part not in ("", ".", "..") and "/" not in part and "\\" not in part for part in parts)


def _quoted(parts: list[str]) -> str:
    return "/".join(quote(part, safe="~") for part in parts)
