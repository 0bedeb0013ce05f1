"""What happens in between: pushes, claims, clocks and looks that meet an apply or a sweep half way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.apply_answers import NotSent
from reconciler.domain.entities import Trigger
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy
from reconciler.domain.status import Reason, Sync
from reconciler.engine.access.tokens import create_token, revoke_token
from reconciler.engine.apply.recovery import Recovery
from reconciler.engine.apply.request import request_apply
from reconciler.engine.conflicts import ATTEMPTS
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.decide.decisions import approve
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import Conflict
from reconciler.ports import JobKind
from reconciler.storage import Store, UnitOfWork
from tests.fakes.source import FakeSource
from tests.fakes.target import Effect
from tests.support.meanwhile import BusyTarget, BusyWriter, Meanwhile
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, push, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old", skills=[{"name": "a", "body": "one"}])}
FILES = {path_of(): document(spec(skills=[{"name": "a", "body": "two"}]))}
FOUR = {f"bot_{n}": spec() for n in range(2, 5)}
FOUR_FILES = {path_of(key): document(value, key) for key, value in FOUR.items()}


async def run_now(w: World, engine: Engine, source: str) -> None:
    """Do a run here, and not as a job."""
    w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.REFRESH: lambda _: asyncio.sleep(0)}
    await request_refresh(engine, PROGRAM, source, Trigger.MANUAL, full=True)
    await run_refresh(engine, source)


def while_sending(w: World, meanwhile: Meanwhile) -> None:
    w.applier.writers = {TENANT: BusyWriter(w.writer, meanwhile)}


async def test_rule_3_a_document_that_no_longer_prunes_makes_a_plan_with_deletes_stale(tmp_path: Path) -> None:
    live = {BOT: spec(skills=[{"name": "a", "body": "one"}, {"name": "b", "body": "two"}])}
    wanted = spec(skills=[{"name": "a", "body": "one"}])
    async with world(tmp_path, live, {path_of(): document(wanted)}) as w:
        plan = await w.open_plan()
        assert plan.prune
        await w.approve(plan)
        w.commit({path_of(): document(wanted, prune=False)})
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.STALE
        assert apply.message
        assert (await w.plan(plan.id)).message == apply.message
        assert w.writer.writes == []


async def test_rule_4_an_apply_under_way_is_not_taken_over_by_the_recovery_of_its_own_process(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        while_sending(w, w.recoverer.run)
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.APPLIED
        assert "apply.outcomeunknown" not in [entry.action for entry in await w.audit()]
        assert len(w.writer.writes) == 1


async def test_rule_1_an_approval_that_fell_with_its_token_can_be_given_again_with_a_new_one(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        await revoke_token(w.engine, PROGRAM, "ann")
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        new = await create_token(w.engine, PROGRAM, "ann", Role.APPROVER)
        ann = Actor("ann", Role.APPROVER, new.token.id)
        decision = await approve(w.engine, ann, plan.id, plan.fingerprint)
        assert decision.plan.status is PlanStatus.APPROVED
        apply = await w.apply(decision.plan, who="bob")
        assert apply.status is ApplyStatus.APPLIED


async def test_rule_1_a_fallen_approval_does_not_count_towards_the_approvals_that_a_plan_needs(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        await revoke_token(w.engine, PROGRAM, "ann")
        decision = await w.approve(plan, who="bob")
        assert decision.plan.status is PlanStatus.PENDING


async def test_rule_5_a_document_removed_during_its_apply_leaves_an_orphan(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, **FOUR}, {**FILES, **FOUR_FILES}) as w:
        plan = await w.open_plan()
        await w.approve(plan)

        async def remove() -> None:
            w.commit({path_of(): None})
            await run_now(w, w.engine, SOURCE)

        while_sending(w, remove)
        await w.apply(plan)
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.reason) == (Sync.UNKNOWN, Reason.ORPHANED)


async def test_rule_4_a_request_that_was_sent_again_has_the_whole_settle_time(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.writer.answer(NotSent("refused"))
        w.writer.lose_answer(Effect.LATE)

        async def time_passes() -> None:
            w.clock.advance(8)
            await w.recoverer.run()

        while_sending(w, time_passes)
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.clock.until_asleep(2)  # the heartbeat and the backoff
        w.clock.advance(1)
        await w.idle()
        w.clock.advance(6)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.writer.let_writes_go()
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.APPLIED


async def test_rule_4_an_apply_that_another_look_has_settled_meanwhile_is_left_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = {**LIVE, "bot_2": spec(prompt="old")}
    async with world(tmp_path, live, {**FILES, path_of("bot_2"): document(spec(), "bot_2")}) as w:
        plans = [await w.open_plan(), await w.open_plan("bot_2")]
        for plan in plans:
            await w.approve(plan)
            w.writer.lose_answer(Effect.LATE)
            await w.apply(plan)
        w.writer.let_writes_go()
        binding = w.engine.tenants[TENANT]
        busy = replace(binding, target=BusyTarget(w.target, w.recoverer.run))
        await Recovery(replace(w.engine, tenants={TENANT: busy}), w.applier).run()
        assert {(await w.plan(plan.id)).status for plan in plans} == {PlanStatus.APPLIED}
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_rule_5_a_dry_run_of_a_document_that_lost_its_chatbot_leaves_no_plan(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {"chatbots/else.json": document(spec(), "bot_9")}) as w:

        async def take() -> None:  # as another process that serves this database, and read another source
            async with w.store.begin() as uow:
                chatbot = await uow.chatbots.get(TENANT, BOT)
                assert chatbot is not None
                await uow.chatbots.save(replace(chatbot, source="more"))

        w.commit({path_of(): document(spec(), BOT)})
        tenant = replace(w.engine.tenants[TENANT], target=BusyTarget(w.target, take))
        await run_now(w, replace(w.engine, tenants={TENANT: tenant}), SOURCE)
        chatbot = await w.chatbot()
        assert (chatbot.source, chatbot.plan_id) == ("more", None)


@dataclass
class BusyStore:
    """Somebody else is faster, whenever a source's documents are first written down, as often as said."""

    store: Store
    source: str
    times: int

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self.store.begin() as uow:
            before = await uow.documents.of_source(self.source)
            yield uow
            if self.times and before != await uow.documents.of_source(self.source):
                self.times -= 1
                raise Conflict("concurrent_change", "somebody else was faster")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize(("times", "ends"), [(0, "Succeeded"), (ATTEMPTS - 1, "Succeeded"), (ATTEMPTS, "Failed")])
async def test_rule_5_what_a_look_found_is_written_down_again_when_somebody_was_faster(
    tmp_path: Path, times: int, ends: str
) -> None:
    other = FakeSource({"chatbots/else.json": document(spec(), "bot_9")})
    async with world(tmp_path, {**LIVE, "bot_9": spec()}, FILES, more_sources={"more": other}) as w:
        push(other, {"chatbots/second.json": document(spec(), "bot_8")})
        busy = replace(w.engine, store=BusyStore(w.store, "more", times))
        with nullcontext() if ends == "Succeeded" else pytest.raises(Conflict):
            await run_now(w, busy, "more")
        run = await w.run((await w.source_record("more")).last_run_id or "")
        async with w.store.read() as uow:
            adopted = await uow.documents.get("more", "bot_8")
        assert (run.status, adopted is not None) == (ends, ends == "Succeeded")


@dataclass
class ContestedStore:
    """Somebody else is faster, whenever a chatbot is given a plan."""

    store: Store
    chatbot_id: str

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self.store.begin() as uow:
            yield uow
            chatbot = await uow.chatbots.get(TENANT, self.chatbot_id)
            if chatbot is not None and chatbot.plan_id is not None:
                raise Conflict("concurrent_change", "somebody else was faster")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


async def test_rule_5_what_was_compared_beside_a_contested_chatbot_is_written_down(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, **FOUR}, {}) as w:
        changed = {path_of(key): document(spec(prompt="new"), key) for key in FOUR}
        w.commit(changed)
        await run_now(w, replace(w.engine, store=ContestedStore(w.store, "bot_3")), SOURCE)
        plans = {key: (await w.chatbot(key)).plan_id is not None for key in FOUR}
        assert plans == {"bot_2": True, "bot_3": False, "bot_4": True}
        run = await w.run((await w.source_record(SOURCE)).last_run_id or "")
        assert (run.status, run.counts.plans) == ("Succeeded", 2)


async def test_rule_5_a_live_value_that_is_no_text_makes_only_its_own_chatbot_unknown(tmp_path: Path) -> None:
    live = {BOT: spec(prompt="\ud83d broken"), "bot_2": spec(prompt="old")}
    files = {**FILES, path_of("bot_2"): document(spec(), "bot_2")}
    async with world(tmp_path, live, files) as w:
        assert (await w.chatbot()).sync is Sync.UNKNOWN
        assert (await w.chatbot("bot_2")).plan_id is not None
        run = await w.refresh()
        assert run.status == "Succeeded"


async def test_rule_4_one_apply_that_cannot_be_read_back_stops_no_other(tmp_path: Path) -> None:
    files = {**FILES, path_of("bot_2"): document(spec(), "bot_2")}
    async with world(tmp_path, {**LIVE, "bot_2": spec(prompt="old")}, files) as w:
        gone = await w.open_plan()
        other = await w.open_plan("bot_2")
        for plan in (gone, other):
            await w.approve(plan)
            w.writer.lose_answer(Effect.NONE)
            await w.apply(plan)
        async with w.store.begin() as uow:  # as after its tenant was taken out of the settings
            apply, chatbot = await uow.applies.get((await w.plan(gone.id)).apply_id or ""), await w.chatbot()
            assert apply is not None
            await uow.applies.save(replace(apply, tenant="left"))
            await uow.plans.save(replace(await w.plan(gone.id), tenant="left"))
            await uow.chatbots.add(replace(chatbot, tenant="left", version=0))
        w.clock.advance(20)
        await w.recoverer.run()
        assert (await w.plan(other.id)).status is PlanStatus.FAILED


async def test_rule_4_time_spent_in_the_queue_is_no_part_of_the_settle_time(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        handlers = w.dispatcher.handlers
        w.dispatcher.handlers = {**handlers, JobKind.APPLY: lambda _: asyncio.sleep(0)}
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.recoverer.run()
        await w.idle()
        w.clock.advance(60)
        w.writer.lose_answer(Effect.LATE)
        await w.applier.run(apply.id)
        w.clock.jump(3600)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
