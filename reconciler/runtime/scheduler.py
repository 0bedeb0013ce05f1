"""Ticks by APScheduler, without state. A tick asks the database what is due (see `engine.reconcile.schedule`).

APScheduler waits for moments of the wall clock. Set back, that would end its ticks until the clock has caught up; set
forward by years, its own interval trigger would count up every tick in between. So the trigger here knows no past, and
a watch on the monotonic clock calls a tick that is further away than one interval.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from reconciler.engine.clock_health import ClockWatch
from reconciler.runtime.clock import SystemClock

TICK_SECONDS = 5
"""Recovery looks this often, and a source is looked at no later than this after it is due."""


class FromNow(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A tick an interval from now, whatever came before."""

    def __init__(self, interval: timedelta) -> None:
        self.interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002  APScheduler's signature
        """The next moment, by the wall clock as it is."""
        return now + self.interval


def ticking(
    tick: Callable[[], Awaitable[None]], *, seconds: float = TICK_SECONDS, clock_watch: ClockWatch | None = None
) -> Callable[[], None]:
    """Begin to call ``tick``, and return what ends that.

    Ticks never overlap, and any number of missed ones is made up for by one.

    Args:
        tick: What is called.
        seconds: From one tick to the next.
        clock_watch: What notices, and logs, that the wall clock was set.
    """
    scheduler = AsyncIOScheduler(timezone=UTC)
    interval = timedelta(seconds=seconds)
    job = scheduler.add_job(tick, FromNow(interval), id="tick", coalesce=True, max_instances=1, misfire_grace_time=None)
    scheduler.start()
    watching = asyncio.create_task(_watch(job, interval, clock_watch or ClockWatch(SystemClock())), name="clock watch")

    def stop() -> None:
        watching.cancel()
        scheduler.shutdown(wait=False)

    return stop


async def _watch(job: Job, interval: timedelta, clock_watch: ClockWatch) -> None:
    while True:
        await asyncio.sleep(interval.total_seconds())
        clock_watch.check()
        call_if_out_of_reach(job, interval, datetime.now(UTC))


def call_if_out_of_reach(job: Job, interval: timedelta, now: datetime) -> None:
    """Have a job run at once whose next moment is further away than an interval: the clock was set back."""
    if job.next_run_time - now > interval:
        job.modify(next_run_time=now)
