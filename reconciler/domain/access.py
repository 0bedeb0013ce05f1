"""Who may do what: roles, tokens, people and sessions. A `version` is compared and set on every save."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.domain.clock_tolerance import is_ahead


class Role(StrEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token. Only its hash is kept.

    Attributes:
        person: Who holds it: all approvals of one person count once, whatever tokens they hold.
        hash: sha256 of the token, in hex.
        sources: The sources it is good for; None means all.
        last_used_at: About when it was last accepted; None when it never was.
    """

    id: str
    name: str
    person: str
    role: Role
    hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    sources: tuple[str, ...] | None = None
    last_used_at: datetime | None = None
    version: int = 0

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who came by a login. What they may do follows from the groups and the settings, each time anew.

    Attributes:
        name: As shown in approvals and the audit log.
        issuer: Who vouches for them.
        subject: What the issuer calls them, for ever; the name may change hands.
        groups: What the issuer said at the last login.
        seen_at: When that was.
        barred_at: Since when an admin keeps them out; None while they may come in.
    """

    name: str
    issuer: str
    subject: str
    groups: tuple[str, ...]
    seen_at: datetime
    barred_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in. Only the hash of what its cookie holds is kept.

    Attributes:
        hash: sha256 of the cookie's value, in hex.
        person: Who signed in.
        token_id: The token that they signed in with; None after a login.
    """

    id: str
    hash: str = field(repr=False)
    person: str
    token_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    version: int = 0

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither ended nor expired, nor begun while the clock was ahead: it would last too long."""
        return self.ended_at is None and self.expires_at > now and not is_ahead(self.created_at, now)
