"""A wall clock that is set, forward or back: work goes on, and nothing stands longer than it was given."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.entities import Lease, Run, Trigger
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.status import Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.apply.executor import LEASE_TIMES
from reconciler.engine.clock_health import ClockWatch
from reconciler.engine.decide.suspension import suspend
from reconciler.engine.reconcile.deadlines import Deadlines
from reconciler.engine.reconcile.schedule import start_up, tick
from reconciler.engine.retention import RetentionKeeper
from tests.fakes.target import Effect
from tests.support.defaults import retention_rules
from tests.support.world import BOT, SOURCE, TENANT, World, document, handlers, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old")}
FILES = {path_of(): document(spec(prompt="new"))}
AGREE = {path_of(): document(spec(prompt="old"))}
HOUR, DAY = 3600.0, 86_400.0
INTERVAL, DRIFT_INTERVAL = 300.0, 900.0
TICK = 60.0
BACK = [-1.0, -200.0, -HOUR, -2 * DAY, -365 * DAY]
TTL = LEASE_TIMES.ttl.total_seconds()


async def runs(w: World) -> Sequence[Run]:
    return (await w.store.queries.runs((SOURCE,), limit=50, cursor=None)).items


async def scheduled(w: World, *, drift: bool | None = None) -> int:
    await tick(w.engine)
    await w.idle()
    return sum(run.trigger is Trigger.SCHEDULE and drift in (None, run.drift) for run in await runs(w))


async def ticks_until(w: World, number: int, seconds: float, *, drift: bool | None = None) -> float:
    """How many seconds it takes until there were so many scheduled runs, at most ``seconds``."""
    passed = 0.0
    while await scheduled(w, drift=drift) < number and passed < seconds:
        w.clock.advance(TICK)
        passed += TICK
    assert await scheduled(w, drift=drift) >= number, f"no run within {seconds} s"
    return passed


@pytest.mark.parametrize("jump", BACK)
async def test_runs_go_on_at_their_interval_after_the_clock_was_set_back(tmp_path: Path, jump: float) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert await scheduled(w) == 0
        w.clock.jump(jump)
        assert await ticks_until(w, 1, 2 * INTERVAL) == INTERVAL
        assert await ticks_until(w, 2, 2 * INTERVAL) == INTERVAL


@pytest.mark.parametrize("jump", BACK)
async def test_a_restart_does_not_wait_for_what_was_due_in_a_future_that_never_came(
    tmp_path: Path, jump: float
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.clock.jump(jump)
        w.engine = replace(w.engine, deadlines=Deadlines())
        assert await ticks_until(w, 1, 2 * INTERVAL) <= INTERVAL + TICK
        assert await ticks_until(w, 2, 2 * INTERVAL) == INTERVAL


@pytest.mark.parametrize("jump", BACK)
async def test_the_drift_check_goes_on_after_the_clock_was_set_back(tmp_path: Path, jump: float) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert await scheduled(w, drift=True) == 0
        w.clock.jump(jump)
        assert await ticks_until(w, 1, 2 * DRIFT_INTERVAL, drift=True) <= DRIFT_INTERVAL + INTERVAL
        assert await ticks_until(w, 2, 2 * DRIFT_INTERVAL, drift=True) <= DRIFT_INTERVAL + INTERVAL


async def test_a_drift_interval_that_is_the_shorter_one_is_kept_after_a_jump_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        binding = replace(w.engine.sources[SOURCE], interval=timedelta(hours=6), drift_interval=timedelta(minutes=5))
        w.engine = replace(w.engine, sources={SOURCE: binding})
        w.dispatcher.handlers = handlers(w.engine, w.applier, w.recoverer)
        await w.refresh()
        w.clock.jump(-2 * DAY)
        await w.refresh(full=False)
        assert await ticks_until(w, 1, 2 * INTERVAL, drift=True) <= INTERVAL


async def test_a_jump_forward_makes_one_run_of_all_that_were_missed(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.clock.jump(365 * DAY)
        assert await scheduled(w) == 1
        assert await ticks_until(w, 2, 2 * INTERVAL) == INTERVAL


@pytest.mark.parametrize("jump", [-20.0, -HOUR, -2 * DAY])
async def test_an_unknown_outcome_is_settled_though_the_clock_was_set_back(tmp_path: Path, jump: float) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.writer.lose_answer(Effect.NONE)
        apply = await w.apply(plan)
        w.clock.jump(jump)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        settle = w.engine.policy.apply_settle.total_seconds()
        w.clock.advance(settle - 1)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(1)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.FAILED


async def _leased_by_another(w: World, jump: float) -> Lease:
    async with w.store.begin() as uow:
        lease = await uow.leases.take(TENANT, BOT, "process_0", LEASE_TIMES.ttl)
    assert lease is not None
    w.clock.jump(jump)
    return lease


async def _is_free(w: World) -> bool:
    async with w.applier.lease(TENANT, BOT) as lease:
        return lease is not None


async def test_the_lease_of_a_process_that_is_gone_ends_though_the_clock_was_set_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await _leased_by_another(w, -2 * DAY)
        assert not await _is_free(w)
        w.clock.advance(TTL - 1)
        assert not await _is_free(w)
        w.clock.advance(1)
        assert await _is_free(w)
        assert await _is_free(w)


async def test_a_lease_that_is_renewed_is_never_taken_over(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        lease = await _leased_by_another(w, -2 * DAY)
        for _ in range(10):
            assert not await _is_free(w)
            w.clock.advance(TTL - 1)
            async with w.store.begin() as uow:
                assert await uow.leases.renew(lease, LEASE_TIMES.ttl) is not None


async def test_an_approval_of_a_future_that_never_came_falls(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        w.clock.jump(DAY)
        await w.approve(plan)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        w.clock.jump(-DAY)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_an_approval_outlives_a_small_correction(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.clock.jump(-60)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED


async def reminders(w: World) -> int:
    await tick(w.engine)
    return sum(entry.action == "suspension.remind" for entry in await w.audit())


@pytest.mark.parametrize("jump", [-2 * HOUR, -2 * DAY, -365 * DAY])
async def test_reminders_go_on_after_the_clock_was_set_back(tmp_path: Path, jump: float) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(suspension_reminder=timedelta(hours=1))) as w:
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.SOURCE, SOURCE, "campaign")
        w.clock.jump(jump)
        assert await reminders(w) == 1
        assert await reminders(w) == 1
        w.clock.advance(HOUR)
        assert await reminders(w) == 2


async def test_a_suspension_stands_for_as_long_as_was_said_or_longer_after_a_jump_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        until = w.clock.now() + timedelta(hours=1)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.SOURCE, SOURCE, "campaign", until)
        w.clock.jump(-HOUR)
        w.clock.advance(HOUR)
        await tick(w.engine)
        async with w.store.read() as uow:
            assert len(await uow.suspensions.active()) == 1
        w.clock.advance(HOUR)
        await tick(w.engine)
        async with w.store.read() as uow:
            assert await uow.suspensions.active() == []


async def test_automatic_applies_go_on_after_the_clock_was_set_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, AGREE) as w:
        w.clock.jump(DAY)
        await w.switch(Policy(auto_apply=AutoApply.FULL))
        await w.refresh()
        w.clock.jump(-DAY)
        await tick(w.engine)
        await w.refresh()
        w.commit(FILES)
        await w.refresh()
        assert [write.chatbot_id for write in w.writer.writes] == [BOT]


async def test_a_sync_of_a_future_that_never_came_is_none_since_the_switch_was_set(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, AGREE) as w:
        w.clock.jump(DAY)
        await w.refresh()
        w.commit(FILES)
        await w.refresh(full=False)
        w.clock.jump(-DAY)
        await w.switch(Policy(auto_apply=AutoApply.FULL))
        await tick(w.engine)
        w.clock.advance(2 * DAY)
        await w.refresh()
        assert w.writer.writes == []
        assert (await w.chatbot()).sync is Sync.OUT_OF_SYNC


async def test_history_is_not_thrown_away_by_a_clock_that_was_set_forward(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, AGREE) as w:
        watch = ClockWatch(w.clock)
        keeper = RetentionKeeper(w.engine, retention_rules(), may_remove=watch.may_remove)
        w.edit_live(core=spec(prompt="rude")["core"])
        await w.refresh()
        w.edit_live(core=spec(prompt="old")["core"])
        await w.refresh()
        before = await w.store.queries.transitions_of(TENANT, BOT, limit=100)
        assert before
        w.clock.jump(365 * DAY)
        await keeper.tick()
        w.clock.jump(-365 * DAY)
        w.clock.advance(HOUR)
        await keeper.tick()
        assert await w.store.queries.transitions_of(TENANT, BOT, limit=100) == before


async def test_a_start_with_the_clock_set_back_looks_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.clock.jump(-2 * DAY)
        await start_up(w.engine, only_process=True)
        await w.idle()
        assert sum(run.trigger is Trigger.STARTUP for run in await runs(w)) == 2
        assert await ticks_until(w, 1, 2 * INTERVAL) == INTERVAL
