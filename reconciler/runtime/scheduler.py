"""APScheduler ticks; it holds no state. A tick only asks the database what is due (see `engine.scheduling`)."""

from collections.abc import Awaitable, Callable
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

TICK_SECONDS = 5
"""Recovery looks this often, and a source is looked at no later than this after it is due."""


def ticking(tick: Callable[[], Awaitable[None]], *, seconds: float = TICK_SECONDS) -> Callable[[], None]:
    """Begin to call ``tick``, and return what ends that.

    Ticks never overlap, and any number of missed ones is made up for by one.
    """
    scheduler = AsyncIOScheduler()
    scheduler.add_job(
        tick,
        IntervalTrigger(seconds=seconds),
        id="tick",
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    scheduler.start()
    return partial(scheduler.shutdown, wait=False)
