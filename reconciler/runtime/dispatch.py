"""Runs jobs in this process: each at most once at a time; a request during its run makes it run once more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from reconciler.ports import Job, JobKind

log = logging.getLogger(__name__)

Handler = Callable[[str], Awaitable[object]]


@dataclass(slots=True)
class LocalDispatcher:
    """`ports.Dispatcher` on asyncio tasks.

    A job that fails is logged and forgotten: the tables know what is unfinished, and the next tick asks again.

    Attributes:
        handlers: What to do for each kind of job; filled by the composition root before `run`.
        grace: Seconds that jobs under way may take to end when `run` is cancelled; then they are cancelled too.
    """

    handlers: Mapping[JobKind, Handler] = field(default_factory=dict)
    grace: float = 20.0
    _waiting: asyncio.Queue[Job] = field(default_factory=asyncio.Queue)
    _queued: set[Job] = field(default_factory=set)
    _running: dict[Job, asyncio.Task[None]] = field(default_factory=dict)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def submit(self, job: Job) -> None:
        if job in self._queued:
            return
        self._queued.add(job)
        self._idle.clear()
        if job not in self._running:
            self._waiting.put_nowait(job)

    async def run(self) -> None:
        """Run jobs until cancelled; then no new ones begin, and those under way have the grace time to end."""
        try:
            while True:
                self._start(await self._waiting.get())
        finally:
            await self._drain()

    async def idle(self) -> None:
        """Wait until nothing waits and nothing runs."""
        if self._queued or self._running:
            await self._idle.wait()

    async def _drain(self) -> None:
        running = set(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=self.grace)
            for task in late:
                task.cancel()
            await asyncio.wait(running)

    def _start(self, job: Job) -> None:
        self._queued.discard(job)
        task = asyncio.create_task(self._do(job), name=f"{job.kind}:{job.subject}")
        self._running[job] = task
        task.add_done_callback(lambda _: self._ended(job))

    async def _do(self, job: Job) -> None:
        try:
            await self.handlers[job.kind](job.subject)
        except Exception:
            log.exception("job failed", extra={"job": job.kind, "subject": job.subject})

    def _ended(self, job: Job) -> None:
        del self._running[job]
        if job in self._queued:
            self._waiting.put_nowait(job)
        elif not self._queued and not self._running:
            self._idle.set()
