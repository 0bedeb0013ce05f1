"""The service within this process, for what is timed from inside: its jobs run, nothing ticks, nothing listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from benchmarks.stage import TOKEN, Stage
from reconciler.engine.access.tokens import ensure_bootstrap
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
        jobs = asyncio.create_task(service.dispatcher.run())
        try:
            yield service
        finally:
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs
