"""Compares stored moments with a clock that may have been set forward or back."""

from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
"""By how much a moment of the past may seem to lie ahead: clocks are corrected a little all the time."""


def has_elapsed(since: datetime, length: timedelta, now: datetime) -> bool:
    """Whether a length of time has gone by since a moment that was written down.

    Args:
        since: When the wait began.
        length: How long it lasts.
        now: The present time, by the clock that gave the moment.

    Returns:
        True also when the moment lies further ahead than the wait is long. The clock was set back since: waiting until
        it has caught up could take for ever.
    """
    return not now - length < since <= now + length


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Whether a stored moment lies in the future: the clock was ahead when it was stored."""
    return moment > now + TOLERANCE
