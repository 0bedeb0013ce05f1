"""What the process knows of itself, for the probes and the metrics."""

from dataclasses import dataclass

from reconciler.engine.clock_watch import ClockWatch
from reconciler.engine.tick_health import TickHealth


@dataclass(frozen=True, slots=True)
class Vitals:
    """Signs of life of a running service.

    Attributes:
        ticks: Whether what is due is still looked at.
        clock_watch: How often the wall clock was set.
    """

    ticks: TickHealth
    clock_watch: ClockWatch
