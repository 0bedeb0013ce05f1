"""How many chatbots each run compares again although nothing indicates a change.

WizChat's `updatedAt` is assumed to move with every edit, and not promised to. So each chatbot is compared at least once
in a `full_sweep_interval`, those that were compared longest ago first, and spread evenly over the time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

CATCH_UP: Final = 2
"""A pass that is behind, as after an outage, compares so many times its share at most."""

_ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def age_limit(full_sweep_interval: timedelta, drift_interval: timedelta) -> timedelta:
    """How old a comparison may be at a pass, so that it is made again before its interval is over: at the next one.

    Zero where a pass comes no more often than that: then every pass compares everything.
    """
    return max(full_sweep_interval - 2 * drift_interval, timedelta())


def rotation_share(
    chatbots: int, overdue: int, since: datetime, now: datetime, *, limit: timedelta, drift_interval: timedelta
) -> int:
    """How many chatbots a pass compares that are only due by their age.

    Args:
        chatbots: How many there are.
        overdue: How many of them were compared longer ago than `limit`.
        since: When the pass before was.
        now: The present time, by the same clock.
        limit: As `age_limit` gives it: in so much time every chatbot gets its turn.
        drift_interval: How often there is a pass.

    Returns:
        What falls into the time since the pass before, or what is overdue if that is more; at most `CATCH_UP` times
        what falls into one interval, and one more. Passes of any spacing add up to what they share, to the chatbot.
    """
    if limit <= timedelta():
        return chatbots
    most = CATCH_UP * -(-chatbots * drift_interval // limit) + 1
    # a clock that was set back gives no share twice, and one that was set forward no burst
    share = _turns(chatbots, now, limit) - _turns(chatbots, min(since, now), limit)
    return min(max(share, min(overdue, chatbots)), most, chatbots)


def _turns(chatbots: int, moment: datetime, limit: timedelta) -> int:
    """How many turns there were until a moment, counted from one that is the same for everybody."""
    return int(chatbots * ((moment - _ORIGIN) // _TICK) // (limit // _TICK))
