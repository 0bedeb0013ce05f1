"""When to ask again for a chatbot that is missing from WizChat's list; the list may show less than the key may read."""

from datetime import datetime, timedelta

from reconciler.domain.clock_tolerance import has_elapsed

FIRST_AFTER = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=24)


def is_due(since: datetime | None, asked_at: datetime | None, now: datetime) -> bool:
    """Whether to ask: first after five minutes, then each time after twice as long, at last once a day.

    Args:
        since: Since when the chatbot is missing; None when it is newly so.
        asked_at: When it was last asked for since then; None when it was not.
        now: The moment.
    """
    if since is None:
        return False
    before = asked_at or since
    return has_elapsed(before, min(max(before - since, FIRST_AFTER), LONGEST_WAIT), now)
