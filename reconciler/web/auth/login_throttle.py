"""Limits wrong credentials by client address, over the last minute."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from reconciler.ports import Clock
from reconciler.web.http.client_address import group

_MINUTE = 60.0


@dataclass(slots=True)
class LoginThrottle:
    """Wrong credentials by client address, over the last minute."""

    clock: Clock
    per_minute: int
    remembered: int = 10_000
    _failures: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def fail(self, address: str) -> float | None:
        """Count a failure.

        Returns:
            How many seconds the address has to wait, or None while it is below the limit.
        """
        waiting = self.wait(address)
        failures = self._failures.setdefault(group(address), deque(maxlen=self.per_minute))
        self._failures.move_to_end(group(address))
        while len(self._failures) > self.remembered:
            self._failures.popitem(last=False)
        if waiting is None:
            failures.append(self.clock.monotonic())
        return waiting

    def wait(self, address: str) -> float | None:
        """How many seconds the address has to wait by now, or None; nothing is counted."""
        now = self.clock.monotonic()
        failures = self._failures.get(group(address), deque())
        while failures and failures[0] <= now - _MINUTE:
            failures.popleft()
        return failures[0] + _MINUTE - now if len(failures) >= self.per_minute else None
