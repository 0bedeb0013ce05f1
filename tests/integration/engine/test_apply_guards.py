"""Each guard of an apply by itself, where another one behind it would have hidden that it is gone.

The second attempt, the lease that is lost at the worst moment, the look at git that began too early, the second clock.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.apply_answers import NotSent
from reconciler.domain.entities import Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.apply.preflight import SharedFetch
from reconciler.engine.apply.request import request_apply
from reconciler.engine.decide.decisions import reject, revoke
from reconciler.engine.decide.suspension import suspend
from reconciler.errors import Conflict
from reconciler.ports import JobKind
from reconciler.storage import Store, UnitOfWork
from tests.fakes.source import FakeSource
from tests.fakes.target import Effect
from tests.support.meanwhile import BusyTarget, BusyWriter, Meanwhile
from tests.support.waiting import PATIENCE
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {BOT: spec(skills=SKILLS)}
FILES = {path_of(): document(spec(skills=[{"name": "a", "body": "two"}, SKILLS[1]]))}

Decide = Callable[[World, Plan], Awaitable[object]]


async def approved(w: World) -> str:
    plan = await w.open_plan()
    await w.approve(plan)
    return plan.id


async def queued(w: World) -> str:
    """An apply that is asked for and done by nobody: the test runs it itself."""
    w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.APPLY: lambda _: asyncio.sleep(0)}
    plan = await w.plan(await approved(w))
    apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
    await w.idle()
    return apply.id


def during_the_dry_run(w: World, meanwhile: Meanwhile) -> None:
    target = BusyTarget(w.target, meanwhile)
    w.engine = replace(w.engine, tenants={TENANT: replace(w.engine.tenants[TENANT], target=target)})
    w.applier.engine = w.engine


async def take_over(w: World) -> None:
    """What another process does once the lease of this one ran out."""
    async with w.store.begin() as uow:
        await uow.leases.void_all()
        assert await uow.leases.take(TENANT, BOT, "process_2", timedelta(minutes=1)) is not None


async def reject_it(w: World, plan: Plan) -> object:
    return await reject(w.engine, await w.person(), plan.id, plan.fingerprint)


async def revoke_it(w: World, plan: Plan) -> object:
    return await revoke(w.engine, await w.person(), plan.id)


async def test_a_suspension_between_two_attempts_stops_the_second(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(NotSent("refused"))
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.clock.until_asleep(2)  # the heartbeat of the lease, and the wait before the second attempt
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "wrong prices")
        w.clock.advance(1)
        await w.idle()
        ended = await w.apply_of(apply.id)
        assert ended.status is ApplyStatus.FAILED
        assert ended.message is not None
        assert "wrong prices" in ended.message
        assert w.writer.writes == []


async def test_an_approval_that_falls_between_two_attempts_stops_the_second(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(NotSent("refused"))
        apply = await request_apply(w.engine, await w.person("bob"), plan.id, plan.fingerprint)
        await w.clock.until_asleep(2)
        async with w.store.begin() as uow:
            token = await uow.tokens.get((await w.person("ann")).token_id or "")
            assert token is not None
            await uow.tokens.save(replace(token, role=Role.VIEWER))
        w.clock.advance(1)
        await w.idle()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.FAILED
        assert w.writer.writes == []


class HeldSource(FakeSource):
    """Answers what it saw when it was asked, but only once it is let go."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(files)
        self.asked, self.released = asyncio.Event(), asyncio.Event()
        self.released.set()

    async def head(self) -> str:
        seen = await super().head()
        self.asked.set()
        await self.released.wait()
        return seen


async def test_an_apply_does_not_join_a_look_at_git_that_began_before_it_was_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        source = HeldSource(w.source.files)
        binding = replace(w.engine.sources[SOURCE], port=source)
        looks = SharedFetch(replace(w.engine, sources={SOURCE: binding}))
        source.asked.clear()
        source.released.clear()
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            first = tasks.create_task(looks.document(binding, BOT))
            await source.asked.wait()
            source.amend({path_of(): document(spec(prompt="pushed meanwhile"))})
            second = tasks.create_task(looks.document(binding, BOT))
            await asyncio.sleep(0)  # the second asks while the first is under way
            source.released.set()
        before, after = first.result(), second.result()
        assert before is not None
        assert after is not None
        assert before.digest != after.digest


async def test_an_intent_under_a_lost_lease_is_not_written(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        apply_id = await queued(w)
        during_the_dry_run(w, lambda: take_over(w))
        await w.applier.run(apply_id)
        assert (await w.apply_of(apply_id)).status is ApplyStatus.QUEUED
        assert await w.spent() == 0
        assert w.writer.writes == []


@dataclass
class StallingStore:
    """Stands still for a while after one of the transactions to come."""

    store: Store
    stall: Callable[[], None]
    transactions_left: int | None = None

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[UnitOfWork]:
        async with self.store.begin() as uow:
            yield uow
        if self.transactions_left is not None:
            self.transactions_left -= 1
            if self.transactions_left == 0:
                self.stall()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


async def test_a_request_whose_deadline_could_outlast_the_lease_is_not_sent(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        apply_id = await queued(w)
        store = StallingStore(w.store, lambda: w.clock.advance(6))  # 15 s of lease, 10 s of request: 5 s to spare

        async def stall_after_the_window_opened() -> None:
            store.transactions_left = 2  # the intent, then the window

        during_the_dry_run(w, stall_after_the_window_opened)
        w.applier.engine = replace(w.engine, store=store)
        await w.applier.run(apply_id)
        assert w.writer.writes == []
        assert (await w.apply_of(apply_id)).status is ApplyStatus.APPLYING
        w.clock.advance(20)
        await w.recoverer.run()  # first seen: it has the whole settle time
        w.clock.advance(20)
        await w.recoverer.run()
        assert (await w.apply_of(apply_id)).status is ApplyStatus.FAILED


async def test_the_revision_at_which_both_sides_agreed_is_written_down(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert (await w.chatbot()).synced_revision is None
        await w.apply(await w.plan(await approved(w)))
        agreed = w.source.tip
        assert (await w.chatbot()).synced_revision == agreed
        w.commit({path_of(): document(spec("Other"))})
        await w.refresh()
        assert (await w.chatbot()).synced_revision == agreed
        w.commit({path_of(): FILES[path_of()]})
        await w.refresh()
        assert (await w.chatbot()).synced_revision == w.source.tip


async def test_a_live_edit_beside_the_plan_keeps_an_applied_chatbot_out_of_sync(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))

        async def somebody_edits() -> None:
            w.edit_live(skills=[{"name": "a", "body": "two"}, {"name": "b", "body": "edited"}])

        w.applier.writers = {TENANT: BusyWriter(w.writer, after=somebody_edits)}
        apply = await w.apply(plan)
        chatbot = await w.chatbot()
        assert apply.status is ApplyStatus.APPLIED
        assert (chatbot.sync, chatbot.synced_at) == (Sync.OUT_OF_SYNC, None)
        assert [op.place.key for op in (await w.open_plan()).bare_ops if not op.is_noop] == ["b"]


async def test_the_end_of_an_apply_under_a_lost_lease_is_not_written(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.applier.writers = {TENANT: BusyWriter(w.writer, before=lambda: take_over(w))}
        apply = await w.apply(plan)
        assert len(w.writer.writes) == 1
        assert apply.status is ApplyStatus.APPLYING
        assert (await w.plan(plan.id)).status is PlanStatus.APPLYING


async def test_settling_counts_from_the_last_attempt_by_both_clocks(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(NotSent("refused"))
        w.writer.lose_answer(Effect.LATE)

        async def the_recovery_passes() -> None:
            w.clock.advance(4)
            await w.recoverer.run()

        w.applier.writers = {TENANT: BusyWriter(w.writer, before=the_recovery_passes)}
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.clock.until_asleep(2)
        w.clock.advance(1)
        await w.idle()
        w.clock.jump(3600)  # the database's clock says that it is long settled
        w.clock.advance(12)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(3)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.FAILED


@pytest.mark.parametrize("decide", [reject_it, revoke_it])
async def test_a_plan_whose_apply_is_queued_is_decided_no_more(tmp_path: Path, decide: Decide) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        apply = await w.apply_of(await queued(w))
        plan = await w.plan(apply.plan_id)
        with pytest.raises(Conflict) as refused:
            await decide(w, plan)
        assert refused.value.code == "apply_in_progress"
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
