"""Limits the number of connections by client, and chooses which one to close when they run out. Knows no sockets."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from reconciler.web.monitoring.vitals import Activity, ConnectionCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How slow connections may be, and how many there may be of them.

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

    @property
    def of_address(self) -> int:
        """How many of them one address may have on which nobody has shown who they are."""
        return max(1, self.connections // 2)

    @property
    def of_strangers(self) -> int:
        """How many of them all may have on which nobody has: the rest is left to people."""
        return max(1, self.connections - self.connections // 8)

    @property
    def scarce(self) -> int:
        """From how many on no connection is kept alive after its answer."""
        return max(1, self.connections - self.connections // 16)


class RefusalCause(StrEnum):
    """Why a connection was closed."""

    ADDRESS = "address"
    ALL = "all"


@dataclass(slots=True, eq=False)
class ConnectionSlot:
    """One connection.

    Attributes:
        address: Whose share it counts against; None for a trusted proxy, behind which many may be.
        close: Ends it.
        activity: What it does.
        is_known: Whether its last answer was for somebody who showed who they are.
        turn: When it began what it does, as a number that only grows.
    """

    address: str | None
    close: Callable[[], None]
    activity: Activity = Activity.SENDING
    is_known: bool = False
    turn: int = 0

    @property
    def can_go(self) -> bool:
        """Whether it may be closed for another: nobody waits for it, or nobody takes what was asked for."""
        return self.activity in (Activity.IDLE, Activity.SENDING) or (
            self.activity is Activity.STALLED and not self.is_known
        )


@dataclass(slots=True)
class ConnectionSlots:
    """The open connections of one server.

    Attributes:
        limits: How many there may be.
        counts: What is shown of them.
    """

    limits: ConnectionLimits
    counts: ConnectionCounts = field(default_factory=ConnectionCounts)
    _by_address: dict[str | None, dict[ConnectionSlot, None]] = field(default_factory=dict)
    _strangers: Counter[str | None] = field(default_factory=Counter)
    _turns: Iterator[int] = field(default_factory=count)

    def take(self, place: ConnectionSlot) -> None:
        """Let a connection in, in the place of another where there are too many.

        The one that goes is of the address that holds the most. Where none can go, the new one does.
        """
        of_address = self._by_address.setdefault(place.address, {})
        of_address[place] = None
        self._strangers[place.address] += 1
        place.turn = next(self._turns)
        self.counts.doing[place.activity] += 1
        if place.address is not None and self._strangers[place.address] > self.limits.of_address:
            self._let_go(_first_to_go(of_address, is_known=False, except_for=place) or place, RefusalCause.ADDRESS)
        elif self.counts.open > self.limits.connections:
            self._let_go(self._first_stranger(place) or self._first_known() or place, RefusalCause.ALL)
        elif self._strangers.total() > self.limits.of_strangers:
            stranger = self._first_stranger(place)
            if stranger is not None:
                self._let_go(stranger, RefusalCause.ALL)

    def do(self, place: ConnectionSlot, activity: Activity) -> None:
        """Note what a connection does from now on."""
        if self._holds(place):
            self.counts.doing[place.activity] -= 1
            self.counts.doing[activity] += 1
        place.activity, place.turn = activity, next(self._turns)

    def answered(self, place: ConnectionSlot, *, is_known: bool) -> None:
        """Note whether the last answer was for somebody who showed who they are."""
        if self._holds(place):
            self._strangers[place.address] += place.is_known - is_known
        place.is_known = is_known

    def leave(self, place: ConnectionSlot) -> None:
        """Forget a connection; one that was let go is forgotten already."""
        if not self._holds(place):
            return
        self.counts.doing[place.activity] -= 1
        self._strangers[place.address] -= not place.is_known
        del self._by_address[place.address][place]
        if not self._by_address[place.address]:
            del self._by_address[place.address], self._strangers[place.address]

    def are_scarce(self, place: ConnectionSlot, *, is_known: bool) -> bool:
        """Whether a connection should end with its answer.

        Args:
            place: The connection.
            is_known: Whether the answer is for somebody who showed who they are.
        """
        if self.counts.open >= self.limits.scarce:
            return True
        nearly = self._strangers[place.address] > self.limits.of_address * 7 // 8 and place.address is not None
        return not is_known and (nearly or self._strangers.total() > self.limits.of_strangers * 7 // 8)

    def _holds(self, place: ConnectionSlot) -> bool:
        return place in self._by_address.get(place.address, {})

    def _let_go(self, place: ConnectionSlot, cause: RefusalCause) -> None:
        # it closes only later: until then no other connection may choose it again
        self.leave(place)
        self.counts.closed[cause.value] += 1
        place.close()

    def _first_stranger(self, except_for: ConnectionSlot) -> ConnectionSlot | None:
        """The first to go at the address that holds the most strangers of which one can."""
        for address, _ in self._strangers.most_common():
            if (first := _first_to_go(self._by_address[address], is_known=False, except_for=except_for)) is not None:
                return first
        return None

    def _first_known(self) -> ConnectionSlot | None:
        return _first_to_go((slot for slots in self._by_address.values() for slot in slots), is_known=True)


def _first_to_go(
    slots: Iterable[ConnectionSlot], *, is_known: bool, except_for: ConnectionSlot | None = None
) -> ConnectionSlot | None:
    """Idle ones before those that send or do not read, and of these the oldest."""
    return min(
        (slot for slot in slots if slot.is_known is is_known and slot.can_go and slot is not except_for),
        key=lambda slot: (slot.activity is not Activity.IDLE, slot.turn),
        default=None,
    )
