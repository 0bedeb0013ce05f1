"""Estimates how long a pass over many chatbots takes, and how many calls it costs. Pure."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

_BURST_S: Final = 1.0
_MINUTES_FROM_S: Final = 90
_HOURS_FROM_MIN: Final = 90


class CallSpread(NamedTuple):
    """How calls are spread over the minute.

    Attributes:
        burst: How many may be made at once.
        per_s: How many a second after that.
    """

    burst: float
    per_s: float


def call_spread(per_minute: int) -> CallSpread:
    """A burst of one second's worth, and the rest evenly, so that no 60 seconds see more than ``per_minute``."""
    burst = max(1.0, per_minute * _BURST_S / 60)
    return CallSpread(burst, (per_minute - burst if per_minute > burst else per_minute) / 60)


@dataclass(frozen=True, slots=True)
class CallRate:
    """How fast a tenant's calls can be made, and what is left of its day.

    Attributes:
        per_minute: Calls a minute.
        concurrency: Calls that may be under way at once.
        latency_s: How long a call took lately; None while none was made.
        daily: Calls a day, or None when not limited here.
        left: How many of those a pass may use today; None likewise.
    """

    per_minute: int
    concurrency: int
    latency_s: float | None = None
    daily: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class PassForecast:
    """What a pass takes.

    Attributes:
        calls: How many it makes.
        seconds: How long, when nothing else calls meanwhile.
        is_least: Whether it may as well take longer, as nobody knows how long a call takes.
        limit: What it is limited by, in a few words.
        share_of_day: Its part of the calls of a day, or None when those are not limited here.
        left: How many it may make today; None likewise.
    """

    calls: int
    seconds: float
    is_least: bool
    limit: str
    share_of_day: float | None
    left: int | None

    @property
    def text(self) -> str:
        """All of it in one line, such as "10,000 calls, 17 min at 600/min, 7 % of today's quota"."""
        calls = "1 call" if self.calls == 1 else f"{self.calls:,} calls"
        parts = [calls, f"{'at least ' if self.is_least else ''}{_duration(self.seconds)} {self.limit}"]
        if self.share_of_day is not None:
            parts.append(f"{_percentage(self.share_of_day)} of today's quota")
        line = ", ".join(parts)
        return line if self.left is None or self.left >= self.calls else f"{line}; {self.left:,} are left for it today"


def forecast_pass(calls: int, rate: CallRate) -> PassForecast:
    """What a pass takes.

    Args:
        calls: How many it makes.
        rate: How fast they can be made.
    """
    burst, per_s = call_spread(rate.per_minute)
    latency = rate.latency_s or 0.0
    paced = max(0.0, calls - burst) / per_s + latency
    queued = math.ceil(calls / rate.concurrency) * latency
    return PassForecast(
        calls=calls,
        seconds=max(paced, queued),
        is_least=rate.latency_s is None,
        limit=f"at {rate.per_minute:,}/min" if paced >= queued else f"with {rate.concurrency} at once",
        share_of_day=None if rate.daily is None else calls / rate.daily,
        left=rate.left,
    )


def _duration(seconds: float) -> str:
    if seconds < _MINUTES_FROM_S:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < _HOURS_FROM_MIN:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _percentage(share: float) -> str:
    percent = round(100 * share)
    return f"{percent:,} %" if percent else "less than 1 %"
