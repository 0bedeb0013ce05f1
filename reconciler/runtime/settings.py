"""The settings: one frozen object, read once from a TOML file and the environment, and passed on from there.

`load_settings` is the only way in. Whatever is wrong is a `SettingsError` of one line that says what to change.
The descriptions below are the reference: ``docs/settings.md`` is written from them.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from api_client.base_url import DEFAULT_BASE_URL, LARGEST_PORT
from reconciler.domain.forge_urls import Forge
from reconciler.errors import SettingsError
from reconciler.runtime.settings_auth import AuthSettings, GrantSettings, OidcSettings
from reconciler.runtime.settings_fields import (
    ApiKey,
    ApiUrl,
    Branch,
    Duration,
    Hosts,
    Name,
    Networks,
    Origins,
    Retention,
    WebUrl,
    Words,
)
from reconciler.runtime.settings_input import Provenance, read_input
from reconciler.runtime.settings_policy import PolicySettings
from reconciler.runtime.settings_section import SettingsSection
from reconciler.sources.file_tree import DEFAULT_PATHS, check_globs
from reconciler.sources.git_remote import GitRemote


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
        8, ge=1, le=16, description="How many calls may be under way at once; those of applies come on top."
    )
    requests_per_minute: int = Field(600, ge=1, description="How many calls a minute the tenant may use.")
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


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | Path) else value


class SourceSettings(SettingsSection):
    """One branch of one git repository, for one tenant."""

    name: Name = Field(description="What pages, tokens and webhooks call the source.")
    url: SecretStr = Field(min_length=1, description="The git URL: https or ssh. Secret, as it may hold credentials.")
    url_file: Path | None = Field(None, description="A file that holds `url`.")
    branch: Branch | None = Field(None, description="The branch. Unset: the remote's `HEAD`.")
    paths: Words = Field(
        DEFAULT_PATHS,
        min_length=1,
        description="Globs of the files that hold documents, from the repository's root. One that begins with `!` "
        "excludes; the last that matches a file wins.",
    )
    tenant: Name = Field("default", description="The tenant whose chatbots the documents describe.")
    chatbots: Words = Field(
        (),
        description="Ids, or patterns of ids, that this source may manage; others are refused. Empty: all. Set it for "
        "each source where a tenant has several.",
    )
    interval: Duration = Field(timedelta(minutes=5), ge=timedelta(seconds=1), description="How often git is asked.")
    drift_interval: Duration = Field(
        timedelta(minutes=5), ge=timedelta(seconds=1), description="How often the live side is compared as a whole."
    )
    insecure: bool = Field(
        False,  # noqa: FBT003 - it is the default value of the field
        description="Allows `git://`, `http://` and `file://` remotes: for development.",
    )
    forge: Literal[Forge.GITHUB, Forge.GENERIC] = Field(
        Forge.GENERIC,
        description="Whose webhooks come in: `github`, or `generic` for any other sender that signs the same way.",
    )
    webhook_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_as_tuple)] = Field(
        (), description="The webhook's secret; a list while rotating. Without it there is no webhook (404)."
    )
    webhook_secret_file: Annotated[tuple[Path, ...], BeforeValidator(_as_tuple)] = Field(
        (), description="A file that holds `webhook_secret`, or a list of files."
    )

    @field_validator("paths")
    @classmethod
    def _paths_that_can_match(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        try:
            check_globs(paths)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return paths

    @model_validator(mode="after")
    def _safe_remote(self) -> Self:
        try:
            self.remote()
        except SettingsError as error:
            raise ValueError(f"url: {error}") from None
        return self

    def remote(self) -> GitRemote:
        """Where the repository is, and what of it is the source.

        Raises:
            SettingsError: When git must not be given this URL.
        """
        return GitRemote.parse(
            self.url.get_secret_value(),
            self.branch,
            paths=self.paths,
            allowed=self.chatbots,
            insecure=self.insecure,
        )

    @property
    def shown_url(self) -> str:
        """The URL without credentials."""
        return self.remote().display_url


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


class Settings(BaseSettings):
    """Everything that people set. Made by `load_settings`; code that starts the service itself may build one."""

    model_config = SettingsConfigDict(
        env_prefix="RECONCILER_", env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    server: ServerSettings = Field(ServerSettings(), description="Where the service listens.")
    database: DatabaseSettings = Field(DatabaseSettings(), description="Where the truth is kept.")
    data: DataSettings = Field(DataSettings(), description="Where files lie.")
    tenants: tuple[TenantSettings, ...] = Field((), description="WizChat accounts.")
    sources: tuple[SourceSettings, ...] = Field((), description="Git repositories.")
    auth: AuthSettings = Field(AuthSettings(), description="How people and programs sign in.")
    oidc: OidcSettings = Field(OidcSettings(), description="Login by OpenID Connect.")
    grants: tuple[GrantSettings, ...] = Field((), description="What the members of groups may do.")
    policy: PolicySettings = Field(PolicySettings(), description="What it takes to apply a plan.")
    audit: AuditSettings = Field(AuditSettings(), description="How long decisions are kept.")
    _origins: Provenance = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the names are the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load_settings` names what is read."""
        return (init_settings,)

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        _refuse_twice("tenants", [tenant.name for tenant in self.tenants])
        _refuse_twice("sources", [source.name for source in self.sources])
        known = [tenant.name for tenant in self.tenants]
        _refuse_unknown_sources(self.grants, {source.name for source in self.sources})
        for source in self.sources:
            if source.tenant not in known:
                listed = ", ".join(known) or "there is none"
                raise ValueError(
                    f"sources.{source.name}.tenant: there is no tenant {source.tenant!r}: use one of {listed}"
                )
        return self

    @property
    def origins(self) -> Provenance:
        """Where what was given came from, as far as `load_settings` read it."""
        return self._origins

    def with_origins(self, origins: Provenance) -> Self:
        """The same, knowing where it came from."""
        self._origins = origins
        return self

    @property
    def database_url(self) -> SecretStr:
        """The database that is used."""
        return self.database.url or SecretStr(f"sqlite:///{self.data.dir / 'reconciler.db'}")

    def tenant(self, name: str | None = None) -> TenantSettings:
        """A tenant by its name, or the only one.

        Raises:
            SettingsError: When there is none, or more than one and no name is given.
        """
        chosen = [tenant for tenant in self.tenants if name in {None, tenant.name}]
        if len(chosen) == 1:
            return chosen[0]
        if not self.tenants:
            raise SettingsError("no tenant is set: put a WizChat API key in WIZCHAT_API_KEY")
        names = ", ".join(tenant.name for tenant in self.tenants)
        raise SettingsError(
            f"choose a tenant: {names}" if name is None else f"there is no tenant {name!r}: use one of {names}"
        )

    def check_servable(self) -> None:
        """Refuse to start a service that has nothing to do.

        Raises:
            SettingsError: Naming what to set.
        """
        if not self.sources:
            raise SettingsError(
                "no source is set: put a git URL in RECONCILER_GIT_URL, or [[sources]] in RECONCILER_CONFIG"
            )


def _refuse_twice(setting: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{setting}: two are named {name!r}: give each a name of its own")


def _refuse_unknown_sources(grants: tuple[GrantSettings, ...], known: set[str]) -> None:
    for grant in grants:
        for name in set(grant.sources) - known:
            listed = ", ".join(sorted(known)) or "there is none"
            raise ValueError(f"grants.{grant.group}.sources: there is no source {name!r}: use one of {listed}")


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings: the TOML file named by ``RECONCILER_CONFIG``, and the environment, which wins over it.

    Args:
        environ: The environment to read.

    Raises:
        SettingsError: In one line: what is wrong, where, and what to change.
    """
    settings, origins = read_input(Settings, environ)
    return settings.with_origins(origins)
