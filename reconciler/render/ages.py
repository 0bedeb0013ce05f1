"""Formats how long ago a moment was, or how soon it will be."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))
_MOMENTS: Final = 2
"""Of the larger units there must be this many: “90 min” says more than “1 h”."""
_AT_ONCE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Age:
    """A moment, told by its distance.

    Attributes:
        at: The moment itself.
        words: The distance, such as ``3 d``.
        ahead: Whether it is still to come.
        is_due: Whether something is to begin at it, and that is now: it never begins ago.
    """

    at: datetime
    words: str
    ahead: bool = False
    is_due: bool = False


def age(at: datetime, now: datetime) -> Age:
    """How far a moment is from now; what lies ahead is told so."""
    ahead = at > now
    return Age(at, span(abs(now - at), nearest=ahead), ahead=ahead)


def age_or_none(at: datetime | None, now: datetime) -> Age | None:
    """The same for a moment that there may not be."""
    return age(at, now) if at else None


def due_or_none(at: datetime | None, now: datetime) -> Age | None:
    """The same for a moment at which something is to begin: due when that is over, or nearly there."""
    return replace(age(at, now), is_due=at - now < _AT_ONCE) if at else None


def span(length: timedelta, *, nearest: bool = False) -> str:
    """A length of time in the largest unit of which it holds two, and in seconds where it is short.

    Args:
        length: How long.
        nearest: Whether it is told to the nearest unit: what ends in seven days but a second ends in seven days.
    """
    seconds = int(length.total_seconds())
    for unit, size in _UNITS:
        if seconds >= size * _MOMENTS or (unit == "min" and seconds >= size):
            return f"{(seconds + (size // 2 if nearest else 0)) // size} {unit}"
    return f"{seconds} s"


def duration(length: timedelta) -> str:
    """How long something took, finer than `span` where it was short."""
    seconds = length.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth matters
        return f"{seconds:.1f} s"
    if seconds < 120:  # noqa: PLR2004 - up to two minutes people count in seconds
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else span(length)  # noqa: PLR2004 - an hour
