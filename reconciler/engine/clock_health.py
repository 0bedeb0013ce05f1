"""Detects that the wall clock was set, and that the scheduler no longer ticks."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from reconciler.ports import Clock

JUMP: Final = timedelta(seconds=2)
"""What counts as a jump between two looks: less is the daily correction of a clock."""
REMOVAL_PAUSE_S: Final = 3600.0
"""Seconds after a jump forward in which nothing is removed for its age: the clock may be wrong now, not before."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ClockWatch:
    """What is known of the jumps of the wall clock, for one process.

    Attributes:
        clock: The clocks.
        jumps: How many there were.
    """

    clock: Clock
    jumps: int = 0
    _offset: float = field(init=False)
    _paused_until: float = field(init=False)

    def __post_init__(self) -> None:
        self._offset = self._wall_offset()
        self._paused_until = self.clock.monotonic()

    def check(self) -> timedelta | None:
        """By how much the wall clock was set since the last look, forward or back; None when it was not."""
        offset = self._wall_offset()
        jump, self._offset = timedelta(seconds=offset - self._offset), offset
        if abs(jump) < JUMP:
            return None
        self.jumps += 1
        if jump > JUMP:
            self._paused_until = self.clock.monotonic() + REMOVAL_PAUSE_S
        log.warning(
            "the wall clock jumped: it was set, or the machine was suspended",
            extra={"seconds": round(jump.total_seconds(), 1), "now": self.clock.now().isoformat()},
        )
        return jump

    def may_remove(self) -> bool:
        """Whether the clock has been steady for long enough to remove what seems old."""
        self.check()
        return self.clock.monotonic() >= self._paused_until

    def _wall_offset(self) -> float:
        return self.clock.now().timestamp() - self.clock.monotonic()


MAX_MISSED: Final = 3
"""Intervals without a tick until the service calls itself not ready."""
SHORTEST_TICK_LIMIT_S: Final = 15.0
"""Seconds that have to pass all the same: a busy machine is late by some."""


@dataclass(slots=True)
class TickHealth:
    """When the tick last ran, for the probes and the metrics.

    Attributes:
        clock: The clocks.
        interval: Seconds from one tick to the next.
    """

    clock: Clock
    interval: float
    _last_tick: float = field(init=False)

    def __post_init__(self) -> None:
        self._last_tick = self.clock.monotonic()

    def record_tick(self) -> None:
        """A tick has come to its end."""
        self._last_tick = self.clock.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last tick ended, or since the start."""
        return self.clock.monotonic() - self._last_tick

    @property
    def is_overdue(self) -> bool:
        """Whether so many ticks are missing that the service does not do its work."""
        return self.age > max(MAX_MISSED * self.interval, SHORTEST_TICK_LIMIT_S)
