"""Accepts requests for known Host names only, which keeps out DNS rebinding."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.domain.loopback import is_loopback
from reconciler.web.http import problems
from reconciler.web.http.problems import Code

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes ask for these by address, in a cluster; they show no secret and change nothing."""


class AllowedHosts:
    """Refuses a Host header that is not allowed."""

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str]) -> None:
        self.app = app
        self.everything = "*" in allowed
        self.names = frozenset(host.lower() for host in allowed)
        self.suffixes = tuple(host[1:].lower() for host in allowed if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES or self.allows(_host(scope)):
            await self.app(scope, receive, send)
            return
        detail = "add the name to server.allowed_hosts, or set server.public_url"
        await problems.answer(problems.document_of(Code.HOST_NOT_ALLOWED, detail))(scope, receive, send)

    def allows(self, host: str) -> bool:
        """Whether the service answers to a name, which may carry a port."""
        name = _without_port(host.lower())
        return self.everything or name in self.names or name.endswith(self.suffixes) or is_loopback(name)


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
