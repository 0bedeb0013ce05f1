"""Decides whether and when to send a request again. Pure: time and randomness are passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from api_client.errors import WizChatApiError, WizChatConnectionError, WizChatError

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
LONGEST_BACKOFF_S: Final = 8.0
_LARGEST_RETRY_AFTER_DIGITS: Final = 9
_LARGEST_RETRY_AFTER_S: Final = 10.0**_LARGEST_RETRY_AFTER_DIGITS

OnRetry = Callable[[int, float, WizChatError], None]


@dataclass(frozen=True, slots=True)
class Retries:
    """When to try again; time and chance come from outside."""

    limit: int
    backoff_s: float
    longest_wait_s: float
    now: Callable[[], datetime]
    random: Callable[[], float]
    on_retry: OnRetry | None = None

    def __post_init__(self) -> None:
        values = {"max_retries": self.limit, "backoff": self.backoff_s, "max_retry_wait": self.longest_wait_s}
        for name, value in values.items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} is {value}: give 0 or more")


def retry_wait(error: WizChatError, attempt: int, retries: Retries) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    The wait grows from attempt to attempt by chance within bounds, and is never shorter than the server asked. When
    it asked for longer than `longest_wait_s`, giving up now is better than being refused again.
    """
    if attempt > retries.limit or not _may_help(error):
        return None
    backoff = min(LONGEST_BACKOFF_S, retries.longest_wait_s, retries.backoff_s * 2.0 ** min(attempt - 1, 16))
    jittered = backoff * (0.5 + 0.5 * retries.random())
    requested = error.retry_after if isinstance(error, WizChatApiError) else None
    wait = max(jittered, requested or 0.0)
    return wait if wait <= retries.longest_wait_s else None


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; None when it holds neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _LARGEST_RETRY_AFTER_DIGITS else _LARGEST_RETRY_AFTER_S
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # a date of the year 9999 plus its offset is no date any more: nobody could say when that is
        return min(_LARGEST_RETRY_AFTER_S, max(0.0, (moment - now).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None


def _may_help(error: WizChatError) -> bool:
    match error:
        case WizChatApiError():
            return error.status in RETRIED_STATUSES and not error.is_quota_exceeded
        case WizChatConnectionError():
            return True
        case _:
            return False
