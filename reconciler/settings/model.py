"""The settings: one frozen object, read once by `reconciler.settings.input`, and passed on table by table."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from reconciler.domain.forge_urls import Forge
from reconciler.domain.policy import Policy
from reconciler.domain.setting_values import Duration, Words
from reconciler.errors import SettingsError
from reconciler.settings.fields import Name
from reconciler.settings.sections import (
    AuditSettings,
    AuthSettings,
    DatabaseSettings,
    DataSettings,
    GrantSettings,
    OidcSettings,
    ServerSettings,
    SettingsSection,
    TenantSettings,
)
from reconciler.sources.file_tree import DEFAULT_PATHS, check_globs
from reconciler.sources.git_remote import GitRemote, check_branch

Provenance = Mapping[str, str]
"""Where what was given came from: ``server.port``, or ``tenants`` as a whole → the file's path or the variable."""


PREFIX = "RECONCILER_"
PREFIXES = (PREFIX, "WIZCHAT_")
"""Of variables that are ours: another name with one of them is a slip."""
CONFIG = "RECONCILER_CONFIG"
SHORT_FORM: Mapping[str, tuple[str, str]] = {
    "WIZCHAT_API_KEY": ("tenants", "api_key"),
    "WIZCHAT_API_KEY_FILE": ("tenants", "api_key_file"),
    "WIZCHAT_WRITE_API_KEY": ("tenants", "write_api_key"),
    "WIZCHAT_WRITE_API_KEY_FILE": ("tenants", "write_api_key_file"),
    "WIZCHAT_BASE_URL": ("tenants", "base_url"),
    "RECONCILER_GIT_URL": ("sources", "url"),
    "RECONCILER_GIT_URL_FILE": ("sources", "url_file"),
    "RECONCILER_GIT_BRANCH": ("sources", "branch"),
    "RECONCILER_GIT_INSECURE": ("sources", "insecure"),
}
"""The smallest installation: these variables make one tenant and one source, both named `default`."""
CLIENT_VARIABLES = frozenset({"RECONCILER_TOKEN", "RECONCILER_URL"})
"""Read by commands that ask a running service; no settings of the service."""


def _branch(value: str) -> str:
    try:
        check_branch(value)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return value


Branch = Annotated[str, AfterValidator(_branch)]


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
        timedelta(minutes=5),
        ge=timedelta(seconds=1),
        description="How often WizChat's list is read: chatbots whose `updatedAt` moved are compared at once.",
    )
    full_sweep_interval: Duration = Field(
        timedelta(hours=24),
        ge=timedelta(seconds=1),
        description="How often every chatbot is compared, whatever its `updatedAt` says: spread evenly over this time. "
        "Up to twice `drift_interval`: at each pass.",
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


class Settings(BaseSettings):
    """Everything that people set. Made by `load_settings`; code that starts the service itself may build one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    server: ServerSettings = Field(ServerSettings(), description="Where the service listens.")
    database: DatabaseSettings = Field(DatabaseSettings(), description="Where the truth is kept.")
    data: DataSettings = Field(DataSettings(), description="Where files lie.")
    tenants: tuple[TenantSettings, ...] = Field((), description="WizChat accounts.")
    sources: tuple[SourceSettings, ...] = Field((), description="Git repositories.")
    auth: AuthSettings = Field(AuthSettings(), description="How people and programs sign in.")
    oidc: OidcSettings = Field(OidcSettings(), description="Login by OpenID Connect.")
    grants: tuple[GrantSettings, ...] = Field((), description="What the members of groups may do.")
    policy: Policy = Field(Policy(), description="What it takes to apply a plan.")
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
        names = [tenant.name for tenant in self.tenants]
        _refuse_unknown_sources(self.grants, {source.name for source in self.sources})
        for source in self.sources:
            if source.tenant not in names:
                listed = ", ".join(names) or "there is none"
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


def _refuse_unknown_sources(grants: tuple[GrantSettings, ...], names: set[str]) -> None:
    for grant in grants:
        for name in set(grant.sources) - names:
            listed = ", ".join(sorted(names)) or "there is none"
            raise ValueError(f"grants.{grant.group}.sources: there is no source {name!r}: use one of {listed}")


def variables(model: type[BaseSettings]) -> Iterator[str]:
    """The name of every environment variable that the settings know, the smallest installation's left out."""
    for name, field in model.model_fields.items():
        section = model_of(field.annotation)
        if section is None or get_args(field.annotation):
            yield f"{PREFIX}{name}".upper()
        else:
            yield from (f"{PREFIX}{name}__{inner}".upper() for inner in section.model_fields)


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as ``tuple[Model, ...]``, or None."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
