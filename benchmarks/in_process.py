"""The service within this process, for what is timed from inside: its jobs run, nothing ticks, nothing listens."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from benchmarks.stage import SOURCE, TOKEN, Stage
from reconciler.domain.entities import Run, Trigger
from reconciler.engine.access.tokens import ensure_bootstrap
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import start_up
from reconciler.ports import Clock
from reconciler.runtime.bootstrap.service import Service, open_service


@asynccontextmanager
async def opened(on: Stage, clock: Clock | None = None) -> AsyncIterator[Service]:
    """The service on a stage, before its first run.

    Args:
        on: What it works on.
        clock: Another time than the machine's.
    """
    async with open_service(on.settings, clock=clock) as service:
        await ensure_bootstrap(service.engine, TOKEN)
        gc.freeze()  # as `serve` does
        jobs = asyncio.create_task(service.dispatcher.run())
        try:
            yield service
        finally:
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs


async def start(service: Service) -> float:
    """Begin as a process does, and give the seconds until its first run is done."""
    begun = time.perf_counter()
    await start_up(service.engine, only_process=True)
    await service.dispatcher.idle()
    return time.perf_counter() - begun


async def refresh(service: Service, trigger: Trigger, *, full: bool = False) -> float:
    """Have the source looked at, and give the seconds until the run is done."""
    begun = time.perf_counter()
    await request_refresh(service.engine, PROGRAM, SOURCE, trigger, full=full)
    await service.dispatcher.idle()
    return time.perf_counter() - begun


async def newest_run(service: Service) -> Run:
    """The run that was asked for last."""
    return (await service.engine.store.queries.runs(None, limit=1, cursor=None)).items[0]
