"""How a run ends when it is not let to."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api_client.sandbox import Fleet
from reconciler.domain.entities import Run, RunStatus, Trigger
from reconciler.domain.plan import Op
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import StoreError
from tests.fakes.clock import FakeClock
from tests.fakes.target import FakeTarget
from tests.support.defaults import tenant_binding
from tests.support.meanwhile import BusySource, BusyTarget, Deaf
from tests.support.waiting import PATIENCE
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

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
        engine = replace(w.engine, dispatcher=Deaf(), tenants={TENANT: tenant_binding(TENANT, target)})
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


async def test_a_database_that_breaks_during_a_run_is_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:

        async def breaks() -> None:
            with closing(sqlite3.connect(tmp_path / "reconciler.db")) as other:
                other.execute("ALTER TABLE plans RENAME TO lost")

        w.switch_tenants({TENANT: tenant_binding(TENANT, BusyTarget(w.target, breaks))})
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        run = await w.refresh()
        assert run.status is RunStatus.FAILED
        assert "The run was interrupted: the database cannot be used" in str(run.message)
        (record,) = [each for each in caplog.records if each.message == "job failed"]
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], StoreError)


async def test_a_run_whose_end_could_not_be_written_down_ends_with_the_next(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:

        async def rename(before: str, after: str) -> None:
            with closing(sqlite3.connect(tmp_path / "reconciler.db")) as other:
                other.execute(f"ALTER TABLE {before} RENAME TO {after}")

        busy = tenant_binding(TENANT, BusyTarget(w.target, lambda: rename("runs", "lost")))
        engine = replace(w.engine, dispatcher=Deaf(), tenants={TENANT: busy})
        asked = await request_refresh(engine, PROGRAM, SOURCE, Trigger.MANUAL, full=True)
        with pytest.raises(StoreError):
            await run_refresh(engine, SOURCE)
        await rename("lost", "runs")
        assert (await w.run(asked.id)).status is RunStatus.RUNNING
        later = await w.refresh()
        unended = await w.run(asked.id)
        assert (unended.status, later.status) == (RunStatus.FAILED, RunStatus.SUCCEEDED)
        assert "its end could not be written down" in (unended.message or "")


class SlowTarget(FakeTarget):
    """Answers dry runs once it is let."""

    def __init__(self, fleet: Fleet, clock: FakeClock) -> None:
        super().__init__(fleet, clock)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.dry_runs = 0

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        self.dry_runs += 1
        self.asked.set()
        await self.may_answer.wait()
        return await super().dry_run(chatbot_id, body)


async def _tick_during_a_sweep(w: World, target: SlowTarget, asked: Trigger | None = None) -> Sequence[Run]:
    """The scheduled runs of a sweep that outlasts a tick, the newest first; perhaps somebody asks meanwhile, too."""
    w.switch_tenants({TENANT: tenant_binding(TENANT, target)})
    w.clock.advance(3600.0)
    w.edit_live(core=spec()["core"] | {"name": "Moved"})
    await tick(w.engine)
    async with asyncio.timeout(PATIENCE):
        await target.asked.wait()
    w.clock.advance(60.0)
    await tick(w.engine)
    if asked is not None:
        await request_refresh(w.engine, PROGRAM, SOURCE, asked, full=True)
    w.clock.advance(1.0)
    target.may_answer.set()
    await w.idle()
    return (await w.store.queries.runs((SOURCE,), limit=2, cursor=None)).items


async def test_a_sweep_that_outlasts_a_tick_is_not_done_twice(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        target = SlowTarget(w.target.fleet, w.clock)
        second, first = await _tick_during_a_sweep(w, target)
        assert (first.drift, first.counts.dry_runs) == (True, 1)
        assert (second.trigger, second.status) == (Trigger.SCHEDULE, RunStatus.SUCCEEDED)
        assert (second.drift, target.dry_runs) == (False, 1)


async def test_who_asks_during_a_sweep_for_a_full_run_gets_one_of_their_own(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        target = SlowTarget(w.target.fleet, w.clock)
        second, _ = await _tick_during_a_sweep(w, target, Trigger.MANUAL)
        assert (second.trigger, second.full, target.dry_runs) == (Trigger.MANUAL, True, 2)


async def test_a_comparison_that_is_said_to_be_yet_to_come_satisfies_no_run(tmp_path: Path) -> None:
    """As after the clock was set back: nothing else would be compared until it has caught up."""
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        w.clock.jump(-172_800.0)
        engine = replace(w.engine, dispatcher=Deaf())
        asked = await request_refresh(engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=True)
        await run_refresh(engine, SOURCE)
        assert (await w.run(asked.id)).full


async def test_a_full_run_that_waits_stays_full_whoever_else_asks(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        engine = replace(w.engine, dispatcher=Deaf())
        await request_refresh(engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=True)
        shared = await request_refresh(engine, PROGRAM, SOURCE, Trigger.MANUAL, full=False)
        assert (shared.full, shared.trigger) == (True, Trigger.MANUAL)
        assert await run_refresh(engine, SOURCE) is not None
        assert (await w.run(shared.id)).counts.dry_runs == 1


async def test_what_is_to_be_compared_since_the_remote_was_asked_is_compared(tmp_path: Path) -> None:
    source = BusySource({path_of(): document(spec())})
    async with world(tmp_path, {BOT: spec()}, {}, source=source) as w:
        await w.refresh(full=False)
        asked = asyncio.Event()

        async def pending() -> None:
            async with w.store.begin() as uow:
                chatbot = await uow.chatbots.get(TENANT, BOT)
                assert chatbot is not None
                await uow.chatbots.save(replace(chatbot, checked_digest=None))
            asked.set()

        source.meanwhile = pending
        run = await w.refresh(full=False)
        assert asked.is_set()
        assert (run.status, run.counts.dry_runs, run.counts.skipped) == (RunStatus.SUCCEEDED, 1, 0)
        run = await w.refresh(full=False)
        assert (run.status, run.counts.dry_runs, run.counts.skipped) == (RunStatus.SUCCEEDED, 0, 1)
