"""What each connection is held to: the server itself waits for ever for a head that does not end.

Whoever is slow on purpose costs a socket for a while and nothing else. When there are too many, the one that has been
sending its request for the longest is closed, and never one that waits for an answer.
"""

import asyncio
import json
import sys
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.web import problems
from reconciler.web.middleware.envelope import HEADERS
from reconciler.web.middleware.heads import MOST_BYTES
from reconciler.web.problems import Code

_AT_ONCE = 64 * 1024
"""Bytes that are taken in of a connection at a time. With the server's own 256 KiB, the connections there may be would
hold some 300 MiB for a moment, whenever all of them send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How slow, and how many.

    Attributes:
        head_seconds: How long a request's head may take.
        body_seconds: How long its body may; longer than the web's own limit, which answers.
        stall_seconds: How long a reader may take nothing of its answer.
        connections: How many there may be; below half of the usual limit on open files.
    """

    head_seconds: float = 10.0
    body_seconds: float = 40.0
    stall_seconds: float = 30.0
    connections: int = 512


class _Phase(Enum):
    HEAD = auto()
    BODY = auto()
    OTHER = auto()


class GuardedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 whose sender has to keep time; made by `guarded`."""

    limits: ClassVar[Limits]
    sending: ClassVar[OrderedDict["GuardedProtocol", None]]
    """The connections that have not sent their request whole, the one that began first at the beginning."""
    inbox: ClassVar[memoryview]
    """Where what arrives is put: of one connection at a time, so they share it."""

    _phase = _Phase.OTHER
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Begin to wait for a head, in the place of the slowest sender when there are too many."""
        super().connection_made(transport)
        self._enter(_Phase.HEAD)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._enter(_Phase.OTHER)
        self.resume_writing()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  asyncio's signature
        """Say where to put what arrives."""
        return self.inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Take what arrived."""
        self.data_received(bytes(self.inbox[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        if not self.transport.is_closing():
            self._enter(_PHASES.get(self.conn.their_state, _Phase.OTHER))

    def on_response_complete(self) -> None:
        """Wait for the next request, for as long as the server keeps connections alive."""
        # nobody reads any more what came of the body
        self.cycle.body = bytearray()
        super().on_response_complete()
        state = self.conn.their_state
        # between requests the server's own limit counts
        self._enter(_Phase.OTHER if state is h11.IDLE else _PHASES.get(state, _Phase.OTHER))

    def pause_writing(self) -> None:
        """The reader takes nothing."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader takes something."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one whose head is too large."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        if status == Code.HEADERS_TOO_LARGE.status:
            self._refuse(Code.HEADERS_TOO_LARGE, f"send at most {MOST_BYTES} bytes before the body")
        else:
            self._refuse(Code.BAD_REQUEST, msg)

    def _enter(self, phase: _Phase) -> None:
        if phase is self._phase:
            return
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.sending.pop(self, None)
        if phase is not _Phase.OTHER:
            self.sending[self] = None
            seconds = self.limits.head_seconds if phase is _Phase.HEAD else self.limits.body_seconds
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _make_room(self) -> None:
        slowest = next(iter(self.sending), self)
        # it is gone only later: by then others may have come, who must not choose it again
        slowest._enter(_Phase.OTHER)  # noqa: SLF001  one of its own kind
        slowest.transport.abort()

    def _too_slow(self) -> None:
        if self._phase is _Phase.HEAD:
            self._refuse(Code.BODY_TOO_SLOW, "the request did not arrive in time")
        else:
            self.transport.abort()

    def _refuse(self, code: Code, detail: str) -> None:
        """Answer without the application, as it would, and close."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = json.dumps(problems.document_of(code, detail)).encode()
        own = ((b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()))
        headers = [*own, *HEADERS, (b"cache-control", b"no-store"), (b"connection", b"close")]
        head = self.conn.send(h11.Response(status_code=code.status, headers=headers))
        self.transport.write((head or b"") + body)
        self.transport.close()


_PHASES = {h11.IDLE: _Phase.HEAD, h11.SEND_BODY: _Phase.BODY}


def guarded(limits: Limits | None = None) -> type[GuardedProtocol]:
    """The protocol of one server.

    Args:
        limits: What its connections are held to; by default what suits the service.
    """

    class Guarded(GuardedProtocol):
        pass

    Guarded.limits = limits or Limits()
    Guarded.sending = OrderedDict()
    Guarded.inbox = memoryview(bytearray(_AT_ONCE))
    return Guarded
