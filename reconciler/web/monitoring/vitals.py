"""Figures of the process for the probes and the metrics."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.engine.clock_health import ClockWatch, TickHealth
from reconciler.engine.retention import StorageState


class Activity(StrEnum):
    """What a connection is doing."""

    SENDING = "sending"
    """Its request is on the way, or has not begun after it was opened."""
    ANSWERING = "answering"
    STALLED = "stalled"
    """Its reader takes nothing of the answer."""
    IDLE = "idle"
    """It is kept for another request."""


@dataclass(slots=True)
class ConnectionCounts:
    """How many connections there are.

    Attributes:
        doing: Open ones, by what they do.
        closed: Those that had to go for others, by why.
    """

    doing: Counter[Activity] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)

    @property
    def open(self) -> int:
        """All of them."""
        return self.doing.total()


@dataclass(frozen=True, slots=True)
class Vitals:
    """Signs of life of a running service.

    Attributes:
        ticks: Whether what is due is still looked at.
        clock_watch: How often the wall clock was set.
        connections: How many there are.
        storage: What the database takes, and what was removed from it.
    """

    ticks: TickHealth
    clock_watch: ClockWatch
    connections: ConnectionCounts = field(default_factory=ConnectionCounts)
    storage: StorageState = field(default_factory=StorageState)
