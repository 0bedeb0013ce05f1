"""View model of the page of tokens and people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.domain.access import Person, Role, Token
from reconciler.domain.grants import Grants, Right
from reconciler.engine.access.tokens import NewToken
from reconciler.web.ui.layout import Layout

ALL, SOME = "all", "some"


class TokenState(StrEnum):
    """Whether a token is valid, expired or revoked."""

    STANDS = "stands"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token in the list.

    Attributes:
        own: Whether the person who looks signed in with it.
    """

    token: Token
    state: TokenState
    own: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody who came by a login, with what the grants give them now."""

    person: Person
    rights: Sequence[Right]


@dataclass(frozen=True, slots=True)
class TypedToken:
    """The values in the form of a new token.

    Attributes:
        reach: ``all`` sources, or ``some``.
    """

    name: str = ""
    person: str = ""
    role: str = Role.VIEWER
    reach: str = ALL
    sources: Sequence[str] = ()
    expires_at: str = ""

    @classmethod
    def of_form(cls, fields: Mapping[str, Sequence[str]]) -> "TypedToken":
        """The fields as they were sent."""
        first = {name: values[0] for name, values in fields.items()}
        texts = {name: first[name] for name in ("name", "person", "role", "reach", "expires_at") if name in first}
        return cls(**texts, sources=tuple(fields.get("sources", ())))


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """What was just tried, and refused.

    Attributes:
        about: Which form it was: ``new``, ``token/ID`` or ``person/NAME``.
        problem: Why it was refused; empty where nothing was.
        reason: The reason that was typed.
        typed: What was typed of a new token.
    """

    about: str = ""
    problem: str = ""
    reason: str = ""
    typed: TypedToken = field(default_factory=TypedToken)


@dataclass(frozen=True, slots=True)
class AccessPage:
    """Who may come in.

    Attributes:
        standing: Valid tokens, newest first.
        ended: Those that are revoked or expired.
        sources: The names of the configured sources.
        login: Whether an issuer vouches for people.
        new: A token that was just made, at the only moment at which its secret is shown.
    """

    frame: Layout
    standing: Sequence[TokenView]
    ended: Sequence[TokenView]
    people: Sequence[PersonView]
    sources: Sequence[str]
    login: bool
    attempt: RefusedForm
    new: NewToken | None = None
    roles: Sequence[Role] = tuple(Role)


def token_views(tokens: Sequence[Token], now: datetime, own_id: str | None) -> Sequence[TokenView]:
    """Tokens as the list shows them."""
    return [TokenView(token, _state(token, now), token.id == own_id) for token in tokens]


def _state(token: Token, now: datetime) -> TokenState:
    if token.revoked_at is not None:
        return TokenState.REVOKED
    return TokenState.STANDS if token.is_valid(now) else TokenState.EXPIRED


def person_views(people: Sequence[Person], grants: Grants) -> Sequence[PersonView]:
    """People as the list shows them."""
    return [PersonView(person, grants.rights(person.groups)) for person in people]
