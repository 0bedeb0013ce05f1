"""Limits each HTTP connection in time: uvicorn itself waits for ever for a head that does not end.

A slow client costs a socket for a while and nothing else. Who has to go when there are too many, `places`
says. uvicorn offers no way to do this: what is used here of its protocol is its own affair, which is why its version is
held (docs/decisions/0015).
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import ClassVar

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.runtime.connection_limits import ConnectionLimits, ConnectionSlot, ConnectionSlots
from reconciler.web.auth.recognized_connections import is_recognized
from reconciler.web.http import problems
from reconciler.web.http.client_address import Network, share_of
from reconciler.web.http.header_limits import MAX_BYTES
from reconciler.web.http.problems import Code
from reconciler.web.http.security_headers import HEADERS
from reconciler.web.monitoring.vitals import Activity, ConnectionCounts

_AT_ONCE = 64 * 1024
"""Bytes that are taken in of a connection at a time. With the server's own 256 KiB, the connections there may be would
hold some 300 MiB for a moment, whenever all of them send."""
_CLOSE = (b"connection", b"close")


class _Phase(Enum):
    HEAD = auto()
    BODY = auto()
    OTHER = auto()


class GuardedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 whose sender has to keep time; made by `guarded`."""

    limits: ClassVar[ConnectionLimits]
    places: ClassVar[ConnectionSlots]
    proxies: ClassVar[Sequence[Network]]
    inbox: ClassVar[memoryview]
    """Where what arrives is put: of one connection at a time, so they share it."""

    _phase = _Phase.OTHER
    _deadline: asyncio.TimerHandle | None = None
    _patience: asyncio.TimerHandle | None = None
    _place: ConnectionSlot

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Begin to wait for a head, in the place of another where there are too many."""
        super().connection_made(transport)
        self.app = partial(self._answer, self.app)
        self._place = ConnectionSlot(share_of(self.client[0] if self.client else None, self.proxies), self._make_room)
        self.places.take(self._place)
        if not transport.is_closing():
            self._enter(_Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.places.leave(self._place)
        self._enter(_Phase.OTHER)
        self._forget_reader()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  asyncio's signature
        """The buffer for received bytes."""
        return self.inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Process received bytes."""
        self.data_received(bytes(self.inbox[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Process a part of a request."""
        super().data_received(data)
        if not self.transport.is_closing():
            self._enter(_PHASES.get(self.conn.their_state, _Phase.OTHER))

    def on_response_complete(self) -> None:
        """Wait for the next request, for as long as the server keeps connections alive."""
        # nobody reads any more what came of the body
        self.cycle.body = bytearray()
        self.places.answered(self._place, is_known=is_recognized(self.cycle.scope))
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_reader()
        state = self.conn.their_state
        # between requests the server's own limit counts
        self._enter(_Phase.OTHER if state is h11.IDLE else _PHASES.get(state, _Phase.OTHER))

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked for: close, once the reader has taken everything."""
        super().timeout_keep_alive_handler()
        self._wait_for_reader()

    def pause_writing(self) -> None:
        """The client does not read: its socket's buffer is full."""
        super().pause_writing()
        self._note_activity()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._forget_reader()
        if self.transport.is_closing():
            self._wait_for_reader()
        self._note_activity()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one whose head is too large."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        if status == Code.HEADERS_TOO_LARGE.status:
            self._refuse(Code.HEADERS_TOO_LARGE, f"send at most {MAX_BYTES} bytes before the body")
        else:
            self._refuse(Code.BAD_REQUEST, msg)

    def _enter(self, phase: _Phase) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._begin_deadline(phase)
        self._note_activity()

    def _begin_deadline(self, phase: _Phase) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if phase is not _Phase.OTHER:
            seconds = self.limits.head_seconds if phase is _Phase.HEAD else self.limits.body_seconds
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _note_activity(self) -> None:
        activity = self._activity()
        if activity is not self._place.activity:
            self.places.do(self._place, activity)

    def _activity(self) -> Activity:
        if self._phase is not _Phase.OTHER:
            return Activity.SENDING
        if self.conn.our_state not in (h11.SEND_RESPONSE, h11.SEND_BODY):
            return Activity.IDLE
        return Activity.STALLED if self.flow.write_paused else Activity.ANSWERING

    async def _answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, and let the connection end with that where connections run out."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                if _CLOSE not in headers and self.places.are_scarce(self._place, is_known=is_recognized(scope)):
                    message["headers"] = [*headers, _CLOSE]
            await send(message)

        await app(scope, receive, sending)

    def _make_room(self) -> None:
        self._begin_deadline(_Phase.OTHER)
        if self._place.activity is Activity.IDLE and not self.transport.get_write_buffer_size():
            self.transport.close()
        else:
            self.transport.abort()

    def _wait_for_reader(self) -> None:
        """Give up who takes nothing for too long: also a connection that is closing waits for what is left to send."""
        if self._patience is None:
            self._patience = self.loop.call_later(self.limits.stall_seconds, self.transport.abort)

    def _forget_reader(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

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
        headers = [*own, *HEADERS, (b"cache-control", b"no-store"), _CLOSE]
        head = self.conn.send(h11.Response(status_code=code.status, headers=headers))
        self.transport.write((head or b"") + body)
        self.transport.close()
        self._wait_for_reader()


_PHASES = {h11.IDLE: _Phase.HEAD, h11.SEND_BODY: _Phase.BODY}


def guarded(
    limits: ConnectionLimits | None = None, *, counts: ConnectionCounts | None = None, proxies: Sequence[Network] = ()
) -> type[GuardedProtocol]:
    """The protocol of one server.

    Args:
        limits: What its connections are held to; by default what suits the service.
        counts: Where it is noted how many there are.
        proxies: Peers behind which many people may be: no address's share counts for them.
    """

    class Guarded(GuardedProtocol):
        pass

    Guarded.limits = limits or ConnectionLimits()
    Guarded.places = ConnectionSlots(Guarded.limits, counts or ConnectionCounts())
    Guarded.proxies = proxies
    Guarded.inbox = memoryview(bytearray(_AT_ONCE))
    return Guarded
