"""Retention as the service does it: little by little, by a clock that may be wrong, and without forgetting a no."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.entities import Plan, Run, Trigger
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.listing import PlanFilter
from reconciler.domain.retention import Expiring
from reconciler.engine.context import PROGRAM
from reconciler.engine.decide.decisions import reject
from reconciler.engine.reconcile.carried_diagnostics import MAX_CARRIED
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.retention import INTERVAL, MAX_AT_ONCE, RetentionKeeper
from tests.support.defaults import retention_rules
from tests.support.records import a_plan
from tests.support.world import BOT, SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old")}
FILES = {path_of(): document(spec())}
DAY = 86_400.0


async def _pass(keeper: RetentionKeeper) -> None:
    """One whole pass, with what it gives back."""
    keeper.engine.clock.advance(INTERVAL)  # type: ignore[attr-defined]
    for _ in range(20):
        await keeper.tick()


async def _runs(w: World) -> list[Run]:
    return list((await w.store.queries.runs(None, limit=200, cursor=None)).items)


async def _plans(w: World) -> list[Plan]:
    return list((await w.store.queries.plans(PlanFilter(), limit=200, cursor=None)).items)


async def test_a_clock_that_is_a_year_ahead_removes_one_day_in_an_hour(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        for _ in range(10):
            w.clock.advance(DAY)
            await w.refresh()
        keeper = RetentionKeeper(w.engine, retention_rules(runs=timedelta(days=30)))
        before = len(await _runs(w))
        w.clock.jump(365 * DAY)
        await _pass(keeper)
        assert before - len(await _runs(w)) == 1
        await _pass(keeper)
        assert before - len(await _runs(w)) == 2
        assert keeper.state.removed[Expiring.RUNS] == 2


async def test_nothing_goes_before_its_time(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        keeper = RetentionKeeper(w.engine, retention_rules(runs=timedelta(days=30)))
        w.clock.advance(30 * DAY - 2 * INTERVAL)
        await w.refresh()
        before = len(await _runs(w))
        await _pass(keeper)
        assert len(await _runs(w)) == before
        w.clock.advance(2 * INTERVAL)
        await _pass(keeper)
        assert len(await _runs(w)) < before


async def test_a_pass_goes_in_batches_that_a_stop_may_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        async with w.store.begin() as uow:
            for number in range(2 * MAX_AT_ONCE + 1):
                plan = a_plan(f"plan_{number}", status=PlanStatus.SUPERSEDED, closed_at=w.clock.now(), revision="gone")
                await uow.plans.add(plan)
        w.clock.advance(100 * DAY)
        rules = retention_rules(runs=timedelta(days=9999))
        await RetentionKeeper(w.engine, rules).tick()
        assert len(await _closed(w)) == MAX_AT_ONCE + 1
        with caplog.at_level(logging.INFO, "reconciler.engine.retention"):
            await _pass(RetentionKeeper(w.engine, rules))
        assert await _closed(w) == []
        (record,) = [each for each in caplog.records if each.message == "old rows removed"]
        assert vars(record)["removed"] == {"plans": MAX_AT_ONCE + 1}


async def _closed(w: World) -> list[str]:
    ids = [f"plan_{number}" for number in range(2 * MAX_AT_ONCE + 1)]
    async with w.store.read() as uow:
        return list(await uow.plans.some(ids))


async def test_a_doubt_about_the_clock_ends_a_pass(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        async with w.store.begin() as uow:
            for number in range(2 * MAX_AT_ONCE + 1):
                plan = a_plan(f"plan_{number}", status=PlanStatus.SUPERSEDED, closed_at=w.clock.now(), revision="gone")
                await uow.plans.add(plan)
        w.clock.advance(100 * DAY)
        trusted = [True]
        keeper = RetentionKeeper(w.engine, retention_rules(), may_remove=lambda: trusted[0])
        await keeper.tick()
        trusted[0] = False
        await keeper.tick()
        trusted[0] = True
        await keeper.tick()
        assert len(await _closed(w)) == MAX_AT_ONCE + 1


async def test_what_was_turned_down_is_not_offered_again_after_any_time(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint, comment="no")
        w.clock.advance(999 * DAY)
        keeper = RetentionKeeper(w.engine, retention_rules(plans=timedelta(days=1)))
        for _ in range(5):
            await _pass(keeper)
        await w.refresh()
        assert [each.id for each in await _plans(w)] == [plan.id]
        assert (await w.chatbot()).plan_id is None


async def _scheduled(w: World, *, after: float) -> Run:
    """A run that reads no documents unless they changed."""
    w.clock.advance(after)
    run = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False)
    await w.idle()
    return await w.run(run.id)


async def test_the_run_that_lists_what_is_wrong_stays_while_it_is_wrong(tmp_path: Path) -> None:
    wrong = {
        f"chatbots/wrong_{number}.json": document({"core": 1}, f"bad_{number}") for number in range(MAX_CARRIED + 9)
    }
    async with world(tmp_path, LIVE, FILES | wrong) as w:
        (first,) = await _runs(w)
        assert len(first.diagnostics) > MAX_CARRIED
        for _ in range(3):
            await _scheduled(w, after=DAY)
        run = await _scheduled(w, after=99 * DAY)
        assert first.id in run.diagnostics[-1].message
        keeper = RetentionKeeper(w.engine, retention_rules())
        for _ in range(9):
            await _pass(keeper)
        assert {each.id for each in await _runs(w)} == {first.id, run.id}
        w.commit({path: document(spec(), f"bad_{number}") for number, path in enumerate(wrong)})
        await _scheduled(w, after=DAY)
        await _scheduled(w, after=99 * DAY)
        for _ in range(9):
            await _pass(keeper)
        assert first.id not in {each.id for each in await _runs(w)}


async def test_the_audit_log_still_names_what_is_gone(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        gone = await w.open_plan()
        w.commit({path_of(): document(spec(prompt="newer"))})
        await w.refresh()
        w.clock.advance(999 * DAY)
        before = await w.audit()
        keeper = RetentionKeeper(w.engine, retention_rules())
        await _pass(keeper)
        assert gone.id not in {each.id for each in await _plans(w)}
        assert await w.audit() == before
        assert f"plan/{gone.id}" in {entry.subject for entry in before}
