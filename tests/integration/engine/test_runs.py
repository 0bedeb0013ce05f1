"""How a run ends when it is not let to."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.plan import Op
from reconciler.domain.records import RunStatus, Trigger
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.context import PROGRAM, TenantBinding
from reconciler.engine.refresh import request_refresh, run_refresh
from tests.fakes.target import FakeTarget
from tests.support.world import BOT, PATIENCE, SOURCE, TENANT, document, path_of, spec, world

pytestmark = pytest.mark.anyio


class SilentTarget(FakeTarget):
    """Never answers a dry run."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        self.asked.set()
        await asyncio.Event().wait()
        return await super().dry_run(chatbot_id, body)


async def test_a_run_that_a_stop_cuts_off_ends_failed_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        target = SilentTarget()
        engine = replace(w.engine, dispatcher=_Deaf(), tenants={TENANT: TenantBinding(TENANT, target)})
        asked = await request_refresh(engine, PROGRAM, SOURCE, Trigger.MANUAL, full=True)
        running = asyncio.create_task(run_refresh(engine, SOURCE))
        async with asyncio.timeout(PATIENCE):
            await target.asked.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        run = await w.run(asked.id)
        assert (run.status, run.message) == (RunStatus.FAILED, EXPLANATIONS[Reason.INTERRUPTED])
        assert run.finished_at is not None


class _Deaf:
    """A dispatcher that does nothing, because the test runs the job itself."""

    def submit(self, job: object) -> None: ...


async def test_a_full_run_that_waits_stays_full_whoever_else_asks(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        engine = replace(w.engine, dispatcher=_Deaf())
        await request_refresh(engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=True)
        shared = await request_refresh(engine, PROGRAM, SOURCE, Trigger.MANUAL, full=False)
        assert (shared.full, shared.trigger) == (True, Trigger.MANUAL)
        assert await run_refresh(engine, SOURCE) is not None
        assert (await w.run(shared.id)).counts.dry_runs == 1
