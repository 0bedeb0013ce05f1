"""The settings that say who may come in."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from reconciler.domain.entities import Role
from reconciler.domain.grants import Grant
from reconciler.runtime.settings_fields import Duration, IssuerUrl, Words
from reconciler.runtime.settings_section import SettingsSection

_SHORTEST_BOOTSTRAP_TOKEN = 32
SHORTEST_KEY = 32


class AuthSettings(SettingsSection):
    """How people and programs sign in."""

    bootstrap_token: SecretStr | None = Field(
        None,
        description=f"An admin token for automation, of at least {_SHORTEST_BOOTSTRAP_TOKEN} characters. One that "
        "was revoked stays so.",
    )
    bootstrap_token_file: Path | None = Field(None, description="A file that holds `bootstrap_token`.")
    link_key: SecretStr | None = Field(
        None,
        description=f"What signs read-only links to plans, of at least {SHORTEST_KEY} characters. Unset: a random key "
        "that is kept as `link-key` in `data.dir`. Another key ends all links.",
    )
    link_key_file: Path | None = Field(None, description="A file that holds `link_key`.")
    session_ttl: Duration = Field(
        timedelta(hours=8),
        ge=timedelta(minutes=1),
        le=timedelta(days=7),
        description="How long a browser stays signed in.",
    )
    failures_per_minute: int = Field(
        20, ge=1, le=10_000, description="How many wrong credentials a client address may present in a minute."
    )

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.bootstrap_token and len(self.bootstrap_token.get_secret_value()) < _SHORTEST_BOOTSTRAP_TOKEN:
            raise ValueError(f"bootstrap_token: it needs at least {_SHORTEST_BOOTSTRAP_TOKEN} characters")
        if self.link_key and len(self.link_key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"link_key: it needs at least {SHORTEST_KEY} characters")
        return self


class OidcSettings(SettingsSection):
    """Login by OpenID Connect (code flow with PKCE). Off while `issuer` is unset."""

    issuer: IssuerUrl | None = Field(None, description="The issuer's URL, with its path: https, or http on loopback.")
    client_id: str | None = Field(None, min_length=1, description="What the issuer calls this service.")
    client_secret: SecretStr | None = Field(
        None, min_length=1, description="The client's secret; unset for a public client, which PKCE alone protects."
    )
    client_secret_file: Path | None = Field(None, description="A file that holds `client_secret`.")
    scopes: Words = Field(("openid", "email", "profile"), description="What the login asks the issuer for.")
    name_claim: str = Field(
        "email",
        min_length=1,
        description="The claim that names the person in approvals and the audit log; an `email` must be verified. "
        "Where the issuer never says so, as Entra ID: `preferred_username`.",
    )
    groups_claim: str = Field("groups", min_length=1, description="The claim that lists the person's groups.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.issuer and not self.client_id:
            raise ValueError("client_id: it is needed with issuer")
        if self.issuer and "openid" not in self.scopes:
            raise ValueError("scopes: openid is missing: without it the issuer says nothing of the person")
        return self


class GrantSettings(SettingsSection):
    """What the members of a group may do once they signed in; of several grants all hold."""

    group: str = Field(min_length=1, description="The group, as the issuer names it; `*` is everybody who signs in.")
    role: Role = Field(description="The role that the members have.")
    sources: Words = Field((), description="The sources that they may act on. Empty: all.")

    def as_grant(self) -> Grant:
        """The grant as the engine takes it."""
        return Grant(self.group, self.role, self.sources or None)
