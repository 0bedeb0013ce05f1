"""A reader of event streams who meets the whole application, part by part, without a socket between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

from tests.support.waiting import PATIENCE


@dataclass
class Reader:
    """One open answer.

    Attributes:
        parts: What came and was not taken yet.
        gate: While it is not set, the reader takes nothing.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.begun.set()
            return
        await self.gate.wait()
        if message["body"]:
            self.parts.put_nowait(message["body"].decode())
        if not message.get("more_body", False):
            self.ended.set()

    async def part(self) -> str:
        """The next part."""
        async with asyncio.timeout(PATIENCE):
            return await self.parts.get()

    async def end(self) -> None:
        """Wait until the answer has ended."""
        async with asyncio.timeout(PATIENCE):
            await self.ended.wait()


@asynccontextmanager
async def reading(
    app: ASGIApp, secret: str | None = None, path: str = "/api/v1/events", **more: str
) -> AsyncIterator[Reader]:
    """Open a stream, and hang up at the end.

    Args:
        app: The application, with everything that stands before its routes.
        secret: The token, if one is shown.
        path: What is asked for, with the query.
        more: Further headers, with ``_`` for ``-``.
    """
    reader = Reader()
    reader.gate.set()
    shown = {"authorization": f"Bearer {secret}"} if secret else {}
    task = asyncio.create_task(_met(app, _scope(path, shown | more), reader))
    try:
        async with asyncio.timeout(PATIENCE):
            await reader.begun.wait()
        yield reader
    finally:
        reader.gone.set()
        reader.gate.set()
        async with asyncio.timeout(PATIENCE):
            await task


async def _met(app: ASGIApp, scope: dict[str, Any], reader: Reader) -> None:
    await app(scope, reader.receive, reader.send)


def _scope(path: str, headers: dict[str, str]) -> dict[str, Any]:
    bare, _, query = path.partition("?")
    named = {"host": "127.0.0.1:8080", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("192.0.2.7", 4711),
        "server": ("127.0.0.1", 8080),
    }
