"""Durations as people write them in settings: ``30s``, ``5m``, ``1h30m``, ``7d``."""

import re
from datetime import timedelta
from typing import Final

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST: Final = timedelta(days=36_500)
"""A hundred years: what is longer leads to dates that no calendar here has."""
_MAX_DIGITS: Final = 8
_WRITTEN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: When it is not written in whole days, hours, minutes and seconds, largest first, or longer than
            `LONGEST`.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration: write it like 30s, 5m, 1h30m or 7d")
    parts = {name: value for name, value in zip(_UNITS.values(), match.groups(), strict=True) if value}
    # counted first: Python reads no number of thousands of digits, and no duration of billions of days
    is_bounded = all(len(value) <= _MAX_DIGITS for value in parts.values())
    duration = timedelta(**{name: int(value) for name, value in parts.items()}) if is_bounded else timedelta.max
    if duration > LONGEST:
        raise ValueError(f"{text[:40]!r} is too long a duration: give at most {LONGEST.days}d")
    return duration


def format_duration(duration: timedelta) -> str:
    """Write a duration in the form that `parse_duration` reads; parts of a second are dropped."""
    seconds = int(duration.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
