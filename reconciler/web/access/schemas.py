"""Request and response models of tokens and people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from reconciler.domain.access import Role, Token
from reconciler.domain.grants import role_for
from reconciler.web.auth.credentials import Caller, Credential
from reconciler.web.http.schemas import MAX_PAGE, Moment, RequestModel, ResponseModel, Text, Until, Word


class BarRequest(RequestModel):
    """Keep a person out, or let them in again."""

    reason: Text


class TokenRequest(RequestModel):
    """A new token."""

    name: Annotated[Word, Field(description="A name that no standing token has.")]
    role: Annotated[Role, Field(strict=False)]
    person: Word | None = Field(default=None, description="Who holds it; null means that it is its own person.")
    expires_at: Until | None = Field(default=None, description="When it ends; null means when it is revoked.")
    sources: Annotated[list[Word], Field(min_length=1, max_length=MAX_PAGE)] | None = Field(
        default=None, description="The sources that it is good for; null means all."
    )


class RightResponse(ResponseModel):
    """A role, for all sources or for some."""

    role: Role
    sources: list[str] | None = Field(description="Null means all.")


class TokenResponse(ResponseModel):
    """A token without its secret, which is not kept."""

    id: str
    name: str
    person: str = Field(description="Who holds it: of a person all approvals count once.")
    role: Role
    sources: list[str] | None = Field(description="Null means all.")
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None = Field(description="To about a minute.")
    stands: bool = Field(description="Whether it is neither revoked nor expired.")

    @classmethod
    def of_token(cls, token: Token, now: datetime, **fields: object) -> Self:
        """Make the answer from a token as it is at a moment."""
        return cls.of(token, stands=token.is_valid(now), **fields)


class NewTokenResponse(TokenResponse):
    """A token at the only moment at which its secret is told."""

    secret: str


class PersonResponse(ResponseModel):
    """Somebody who came by a login."""

    name: str
    issuer: str
    subject: str = Field(description="What the issuer calls them, for ever.")
    groups: list[str] = Field(description="What the issuer said at the last login.")
    rights: list[RightResponse] = Field(description="What the grants give these groups now.")
    seen_at: Moment = Field(description="The last login.")
    barred_at: Moment | None = Field(description="Since when an admin keeps them out.")


class MeResponse(ResponseModel):
    """Who asks, and what they may do."""

    name: str
    role: Role = Field(description="The highest that they have anywhere.")
    rights: list[RightResponse]
    roles: Mapping[str, Role | None] = Field(description="Source → the role for it; null means none.")
    everywhere: Role | None = Field(description="The role for what concerns all sources.")
    credential: Credential
    expires_at: Moment | None = Field(description="When the token or the session ends.")

    @classmethod
    def of_caller(cls, caller: Caller, sources: Sequence[str]) -> Self:
        """Make the answer from whoever asks; it names only sources that they may see."""
        actor = caller.actor
        return cls.of(
            caller,
            name=actor.name,
            role=actor.role,
            rights=actor.rights,
            roles={source: role_for(actor.rights, source) for source in sources if actor.sees(source)},
            everywhere=role_for(actor.rights, None),
        )
