"""The settings of the web application."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata

from pydantic import SecretStr
from starlette.datastructures import URL

from reconciler.settings.sections import AuthSettings, ServerSettings
from reconciler.web.http.root_path import root_path_of

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """A setting as the service has it. It never holds a secret.

    Attributes:
        name: Such as ``policy.approvals``, or ``tenants[acme].api_key``.
        value: As it is written in TOML; of a secret, only whether it is set.
        origin: Where it came from: ``default``, the file, or the environment variable.
        help: What it is for.
    """

    name: str
    value: str
    origin: str
    help: str


@dataclass(frozen=True, slots=True)
class EffectiveTable:
    """One table of the settings."""

    heading: str
    help: str
    rows: tuple[EffectiveSetting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The settings of the web.

    Attributes:
        server: Where people reach the service, and what it believes about them.
        auth: How they sign in.
        webhook_secret: Source name → what may have signed its deliveries; several while rotating. Without any, there is
            no webhook.
        body_limit: Bytes of a request body, at most.
        webhook_body_limit: Bytes of a delivery, at most.
        body_seconds: How long a body may take to arrive.
        link_key: What signs links to plans; by default one that ends with the process.
        effective: Every setting as people may see it.
        version: Shown in ``/status``.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    webhook_secret: Mapping[str, Sequence[SecretStr]] = field(default_factory=dict)
    body_limit: int = 128 * 1024  # read before anybody is known: what hundreds of connections hold adds up
    webhook_body_limit: int = 25 * MEBIBYTE
    body_seconds: float = 30.0
    link_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    effective: Sequence[EffectiveTable] = ()
    version: str = field(default_factory=lambda: metadata.version("wizchat-reconciler"))

    @property
    def public_url(self) -> str:
        """Where people reach the service: its host is allowed, and its path precedes every address."""
        return self.server.public_url or f"http://{self.server.host}:{self.server.port}"

    @property
    def secure(self) -> bool:
        """Whether the public URL is https."""
        return URL(self.public_url).scheme == "https"

    @property
    def root_path(self) -> str:
        """The path below which people reach the service, without a slash at its end; empty for none."""
        return root_path_of(self.public_url)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every allowed host but the loopback ones."""
        own = URL(self.public_url).hostname
        return (*self.server.allowed_hosts, own) if own else self.server.allowed_hosts
