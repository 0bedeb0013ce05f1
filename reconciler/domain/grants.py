"""Grants: the rights that members of a group have, and for which sources."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from reconciler.domain.access import Role

EVERYBODY = "*"
"""The group of everybody who signed in."""


@dataclass(frozen=True, slots=True)
class Right:
    """A role, for all sources or for some.

    Attributes:
        sources: The sources it is good for; None means all, and what concerns all of them.
    """

    role: Role
    sources: tuple[str, ...] | None = None

    def covers(self, source: str | None) -> bool:
        """Whether it is good for a source; None means what concerns all of them."""
        return self.sources is None or source in self.sources


@dataclass(frozen=True, slots=True)
class Grant:
    """A right of the members of a group."""

    group: str
    role: Role
    sources: tuple[str, ...] | None = None

    @property
    def right(self) -> Right:
        """The right that a member has by this grant."""
        return Right(self.role, self.sources)


@dataclass(frozen=True, slots=True)
class Grants:
    """What the settings grant. Of several grants to one person all hold."""

    listed: tuple[Grant, ...] = ()

    def rights(self, groups: Collection[str]) -> tuple[Right, ...]:
        """What a member of these groups may do."""
        return tuple(grant.right for grant in self.listed if grant.group == EVERYBODY or grant.group in groups)

    def role_in(self, groups: Collection[str], source: str | None) -> Role | None:
        """The role of a member of these groups for a source, or None; source None asks for all of them."""
        return role_for(self.rights(groups), source)


def highest(roles: Iterable[Role]) -> Role | None:
    """The role that includes the others."""
    return max(roles, key=list(Role).index, default=None)


def role_for(rights: Sequence[Right], source: str | None) -> Role | None:
    """The role that rights give for a source, or None; source None asks for what concerns all of them."""
    return highest(right.role for right in rights if right.covers(source))


def reach(rights: Iterable[Right]) -> tuple[str, ...] | None:
    """The sources that rights are good for, by name; None when one of them is good for all."""
    names: set[str] = set()
    for right in rights:
        if right.sources is None:
            return None
        names.update(right.sources)
    return tuple(sorted(names))
