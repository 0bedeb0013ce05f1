"""A client that costs little: one conditional request over and over on a few connections, as a dashboard polls."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import parse_headers
from io import BytesIO
from urllib.parse import SplitResult, urlsplit

_END = b"\r\n\r\n"
_UNCHANGED = b"HTTP/1.1 304"
_CHANGED = b"HTTP/1.1 200"
_LIMIT_S = 120.0
_MOST_CHANGED = 0.1
"""What share of the answers may be new: the service writes by itself, such as each minute when tokens were used."""


@dataclass(slots=True)
class _Poll:
    """What is asked over and over, by all connections together.

    Attributes:
        left: How many requests are yet to be sent.
        changed: How many answers were new, and brought another tag.
        surprise: What was answered that is no answer to a poll.
    """

    address: SplitResult
    headers: Mapping[str, str]
    left: int
    changed: int = 0
    open: int = 0
    surprise: bytes | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    request: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._word()

    def _word(self) -> None:
        lines = [f"GET {self.address.path} HTTP/1.1", f"Host: {self.address.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        self.request = ("\r\n".join(lines) + "\r\n\r\n").encode()

    def take(self, tag: str) -> None:
        """Go on with the tag that a new answer brought."""
        self.changed += 1
        self.headers = {**self.headers, "If-None-Match": tag}
        self._word()

    def stop(self, surprise: bytes) -> None:
        """Send nothing more: this is no answer to a poll."""
        self.surprise, self.left = surprise, 0


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, poll: _Poll) -> None:
        self._poll = poll
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._poll.open += 1
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_END)
        if not end:
            return
        if head.startswith(_CHANGED):
            fields = parse_headers(BytesIO(head.partition(b"\r\n")[2] + _END))
            if len(body) < int(fields["content-length"]):
                return
            self._poll.take(fields["etag"])
        elif not head.startswith(_UNCHANGED):
            self._poll.stop(head)
        self._answer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._poll.open -= 1
        if self._poll.open == 0:
            self._poll.done.set()

    def _next(self) -> None:
        if self._poll.left <= 0:
            self._transport.close()
            return
        self._poll.left -= 1
        self._transport.write(self._poll.request)


async def repeat(url: str, headers: Mapping[str, str], *, requests: int, connections: int = 8) -> float:
    """Send a conditional GET many times, and give the seconds that it took.

    Args:
        url: What is polled.
        headers: With ``If-None-Match``; an answer that is new brings the tag that is sent from then on.
        requests: How many.
        connections: How many are under way at once.

    Raises:
        RuntimeError: An answer was neither a 304 nor a new one, or too many were new.
    """
    poll = _Poll(urlsplit(url), headers, requests)
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    host, port = poll.address.hostname or "", poll.address.port or 80
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(poll), host, port)
    async with asyncio.timeout(_LIMIT_S):
        await poll.done.wait()
    if poll.surprise is not None:
        raise RuntimeError(f"not a 304: {poll.surprise[:200]!r}")
    if poll.changed > requests * _MOST_CHANGED:
        raise RuntimeError(f"not 304: {poll.changed} of {requests} answers were new ones")
    return time.perf_counter() - begun
