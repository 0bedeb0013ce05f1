import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from reconciler.ports import Job, JobKind
from reconciler.runtime.dispatch import LocalDispatcher
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio

JOB = Job(JobKind.REFRESH, "bots")


@asynccontextmanager
async def running(handler: Callable[[str], Awaitable[None]], grace: float = 10.0) -> AsyncIterator[LocalDispatcher]:
    dispatcher = LocalDispatcher({JobKind.REFRESH: handler}, grace=grace)
    task = asyncio.create_task(dispatcher.run())
    try:
        async with asyncio.timeout(PATIENCE):
            yield dispatcher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Gate:
    """A job that stays until it is let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Semaphore(0)
        self.let_go = asyncio.Semaphore(0)
        self.now: Counter[str] = Counter()
        self.most = 0
        self.done = 0

    async def __call__(self, subject: str) -> None:
        self.now[subject] += 1
        self.most = max(self.most, self.now[subject])
        self.entered.release()
        await self.let_go.acquire()
        self.now[subject] -= 1
        self.done += 1


async def test_a_job_asked_for_while_it_waits_is_one_job() -> None:
    gate = Gate()
    async with running(gate) as dispatcher:
        for _ in range(5):
            dispatcher.submit(JOB)
        gate.let_go.release()
        await dispatcher.idle()
    assert gate.done == 1


async def test_a_job_asked_for_while_it_runs_runs_once_more_and_never_beside_itself() -> None:
    gate = Gate()
    async with running(gate) as dispatcher:
        dispatcher.submit(JOB)
        await gate.entered.acquire()
        for _ in range(5):
            dispatcher.submit(JOB)
        gate.let_go.release()
        gate.let_go.release()
        await dispatcher.idle()
    assert (gate.done, gate.most) == (2, 1)


async def test_jobs_of_different_subjects_run_side_by_side() -> None:
    gate = Gate()
    async with running(gate) as dispatcher:
        dispatcher.submit(JOB)
        dispatcher.submit(Job(JobKind.REFRESH, "others"))
        await gate.entered.acquire()
        await gate.entered.acquire()
        gate.let_go.release()
        gate.let_go.release()
        await dispatcher.idle()
    assert gate.done == 2


async def test_a_job_that_fails_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    async def handler(subject: str) -> None:
        if subject == "bad":
            raise ValueError("broken")
        done.append(subject)

    async with running(handler) as dispatcher:
        dispatcher.submit(Job(JobKind.REFRESH, "bad"))
        dispatcher.submit(Job(JobKind.REFRESH, "good"))
        await dispatcher.idle()
    assert done == ["good"]
    assert [record.getMessage() for record in caplog.records] == ["job failed"]


async def test_a_stop_waits_for_what_is_under_way() -> None:
    gate = Gate()
    async with running(gate) as dispatcher:
        dispatcher.submit(JOB)
        await gate.entered.acquire()
        gate.let_go.release()
    assert gate.done == 1


async def test_what_outlasts_the_grace_time_is_cancelled() -> None:
    gate = Gate()
    async with running(gate, grace=0) as dispatcher:
        dispatcher.submit(JOB)
        await gate.entered.acquire()
    assert gate.done == 0


async def test_nothing_to_do_is_idle() -> None:
    async with running(Gate()) as dispatcher:
        await dispatcher.idle()
