"""Gives each request an id, a line in the log and its metrics. Query strings and headers are not logged."""

import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.domain.secrets import redacted
from reconciler.ports import Clock
from reconciler.web.http.client_address import Network, client_address
from reconciler.web.http.metrics import Metrics

log = logging.getLogger(__name__)


class RequestLog:
    """Follows each request that is worth a line; a 304 given before routing is only counted."""

    def __init__(self, app: ASGIApp, *, clock: Clock, metrics: Metrics, proxies: tuple[Network, ...]) -> None:
        self.app = app
        self.clock = clock
        self.metrics = metrics
        self.proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        begun = self.clock.monotonic()
        status = 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        scope.setdefault("state", {})["request_id"] = request_id
        try:
            await self.app(scope, receive, marked)
        finally:
            self._note(scope, status, self.clock.monotonic() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self.metrics.requests.labels(_method(scope), route, str(status)).inc()
        fields = {
            "request_id": scope["state"]["request_id"],
            "method": scope["method"],
            # somebody who revokes a leaked token may put the token itself where its name belongs
            "path": redacted(scope["path"]),
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": client_address(scope, self.proxies),
            "token": _token_name(scope),
        }
        log.info("request", extra=fields)


def _method(scope: Scope) -> str:
    """The method as a label: what a client makes up must not become a series."""
    return (
        scope["method"] if scope["method"] in {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"} else "other"
    )


def _token_name(scope: Scope) -> str | None:
    actor = scope.get("state", {}).get("actor")
    return actor.name if actor is not None else None
