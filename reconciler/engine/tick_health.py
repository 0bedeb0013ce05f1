"""Whether the tick still runs: without it nothing that is due happens, and nothing else would tell."""

from dataclasses import dataclass, field
from typing import Final

from reconciler.ports import Clock

MOST_MISSED: Final = 3
"""Intervals without a tick until the service calls itself not ready."""
SHORTEST_S: Final = 15.0
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
    _ran: float = field(init=False)

    def __post_init__(self) -> None:
        self._ran = self.clock.monotonic()

    def ran(self) -> None:
        """A tick has come to its end."""
        self._ran = self.clock.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last tick ended, or since the start."""
        return self.clock.monotonic() - self._ran

    @property
    def is_overdue(self) -> bool:
        """Whether so many ticks are missing that the service does not do its work."""
        return self.age > max(MOST_MISSED * self.interval, SHORTEST_S)
