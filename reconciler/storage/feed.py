"""Keeps the latest events in memory. A reader that missed some reads everything again."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from secrets import token_hex
from typing import Final

from reconciler.domain.events import Change, Event, Signal

KEPT: Final = 1000


class Feed:
    """The latest changes in order, for any number of readers: each keeps its own place, the feed keeps none.

    A reader that is too slow, that comes back too late, or whose place is of another start of the program, gets
    `Signal.RESET`. Ids are ``BOOT-N``: of this start of the program, and counted.
    """

    def __init__(self, others_committed: Callable[[], bool] = lambda: False, kept: int = KEPT) -> None:
        self._others_committed = others_committed
        # not what the generation shows: these ids are for everybody to see
        self._boot = token_hex(4)
        self._count = 0
        self._events: deque[Event] = deque(maxlen=kept)
        self._moved = asyncio.Event()

    @property
    def last(self) -> str:
        """The position of the feed. A reader that takes it before reading rows misses nothing."""
        return f"{self._boot}-{self._count}"

    def publish(self, payloads: Iterable[Change | Signal]) -> None:
        """Add what a commit changed."""
        before = self._count
        for payload in payloads:
            self._count += 1
            self._events.append(Event(self.last, payload))
        if self._count != before:
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    def since(self, after: str) -> Sequence[Event]:
        """What came after a place; it also notices what other processes committed."""
        if self._others_committed():
            self.publish([Signal.CHANGED])
        behind = self._behind(after)
        if behind is None or behind > len(self._events):
            return (Event(self.last, Signal.RESET),)
        return tuple(islice(self._events, len(self._events) - behind, None))

    async def news(self, after: str) -> None:
        """Wait until this process has committed something after a place."""
        while self.last == after:
            await self._moved.wait()

    def _behind(self, after: str) -> int | None:
        """How many events a place is behind; None for a place that never was."""
        boot, _, number = after.partition("-")
        # a number as it was handed out, and no other way to write one
        is_ours = (
            boot == self._boot and number.isdecimal() and number.isascii() and len(number) <= len(str(self._count))
        )
        return self._count - int(number) if is_ours and int(number) <= self._count else None
