"""Waits for intervals between runs by the monotonic clock, although they are stored by the wall clock."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconciler.ports import Clock

LARGEST_JITTER: Final = 0.05
"""The largest share of an interval that is added to it."""


@dataclass(slots=True)
class Deadlines:
    """When stored moments come, for one process.

    A moment is translated to the monotonic clock when it is first met. From then on nobody's hand at the wall clock
    puts it off; a wall clock that has passed it, as after a suspended machine wakes up, brings it at once.
    """

    _deadlines: dict[Hashable, tuple[datetime, float]] = field(default_factory=dict)

    def has_come(self, key: Hashable, moment: datetime, longest: timedelta, clock: Clock, now: datetime) -> bool:
        """Whether a moment has come.

        Args:
            key: Whose moment it is; another moment of the same begins a new wait.
            moment: As it is stored.
            longest: How long the wait for it can be. A moment beyond that was stored before the clock was set back,
                and has come.
            clock: The process's clocks.
            now: The present time, by the clock that gave the moment.
        """
        monotonic = clock.monotonic()
        deadline = self._deadlines.get(key)
        if deadline is None or deadline[0] != moment:
            wait = moment - now
            deadline = moment, monotonic + (wait.total_seconds() if wait <= longest else 0.0)
            self._deadlines[key] = deadline
        return now >= moment or monotonic >= deadline[1]
