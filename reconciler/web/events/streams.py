"""Server-sent events, as the WHATWG HTML standard defines them: one open response for each reader.

A stream keeps nothing for its reader but the place in the feed: a slow reader finds a reset there, and costs no
memory meanwhile. Who it is that reads is asked again at each step, so a stream ends with its credential.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.domain.access import Role
from reconciler.domain.events import Change, ChangeKind, Event, Signal
from reconciler.domain.identity import person_key
from reconciler.engine.context import Actor, Engine
from reconciler.errors import StoreError
from reconciler.web.auth.credentials import Caller
from reconciler.web.auth.gate import AuthGate
from reconciler.web.http.problems import Code, Problem

MEDIA_TYPE = "text/event-stream"

_FOR_ALL = frozenset({ChangeKind.SUSPENSION, ChangeKind.TENANT})
_FOR_ADMINS = frozenset({ChangeKind.TOKEN, ChangeKind.PERSON})
_RETRY = {"Retry-After": "60"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many streams there may be, and their pace in seconds.

    Attributes:
        streams: In all; well below the connections that the server keeps. A further one takes the place of the oldest
            of whoever has the most.
        of_person: Of one person, whatever they show.
        heartbeat: After how long a comment says that the stream is still there.
        look: How often commits of other processes and the validity of the credential are checked.
        pause: How long events are gathered after some were sent.
        retry: How long a browser waits before it comes back.
    """

    streams: int = 100
    of_person: int = 10
    heartbeat: float = 15.0
    look: float = 1.0
    pause: float = 0.25
    retry: float = 3.0


@dataclass(slots=True)
class Streams:
    """The open streams of one application."""

    engine: Engine
    gate: AuthGate
    limits: StreamLimits = field(default_factory=StreamLimits)
    _open: dict[str, list[asyncio.Event]] = field(default_factory=dict)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._open.values()))

    def stop(self) -> None:
        """End them all, and let no more begin: a server that stops waits for open answers."""
        self._stopped.set()

    async def stopped(self) -> None:
        """Wait until the streams are stopped."""
        await self._stopped.wait()

    @contextmanager
    def place(self, person: str) -> Iterator[asyncio.Event]:
        """Take one of the places; what is given is set when somebody else needs it more.

        Raises:
            Problem: There is none left, for the person or for anybody, or the service stops.
        """
        key = person_key(person)
        if self._stopped.is_set():
            raise Problem(Code.NO_STREAM_LEFT, "the service stops: come back to the one after it", headers=_RETRY)
        own = self._open.get(key, [])
        if len(own) >= self.limits.of_person:
            detail = f"close some: a person may have {self.limits.of_person} event streams, or poll with ETag"
            raise Problem(Code.TOO_MANY_STREAMS, detail, headers=_RETRY)
        if self.open >= self.limits.streams and not self._make_room(len(own)):
            detail = f"poll with ETag: all {self.limits.streams} event streams are taken"
            raise Problem(Code.NO_STREAM_LEFT, detail, headers=_RETRY)
        place = asyncio.Event()
        self._open.setdefault(key, []).append(place)
        try:
            yield place
        finally:
            self._leave(key, place)

    def _make_room(self, own: int) -> bool:
        """End the oldest stream of the person who has the most, unless the new one would have as many."""
        key, streams = max(self._open.items(), key=lambda item: len(item[1]))
        if len(streams) <= own + 1:
            return False
        streams[0].set()
        self._leave(key, streams[0])
        return True

    def _leave(self, key: str, place: asyncio.Event) -> None:
        streams = self._open.get(key, [])
        if place in streams:
            streams.remove(place)
        # entries of people without streams must not pile up
        if not streams:
            self._open.pop(key, None)

    async def caller(self, scope: Scope) -> Caller | None:
        """The caller of a stream, authenticated again."""
        try:
            return await self.gate.peek(scope)
        except StoreError:
            # a caller that cannot be authenticated gets no events
            return None


class EventStream(Response):
    """An answer that goes on until its reader hangs up, loses the right to it, or the service stops."""

    media_type = MEDIA_TYPE
    # a proxy must pass on each part at once
    more_headers = {"cache-control": "no-store", "x-accel-buffering": "no"}  # noqa: RUF012  never changed

    def __init__(self, streams: Streams, actor: Actor, after: str | None) -> None:
        super().__init__(headers=self.more_headers)
        del self.headers["content-length"]
        self.streams = streams
        self.person = actor.name
        self.after = after or None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.streams.place(self.person) as place:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _first(self._hung_up(receive), self.streams.stopped(), _set(place), self._send_events(scope, send))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _hung_up(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send_events(self, scope: Scope, send: Send) -> None:
        feed, clock, limits = self.streams.engine.store.feed, self.streams.engine.clock, self.streams.limits
        after = self.after or feed.last
        text = f"retry: {limits.retry * 1000:.0f}\n{'' if self.after else _place(after)}\n"
        due = clock.monotonic() + limits.heartbeat
        while (caller := await self.streams.caller(scope)) is not None:
            events = feed.since(after)
            after = events[-1].id if events else after
            text += "".join(encoded(item) for item in visible_events(events, caller.actor))
            if clock.monotonic() >= due:
                due = clock.monotonic() + limits.heartbeat
                # the position advances also for readers that none of the events is shown to
                text += f": still here\n{_place(after)}\n"
            if text:
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
                text = ""
                await clock.sleep(limits.pause)
            await _first(feed.news(after), clock.sleep(min(limits.look, max(0.0, due - clock.monotonic()))))


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def visible_events(events: Sequence[Event], actor: Actor) -> Iterator[Event]:
    """The events that somebody may see, with as much of each as they may know."""
    for event in events:
        payload = event.payload if isinstance(event.payload, Signal) else _visible_change(event.payload, actor)
        if payload is not None:
            yield replace(event, payload=payload)


def _visible_change(change: Change, actor: Actor) -> Change | None:
    if change.kind in _FOR_ADMINS and not (actor.sources is None and actor.role.includes(Role.ADMIN)):
        return None
    if change.kind in _FOR_ALL and change.source is None and actor.sources is not None:
        # it may concern what they see: they read again, without learning what it was
        return replace(change, id=None)
    return change if actor.sees(change.source) else None


def encoded(event: Event) -> str:
    """An event in the format of server-sent events."""
    payload = event.payload
    data: dict[str, Any] = {"kind": None, "id": None, "source": None}
    if isinstance(payload, Change):
        data = {"kind": payload.kind, "id": payload.id, "source": payload.source}
    name = payload.kind if isinstance(payload, Change) else payload
    # JSON has no line breaks of its own, which would end the field
    return f"{_place(event.id)}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _place(place: str) -> str:
    return f"id: {place}\n"


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things until the first of them is done or fails."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
