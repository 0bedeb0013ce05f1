"""Compresses responses to reads by gzip where the client accepts it (docs/decisions/0027).

Answers to forms and to calls that change something never do: one of them may hold a new secret beside what was typed.
"""

import gzip
from collections.abc import Iterator
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.executors import NamedExecutor

SMALLEST_COMPRESSED: Final = 1000
"""Bytes from which on it pays."""
LEVEL: Final = 6
_LARGE: Final = 256 * 1024
"""Bytes that take longer than the event loop should be kept: some milliseconds."""
_MOST_CODINGS: Final = 20
"""So many codings of a header are looked at: nobody has reason to name more."""
_TEXTUAL: Final = ("text/", "application/json", "application/problem+json", "application/yaml", "image/svg+xml")
_STREAM: Final = "text/event-stream"
_ENCODING: Final = b"content-encoding"
_VARY: Final = (b"vary", b"Accept-Encoding")


def accepts_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` takes gzip (RFC 9110, section 12.5.3): named, or meant by ``*``, and not at 0."""
    weights = dict(_codings(accepted))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _codings(accepted: str) -> Iterator[tuple[str, float]]:
    for item in accepted.split(",", _MOST_CODINGS)[:_MOST_CODINGS]:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            yield name, float(weight)
        except ValueError:
            yield name, 0.0


def accepted_encodings(scope: Scope) -> str:
    """The ``Accept-Encoding`` of a request; empty without one."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-encoding")


def packed(body: bytes) -> bytes:
    """A body by gzip, the same each time."""
    return gzip.compress(body, LEVEL, mtime=0)


def compressed(response: Response, accepted: str) -> Response:
    """A page compressed in the thread where it was made.

    Args:
        response: Of a page, whole.
        accepted: The request's ``Accept-Encoding``.
    """
    if accepts_gzip(accepted) and len(response.body) >= SMALLEST_COMPRESSED:
        response.body = packed(bytes(response.body))
        response.headers.update({"content-encoding": "gzip", "content-length": str(len(response.body))})
        response.headers.add_vary_header("Accept-Encoding")
    return response


class Compression:
    """Compresses whole answers of text to reads. Event streams and other answers in parts pass as they are.

    Args:
        app: Makes the answers.
        executor: Where large ones are compressed.
    """

    def __init__(self, app: ASGIApp, *, executor: NamedExecutor) -> None:
        self.app = app
        self.executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Compressor(send, self.executor, accepted_encodings(scope)))


class _Compressor:
    """The sending side of one answer: its head waits for the body, which says whether compressing it pays."""

    def __init__(self, send: Send, executor: NamedExecutor, accepted: str) -> None:
        self._send = send
        self._executor = executor
        self._accepted = accepted
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_textual(message):
            self._head = message
            return
        if self._head is not None:
            head, self._head = self._head, None
            message = await self._compressed(head, message)
            await self._send(head)
        await self._send(message)

    async def _compressed(self, head: Message, message: Message) -> Message:
        """The body as it travels, its head changed to match."""
        body: bytes = message.get("body", b"")
        if message.get("more_body", False) or len(body) < SMALLEST_COMPRESSED:
            return message
        head["headers"] = [*head["headers"], _VARY]
        if not accepts_gzip(self._accepted):
            return message
        small = packed(body) if len(body) < _LARGE else await self._executor.run(lambda: packed(body))
        others = [header for header in head["headers"] if header[0] != b"content-length"]
        head["headers"] = [*others, (_ENCODING, b"gzip"), (b"content-length", str(len(small)).encode())]
        return {**message, "body": small}


def _is_textual(head: Message) -> bool:
    """Whether a body is text that was not compressed where it was made."""
    headers = dict(head["headers"])
    media = headers.get(b"content-type", b"").decode("latin-1")
    return _ENCODING not in headers and media.startswith(_TEXTUAL) and not media.startswith(_STREAM)
