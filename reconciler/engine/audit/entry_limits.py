"""Limits the audit entries that one person causes without a decision; what is beyond is counted in one entry."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

MAX_ENTRIES: Final = 100
"""In each window; what people do by hand stays far below."""
WINDOW_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class OmittedEntries:
    """What one person did in a window beyond what the log says of it.

    Attributes:
        person: Who.
        since: When the window began.
        counts: Action → how often.
    """

    person: str
    since: datetime
    counts: Mapping[str, int]


@dataclass(slots=True)
class _Window:
    begun: float
    omitted: OmittedEntries
    entries: int = 0


@dataclass(slots=True)
class EntryLimits:
    """Counts such entries by person, in windows of fixed length.

    Attributes:
        most: How many of them are written in a window.
        seconds: How long a window is.
    """

    most: int = MAX_ENTRIES
    seconds: float = WINDOW_SECONDS
    _windows: dict[str, _Window] = field(default_factory=dict)
    _ended: list[OmittedEntries] = field(default_factory=list)

    def take(self, key: str, person: str, action: str, *, now: float, at: datetime) -> bool:
        """Whether an entry may be written; one that may not is counted.

        Args:
            key: What is the same for the same person.
            person: Who, as the log names them.
            action: What they did.
            now: Seconds of a clock that only goes forward.
            at: The moment, as the log says it.
        """
        window = self._windows.get(key)
        if window is None or now >= window.begun + self.seconds:
            self._end(key)
            window = self._windows[key] = _Window(now, OmittedEntries(person, at, {}))
        if window.entries < self.most:
            window.entries += 1
            return True
        counts = Counter(window.omitted.counts)
        counts[action] += 1
        window.omitted = replace(window.omitted, counts=counts)
        return False

    def ended(self, now: float, *, all_of_them: bool = False) -> list[OmittedEntries]:
        """The entries omitted in windows that are over, which must still be recorded in the log."""
        over = [key for key, item in self._windows.items() if all_of_them or now >= item.begun + self.seconds]
        for key in over:
            self._end(key)
        return list(self._ended)

    def forget(self, omitted: OmittedEntries) -> None:
        """Drop numbers that are recorded in the log."""
        self._ended.remove(omitted)

    def _end(self, key: str) -> None:
        window = self._windows.pop(key, None)
        if window is not None and window.omitted.counts:
            self._ended.append(window.omitted)
