"""The tables of the settings, one class each: every setting with its default, its limits and its description.

A part of the program is handed the table that it is for, whole. ``docs/settings.md`` is written from the descriptions.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from api_client.base_url import DEFAULT_BASE_URL, LARGEST_PORT
from reconciler.domain.access import Role
from reconciler.domain.grants import Grant
from reconciler.domain.setting_values import MOST_CALLS_AT_ONCE, Duration, Retention, Words
from reconciler.settings.fields import ApiKey, ApiUrl, Hosts, IssuerUrl, Name, Networks, Origins, WebUrl

SHORTEST_KEY = 32
_SHORTEST_BOOTSTRAP_TOKEN = 32
_MAX_SECRET_BYTES = 64 * 1024


class SettingsSection(BaseModel):
    """What the tables have in common: frozen, without unknown names, and ``api_key_file`` stands for ``api_key``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def __with_secrets_of_files(cls, values: Any) -> Any:
        return _with_secrets_of_files(cls, values) if isinstance(values, dict) else values


def _with_secrets_of_files(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Put what the files hold in the place of the settings that name them.

    Raises:
        ValueError: When a secret is given twice, or its file cannot be read or is empty.
    """
    result = dict(values)
    for name, value in values.items():
        secret = name.removesuffix("_file")
        if secret != name and name in model.model_fields and secret in model.model_fields and value is not None:
            if values.get(secret) is not None:
                raise ValueError(f"{name}: {secret} is set too: keep one of them")
            result[secret] = _read_all(name, value)
    return result


def _read_all(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_read(name, str(path)) for path in value]
    return _read(name, str(value))


def _read(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MAX_SECRET_BYTES).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"{name}: {path} cannot be read ({cause}): create it, or correct the path") from None
    if not text:
        raise ValueError(f"{name}: {path} is empty: put the secret in it")
    return text


class ServerSettings(SettingsSection):
    """Where the service listens and what it believes about its callers."""

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on; `0.0.0.0` in a container.")
    port: int = Field(8080, ge=0, le=LARGEST_PORT, description="The port to listen on; 0 takes a free one.")
    public_url: WebUrl | None = Field(
        None,
        description="How people reach the service; used in links, so it may not hold credentials. With a path, every "
        "address stands below it, whether or not a proxy takes the path off. Unset: the address it listens on.",
    )
    allowed_hosts: Hosts = Field(
        (), description="Host names that requests may carry, besides the one of `public_url`; loopback always may."
    )
    trusted_proxies: Networks = Field(
        (), description="Addresses or networks whose `X-Forwarded-*` headers are believed."
    )
    cors_origins: Origins = Field((), description="Origins whose pages may call the API from a browser.")


class DatabaseSettings(SettingsSection):
    """Where the truth is kept."""

    url: SecretStr | None = Field(
        None,
        description="`sqlite:////absolute/path.db` or `postgresql://…`. Unset: `reconciler.db` in `data.dir`.",
    )
    url_file: Path | None = Field(None, description="A file that holds `database.url`.")

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        if self.url and not self.url.get_secret_value().startswith(("sqlite:///", "postgresql://")):
            raise ValueError("url: write it as sqlite:////absolute/path.db or postgresql://…")
        return self


class DataSettings(SettingsSection):
    """Where files lie, and how long what has ended is kept."""

    dir: Annotated[Path, AfterValidator(Path.expanduser), AfterValidator(Path.absolute)] = Field(
        Path("/var/lib/reconciler"),
        description="Git mirrors, which can be deleted at any time; the kept heads and the archive of the audit log, "
        "which belong into a backup; the key of links to plans; also the database while `database.url` is unset. A "
        "relative path counts from the folder that the program is started in.",
    )
    runs: Retention = Field(
        timedelta(days=30),
        description="How long finished runs are kept. A source's newest, its newest that succeeded and the one that "
        "lists what is wrong in its documents stay.",
    )
    plans: Retention = Field(
        timedelta(days=90),
        description="How long closed plans are kept, with their approvals and applies, and ended suspensions. "
        "A plan stays while it still decides about others, as a rejected one does.",
    )
    history: Retention = Field(
        timedelta(days=90),
        description="How long the database keeps when chatbots drifted and were in sync again, for the pages. "
        "A drift that lasts is kept whole, and the audit log has a setting of its own.",
    )


class TenantSettings(SettingsSection):
    """One WizChat account."""

    name: Name = Field(description="What sources and pages call the tenant.")
    base_url: ApiUrl = Field(
        DEFAULT_BASE_URL,
        description="The account's WizChat: scheme, host and port, without a path. https, or http on loopback.",
    )
    api_key: ApiKey = Field(min_length=1, description="The key for reading and dry runs.")
    api_key_file: Path | None = Field(None, description="A file that holds `api_key`.")
    write_api_key: ApiKey | None = Field(
        None,
        min_length=1,
        description="The key for applies; it may be the same key. Without it the tenant is `ReadOnly`.",
    )
    write_api_key_file: Path | None = Field(None, description="A file that holds `write_api_key`.")
    concurrency: int = Field(
        8,
        ge=1,
        le=MOST_CALLS_AT_ONCE,
        description="How many calls may be under way at once; those of applies come on top.",
    )
    requests_per_minute: int = Field(
        600,
        ge=1,
        description="How many calls a minute the tenant may use. Where WizChat takes fewer, the pace falls to that.",
    )
    daily_budget: int | None = Field(
        None,
        ge=1,
        description="How many calls a day (UTC) the tenant may use; below the quota of its keys. Unset: not limited "
        "here. Each source is sure of an even share.",
    )

    apply_reserve: float = Field(
        0.1,
        ge=0,
        le=0.9,
        description="The share of `daily_budget` that is kept for applies, with their re-checks and verifications.",
    )
    change_reserve: float = Field(
        0.2,
        ge=0,
        le=0.9,
        description="The share of `daily_budget` that comparisons of all chatbots leave for what changes later in the "
        "day, in git or at WizChat; as the day passes, it is given free.",
    )
    live_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="The share of `daily_budget` that people's looks at live configurations may use together.",
    )
    live_views_per_hour: int = Field(
        60, ge=0, description="How often one person may have a live configuration read; 0 for never."
    )

    @property
    def read_only(self) -> bool:
        """Whether nothing can be applied."""
        return self.write_api_key is None


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


class AuditSettings(SettingsSection):
    """How long decisions are kept, and how they are vouched for."""

    retention: Retention | None = Field(
        None,
        description="How long entries stay in the database; older ones move to `audit-archive` in `data.dir`. "
        "Unset: for ever.",
    )
    head_interval: Duration = Field(
        timedelta(minutes=5),
        ge=timedelta(seconds=1),
        description="How often the head of the chain is written to the log and beside the database.",
    )
