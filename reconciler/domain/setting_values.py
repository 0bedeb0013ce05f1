"""Values as people write them in settings: durations such as ``1h30m``, and lists such as ``a,b``."""

import json
import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST: Final = timedelta(days=36_500)
"""A hundred years: what is longer leads to dates that no calendar here has."""
MOST_CALLS_AT_ONCE: Final = 64
"""Calls of a tenant that may be under way, whatever the settings say: as many connections as the SDK opens."""
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


def read_duration(value: Any) -> timedelta:
    """Take a duration as it is, or read it from text."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit: write it like 30s, 5m, 1h30m or 7d")  # noqa: TRY004 - pydantic reads ValueError
    return parse_duration(value)


def read_list(value: Any) -> Any:
    """Let an environment variable hold a list: as JSON, or separated by commas."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('it is not a JSON list: write it like a,b or ["a", "b"]') from None


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Retention = Annotated[timedelta, Field(ge=timedelta(days=1)), BeforeValidator(read_duration)]
Words = Annotated[tuple[str, ...], BeforeValidator(read_list)]
