"""Drops connections, through an ASGI extension that the server's protocol offers."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_ABORT = "sandbox.abort"
_CLOSE = "sandbox.close"


class ConnectionDropped(ConnectionError):
    """The sandbox dropped the connection, and no socket is there to show it (an in-process call)."""


class DroppableProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 protocol that lets the application drop its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Wrap the application so that each of its scopes can reach this transport."""
        super().connection_made(transport)
        self.app = _offering(self.app, {_ABORT: transport.abort, _CLOSE: transport.close})


def _offering(app: Any, extensions: dict[str, Callable[[], None]]) -> ASGIApp:
    async def with_extensions(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {**scope.get("extensions", {}), **extensions}}, receive, send)

    return with_extensions


async def abort(scope: Scope, receive: Receive) -> None:
    """Reset the connection; what was not sent yet never goes out."""
    await _drop(scope, receive, _ABORT)


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent so far."""
    await _drop(scope, receive, _CLOSE)


async def _drop(scope: Scope, receive: Receive, how: str) -> None:
    drop = scope.get("extensions", {}).get(how)
    if drop is None:
        raise ConnectionDropped("the sandbox dropped the connection")
    drop()
    # The server answers 500 for an application that returns before it has noticed the loss.
    while (await receive())["type"] != "http.disconnect":
        pass
