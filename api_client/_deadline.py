"""A single time limit for a whole request of the synchronous client.

httpx limits each single read, so a server that sends a byte now and then could hold a thread for ever. Here each
operation on the network gets what is left of the request's time. (The asynchronous client has `asyncio.timeout`.)
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import httpcore

_ends_at: ContextVar[float] = ContextVar("_ends_at", default=float("inf"))
_SHORTEST_S: Final = 0.001
"""A socket takes zero for "do not wait at all", which is another mode and not a time limit."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let everything on a `TimedBackend` inside the block end in time."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None) -> float:
    left = _ends_at.get() - time.monotonic()
    return max(_SHORTEST_S, left if timeout is None else min(timeout, left))


class TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends within the request's time."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, or wait for it as long as time is left."""
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write it all."""
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Start TLS."""
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Information about the connection."""
        return self._inner.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Opens connections that end within the request's time."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        return TimedStream(self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options))
