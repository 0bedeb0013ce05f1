"""The order in which the calls of a tenant go. Pure: time comes from outside, nothing is awaited here."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from reconciler.ports import Purpose, Spender

STARVED_AFTER_S: Final = 60.0
"""A call that waited this long has a part of the turns, whatever is more urgent."""
STARVED_TURNS: Final = 10
"""Every so many turns one is of the call that waited longest, if it waited that long."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueuedCall(Generic[T]):
    """A call that waits.

    Attributes:
        spender: Who makes it.
        since: Since when, in seconds of the monotonic clock.
        caller: Whom to call on when its turn has come.
    """

    spender: Spender
    since: float
    caller: T


class CallQueue(Generic[T]):
    """Calls that wait for their turn, by purpose; within a purpose the sources and people take turns.

    The most urgent purpose goes first. So that the least urgent one is not held off for ever, every tenth turn is that
    of the call that waited longest, once it waited a minute.
    """

    def __init__(self) -> None:
        self._waiting: dict[Purpose, OrderedDict[str, deque[QueuedCall[T]]]] = {
            purpose: OrderedDict() for purpose in Purpose
        }
        self._turns = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, call: QueuedCall[T]) -> None:
        """Let a call wait behind those of its spender."""
        self._waiting[call.spender.purpose].setdefault(call.spender.name, deque()).append(call)
        self._length += 1

    def remove(self, call: QueuedCall[T]) -> None:
        """Forget a call that waits no longer; one that had its turn is not there any more."""
        queue = self._waiting[call.spender.purpose].get(call.spender.name)
        if queue is not None and call in queue:
            queue.remove(call)
            self._removed(call.spender)

    def first(self) -> QueuedCall[T] | None:
        """The call that is next if every place is free, without taking it."""
        if not self._length:
            return None
        return next((self._head(purpose) for purpose in Purpose if self._waiting[purpose]), None)

    def callers(self) -> list[T]:
        """Everybody who waits."""
        return [call.caller for names in self._waiting.values() for queue in names.values() for call in queue]

    def pop(self, now: float, *, is_place_free: bool) -> QueuedCall[T] | None:
        """Take the call whose turn it is.

        Args:
            now: The monotonic clock.
            is_place_free: Whether a call may go that needs one of the tenant's places.

        Returns:
            The call, or None where none may go.
        """
        call = self._starved(now) if is_place_free else None
        call = call or next(
            (
                self._head(purpose)
                for purpose in Purpose
                if self._waiting[purpose] and (is_place_free or purpose.serves_an_apply)
            ),
            None,
        )
        if call is not None:
            self._turns += 1
            self._waiting[call.spender.purpose][call.spender.name].popleft()
            self._removed(call.spender)
            if call.spender.name in self._waiting[call.spender.purpose]:
                self._waiting[call.spender.purpose].move_to_end(call.spender.name)
        return call

    def _head(self, purpose: Purpose) -> QueuedCall[T]:
        return next(iter(self._waiting[purpose].values()))[0]

    def _starved(self, now: float) -> QueuedCall[T] | None:
        """The call that waited longest, where it is its turn for that."""
        if (self._turns + 1) % STARVED_TURNS:
            return None
        heads = [queue[0] for names in self._waiting.values() for queue in names.values()]
        oldest = min(heads, key=lambda call: call.since, default=None)
        return oldest if oldest is not None and now - oldest.since >= STARVED_AFTER_S else None

    def _removed(self, spender: Spender) -> None:
        self._length -= 1
        names = self._waiting[spender.purpose]
        if not names[spender.name]:
            del names[spender.name]
