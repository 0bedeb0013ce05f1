"""How fast the calls of a tenant may follow each other. Pure: time comes from outside, nothing is awaited here.

Two limits hold. What the settings allow, spread over the minute with a small burst. And what WizChat was found to
take: after a refusal (429) the pace falls to a little less than what was accepted, and from there it rises again,
slowly where the last refusal was and then ever faster, until the settings are the limit again.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from reconciler.domain.pass_forecast import call_spread

LONGEST_GATE_S: Final = 60.0
SHORTEST_RETRY_AFTER_S: Final = 1.0
"""Retry-After has whole seconds, so this says "not at once" and no more: it holds for the refused call alone."""
_FIRST_GATE_S: Final = 0.1
"""How long nobody calls after a refusal: long enough for most of what is under way to be answered."""
_LONGEST_FEELER_S: Final = 1.0
_SLOWEST_PER_S: Final = 0.1
_ALMOST_ONE: Final = 1.0 - 1e-6
_CREDIT_S: Final = 0.05
_LEAST_CREDIT: Final = 1.02
"""What a late timer may make up for while WizChat limits the pace."""

_FIRST_FALL: Final = 0.5
_USUAL_BURST_S: Final = 0.25
"""For so long at its own pace an API may be taken to grant a burst, as long as nothing else is known of it."""
_NEXT_FALL: Final = 0.9
_LARGEST_FALL: Final = 0.25
_SMALLEST_FALL: Final = 0.95
_OF_WHAT_WAS_ACCEPTED: Final = 0.97
_LONGEST_MEASURED_UNITS: Final = 3.0
"""Later the pace has risen by little at a time, and what is taken is just below it."""
_FEWEST_CALLS: Final = 16
"""Fewer calls do not tell a pace."""
_RECENT_CALLS: Final = 64
_RECENT_S: Final = 1.0
_FAR_LESS: Final = 0.25
_UNNOTICED_TURNS: Final = 2.0
"""A gap between two calls of more than so many turns, and of more than a usual burst takes to come back, is one in
which nobody wanted to call."""

_LONG_IDLE_S: Final = 1.0

_PROBED_UNITS: Final = 10.0
_PROBED_GROWTH: Final = 0.01
_LATER_GROWTH: Final = 1.1
_SHORTEST_UNIT_S: Final = 1.0
_LONGEST_UNIT_S: Final = 60.0
_MOST_UNITS: Final = 1_000.0
"""Beyond, the pace is higher than any setting, and the power would overflow some day."""


@dataclass(frozen=True, slots=True)
class SentCall:
    """When a call was sent.

    Attributes:
        at: By the monotonic clock.
        number: Which call it is.
        idle: The seconds until then in which nobody wanted to call.
    """

    at: float
    number: int
    idle: float


@dataclass(frozen=True, slots=True)
class FoundPace:
    """The pace after a refusal, and how it rises.

    Attributes:
        per_s: Calls a second right after it.
        since: When that was.
        unit: The seconds in which it rises by a hundredth at first: the longer a refusal holds everybody up, the less
            often one is risked.
        is_measured: Whether it is near what is taken, so that more is tried with care.
    """

    per_s: float
    since: float
    unit: float
    is_measured: bool

    def at(self, now: float) -> float:
        """Calls a second by now."""
        units = min((now - self.since) / self.unit, _MOST_UNITS)
        probed = min(units, _PROBED_UNITS) if self.is_measured else 0.0
        later: float = _LATER_GROWTH ** (units - probed)
        return self.per_s * (1 + _PROBED_GROWTH * probed) * later


class Pacer:
    """The pace of one tenant's calls.

    Args:
        per_minute: The most that may be sent in any 60 seconds.
        now: The monotonic clock.

    Attributes:
        refused: How often WizChat refused a call because of the pace.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        self.refused = 0
        self._burst, self._ceiling = call_spread(per_minute)
        self._tokens, self._credit, self._filled_at = self._burst, 0.0, now
        self._recent: deque[float] = deque(maxlen=_RECENT_CALLS)
        self._last = self._last_at_refusal = SentCall(now, 0, 0.0)
        self._refused_at = now
        self._found: FoundPace | None = None
        self._gates = 0
        self._gate_until = self._pause_until = now
        self._is_feeling = False
        self._feeler: SentCall | None = None
        self._was_held = False
        self._busy_since = now

    def per_s(self, now: float) -> float:
        """Calls a second that may be sent now in the long run."""
        if self._found is None:
            return self._ceiling
        pace = self._found.at(now)
        if pace >= self._ceiling:
            self._found = None
        return min(pace, self._ceiling)

    def is_slowed(self, now: float) -> bool:
        """Whether WizChat takes less than the settings allow."""
        return self.per_s(now) < self._ceiling

    def paused_for(self, now: float) -> float:
        """The seconds for which everybody has to wait, because WizChat asked for it."""
        return max(0.0, self._pause_until - now)

    def delay(self, now: float) -> float:
        """The seconds until the next call may start; 0 when one may now."""
        self._fill(now)
        waits = [0.0, self._pause_until - now, self._gate_until - now]
        if self._tokens < _ALMOST_ONE:
            waits.append((1 - self._tokens) / self._ceiling)
        if self._is_feeling:
            # one call feels the way; when it is not answered soon, that is no reason to hold up everybody
            waits.append(self._feeler.at + _LONGEST_FEELER_S - now if self._feeler is not None else 0.0)
        elif self._found is not None and self._credit < _ALMOST_ONE:
            waits.append((1 - self._credit) / self.per_s(now))
        wait = max(waits)
        self._was_held = self._was_held or wait > 0
        return wait

    def take(self, now: float) -> SentCall:
        """Count a call that starts now, whether or not it waited."""
        self._fill(now)
        self._tokens -= 1
        self._credit -= 1
        unnoticed = max(_USUAL_BURST_S, _UNNOTICED_TURNS / self.per_s(now))
        idle = 0.0 if self._was_held else max(0.0, now - self._last.at - unnoticed)
        if idle > _LONG_IDLE_S:
            self._busy_since = now
        self._last = SentCall(now, self._last.number + 1, self._last.idle + idle)
        self._was_held = False
        self._recent.append(now)
        if self._is_feeling:
            self._is_feeling, self._feeler = self._feeler is None, self._last
        return self._last

    def accept(self, sent: SentCall, now: float) -> None:
        """Note a call that was answered otherwise than by a refusal of the pace."""
        if sent.number > self._last_at_refusal.number and self._is_feeling:
            self._fill(now)
            self._is_feeling = False
            self._gates = 0
            self._credit = 0.0

    def refuse(self, sent: SentCall, now: float, retry_after: float | None) -> None:
        """Note a call that was refused because of the pace.

        Args:
            sent: The call.
            now: The monotonic clock.
            retry_after: For how many seconds WizChat asked to wait; None when it did not say.
        """
        self.refused += 1
        asked = retry_after or 0.0
        # what was under way at a refusal says nothing new
        if sent.number > self._last_at_refusal.number:
            if self._is_feeling:
                self._gates += 1
                self.pause(asked, now)
            else:
                slower, is_measured = self._slower(sent, now)
                unit = min(max(_SHORTEST_UNIT_S, asked), _LONGEST_UNIT_S)
                self._found = FoundPace(max(_SLOWEST_PER_S, slower), now, unit, is_measured)
            self._gate_until = now + min(LONGEST_GATE_S, _FIRST_GATE_S * 2**self._gates)
            self._refused_at, self._last_at_refusal = now, self._last
            self._is_feeling, self._feeler = True, None
        if asked > SHORTEST_RETRY_AFTER_S:
            self.pause(asked, now)

    def pause(self, seconds: float, now: float) -> None:
        """Let nobody call for a while; a shorter pause does not end a longer one."""
        self._pause_until = max(self._pause_until, now + seconds)

    def _slower(self, sent: SentCall, now: float) -> tuple[float, bool]:
        """The pace that WizChat is likely to take, and whether that was measured.

        Between two refusals it took what it takes in the long run, whatever burst it grants: that was used up at both.
        """
        pace = self._refused_pace(now)
        if self._found is None:
            # the burst lasted until now: the sooner it was used up, the more the pace is above what is taken
            lasted = sent.at - self._busy_since
            factor = min(max(_FIRST_FALL, lasted / (lasted + _USUAL_BURST_S)), _NEXT_FALL)
            return pace * factor, factor == _NEXT_FALL
        since = self._last_at_refusal
        accepted = sent.number - since.number - 1
        seconds = sent.at - self._refused_at - (sent.idle - since.idle)
        if accepted < _FEWEST_CALLS:
            return pace * _FIRST_FALL, False
        if not 0 < seconds <= _LONGEST_MEASURED_UNITS * self._found.unit:
            return pace * _NEXT_FALL, True
        accepted_per_s = _OF_WHAT_WAS_ACCEPTED * accepted / seconds
        slower = min(max(accepted_per_s, pace * _LARGEST_FALL), pace * _SMALLEST_FALL)
        # of few calls, much of the time was that of the gate, in which a small burst is soon full
        return slower, accepted >= _RECENT_CALLS

    def _refused_pace(self, now: float) -> float:
        """Calls a second that led to a refusal: what was allowed, or what was used where that is far less."""
        allowed = self.per_s(now)
        recent = [at for at in self._recent if at >= max(self._gate_until, now - _RECENT_S)]
        if not recent or now <= recent[0]:
            return allowed
        used = len(recent) / (now - recent[0])
        return used if self._found is None or used < allowed * _FAR_LESS else allowed

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._tokens = min(self._burst, self._tokens + passed * self._ceiling)
        if self._found is not None:
            per_s = self.per_s(now)
            self._credit = min(max(_LEAST_CREDIT, _CREDIT_S * per_s), self._credit + passed * per_s)
