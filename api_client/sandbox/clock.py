"""The clock of the sandbox, a function that tests replace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Write a moment as the API does: ISO 8601, UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later_than(previous: str, moment: datetime) -> str:
    """Return ``moment``, or one millisecond after ``previous`` where the clock has not moved on.

    Two changes within one millisecond would otherwise carry the same ``updatedAt``.
    """
    earliest = datetime.fromisoformat(previous) + timedelta(milliseconds=1)
    return timestamp(max(earliest, moment))
