"""A client that costs little: one request over and over on a few connections, without reading what it is answered."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_END = b"\r\n\r\n"
_LIMIT_S = 120.0


@dataclass(slots=True)
class _Count:
    left: int
    wanted: bytes
    done: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    surprise: bytes | None = None


class _Connection(asyncio.Protocol):
    """One request at a time; the answers have no body, so each ends with its head."""

    def __init__(self, request: bytes, count: _Count) -> None:
        self._request = request
        self._count = count
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._count.open += 1
        self._next()

    def data_received(self, data: bytes) -> None:
        self._head += data
        if not self._head.startswith(self._count.wanted[: len(self._head)]):
            self._count.surprise, self._count.left = self._head, 0
        if self._head.endswith(_END):
            self._head = b""
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._count.open -= 1
        if self._count.open == 0:
            self._count.done.set()

    def _next(self) -> None:
        if self._count.left <= 0:
            self._transport.close()
            return
        self._count.left -= 1
        self._transport.write(self._request)


async def repeat(url: str, headers: dict[str, str], *, requests: int, connections: int = 8) -> float:
    """Send a GET many times, and give the seconds that it took.

    Raises:
        RuntimeError: An answer was not a 304.
    """
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    count = _Count(requests, b"HTTP/1.1 304")
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    address = (parts.hostname or "", parts.port or 80)
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(request, count), *address)
    async with asyncio.timeout(_LIMIT_S):
        await count.done.wait()
    if count.surprise is not None:
        raise RuntimeError(f"not a 304: {count.surprise[:200]!r}")
    return time.perf_counter() - begun
