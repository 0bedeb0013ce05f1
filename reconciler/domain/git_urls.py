"""Parses git URLs, and compares whether two name the same repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

_SCP_LIKE: Final = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^:]+)\Z")
_USUAL_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_FORGE_USER: Final = "git"
"""Whom forges have people sign in as over ssh; no repository lies in that user's home directory."""


@dataclass(frozen=True, slots=True)
class GitUrl:
    """The parts of a git URL. Find them with `parse`.

    Attributes:
        scheme: In lower case; ``ssh`` also of ``git@host:path``.
        user: Empty where it names none.
        host: In lower case; an IPv6 address in brackets, and empty for a file.
        port: None where it is the usual one.
        path: As it is written; of ``git@host:path`` it begins without a slash, below the user's home directory.
    """

    scheme: str
    user: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> Self | None:
        """The parts of a URL; None where it is none that git would take."""
        short = _SCP_LIKE.match(url) if "://" not in url else None
        if short is not None:
            return cls("ssh", short["user"] or "", short["host"].lower(), None, short["path"])
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        if not parts.scheme:
            return None
        usual = port == _USUAL_PORTS.get(parts.scheme)
        return cls(
            parts.scheme,
            parts.username or "",
            f"[{host}]" if ":" in host else host,
            None if usual else port,
            parts.path,
        )

    @property
    def repository(self) -> tuple[str, str, str, int | None, str]:
        """What is equal of two URLs of one repository, however they are spelled.

        ``.git`` and slashes at the end say nothing, and neither does a user, except over ssh where the path is below
        that user's home directory.
        """
        at_home = self.scheme == "ssh" and (not self.path.startswith("/") or self.path.startswith("/~"))
        user = self.user if at_home and self.user != _FORGE_USER else ""
        path = self.path.removeprefix("/~/").strip("/").removesuffix(".git").rstrip("/")
        return self.scheme, user, self.host, self.port, path


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs name the same repository, judged by their text alone."""
    if one == other:
        return True
    first, second = GitUrl.parse(one), GitUrl.parse(other)
    return first is not None and second is not None and first.repository == second.repository
