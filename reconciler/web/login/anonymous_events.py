"""Logs events of people who are not signed in, at most once a minute for each kind."""

import logging
from dataclasses import dataclass, field

from reconciler.ports import Clock

_MINUTE = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AnonymousEvents:
    """Counts what strangers cause, by kind; the kinds are our own words, so that there are few."""

    clock: Clock
    _logged_at: dict[str, float] = field(default_factory=dict)
    _more: dict[str, int] = field(default_factory=dict)

    def note(self, event: str, **details: str) -> None:
        """Log an event with its count since it was last logged, unless that was just now."""
        now = self.clock.monotonic()
        if event in self._logged_at and now - self._logged_at[event] < _MINUTE:
            self._more[event] = self._more.get(event, 0) + 1
            return
        log.warning(event, extra={"more": self._more.pop(event, 0), **details})
        self._logged_at[event] = now
