"""Rule 1 in time: how many people, for how long, and what becomes of a plan whose approval falls."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Person, Role
from reconciler.domain.grants import Grant, Grants
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy
from reconciler.domain.status import Reason
from reconciler.engine.access.tokens import create_token, revoke_token
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM, Actor
from reconciler.engine.decide.decisions import Overrides, approve
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict
from reconciler.ports import JobKind
from tests.fakes.clock import START
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {BOT: spec(prompt="old", skills=SKILLS)}
FILES = {path_of(): document(spec(skills=SKILLS))}
DELETING = {path_of(): document(spec(skills=SKILLS[:1]))}
SHORT = Policy(approval_ttl=timedelta(hours=1))


async def told(w: World, action: str) -> int:
    return sum(entry.action == action for entry in await w.audit())


async def test_deletes_may_need_more_people(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, DELETING, policy=Policy(approvals=1, delete_approvals=2)) as w:
        plan = await w.open_plan()
        assert plan.approvals_required == 2
        assert (await w.approve(plan, "ann")).plan.status is PlanStatus.PENDING
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED


async def test_what_deletes_nothing_needs_the_usual_number(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=1, delete_approvals=2)) as w:
        plan = await w.open_plan()
        assert plan.approvals_required == 1
        assert (await w.approve(plan)).plan.status is PlanStatus.APPROVED


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("ann@example.com", "Ann@Example.com"),
        ("ann", " ann "),
        ("ann", "an\u200bn"),
        ("ann", "ann\ufe0f"),
        ("ann", "ann\u034f"),
        ("ann", "an\u17b5n"),
        ("ann", "ann\u2800"),
        ("Jos\u00e9", "jose\u0301"),
        ("ann", "\uff41\uff4e\uff4e"),
    ],
)
async def test_one_person_counts_once_however_the_name_is_written(tmp_path: Path, one: str, same: str) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        plan = await w.open_plan()
        for token, person in (("laptop", one), ("phone", same)):
            # of a token as older programs made them
            new = await create_token(w.engine, PROGRAM, token, Role.APPROVER)
            decision = await approve(w.engine, Actor(person, Role.APPROVER, new.token.id), plan.id, plan.fingerprint)
            assert decision.plan.status is PlanStatus.PENDING
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED


async def test_one_person_counts_once_whatever_tokens_they_hold(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        plan = await w.open_plan()
        for name in ("laptop", "phone"):
            new = await create_token(w.engine, PROGRAM, name, Role.APPROVER, person="ann")
            ann = Actor("ann", Role.APPROVER, new.token.id)
            decision = await approve(w.engine, ann, plan.id, plan.fingerprint)
            assert decision.plan.status is PlanStatus.PENDING
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED


async def test_an_approval_that_ran_out_falls_at_the_tick(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=SHORT) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.clock.advance(3599)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        w.clock.advance(1)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert (await w.chatbot()).reason is Reason.AWAITING_APPROVAL
        await tick(w.engine)
        assert await told(w, "approval.expire") == 1


async def test_an_approval_that_ran_out_is_met_by_whoever_asks_for_the_apply(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=SHORT) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.clock.advance(3600)
        with pytest.raises(Conflict) as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "plan_not_approved"
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert await told(w, "approval.expire") == 1
        assert (await w.approve(plan)).plan.status is PlanStatus.APPROVED
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_an_approval_that_ran_out_after_the_request_is_met_at_the_re_check(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=SHORT) as w:
        plan = await w.open_plan()
        await w.approve(plan)

        async def hold(_: str) -> None:
            return

        usual = w.dispatcher.handlers
        w.dispatcher.handlers = {**usual, JobKind.APPLY: hold}
        queued = await w.apply(plan)
        w.dispatcher.handlers = usual
        w.clock.advance(3600)
        await w.recoverer.run()
        await w.idle()
        apply = await w.apply_of(queued.id)
        assert apply.status is ApplyStatus.FAILED
        assert apply.message is not None
        assert apply.message.endswith("ann: expired.")
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert (w.writer.writes, await told(w, "approval.expire")) == ([], 1)


async def test_a_plan_whose_approvals_fall_while_its_apply_is_queued_can_be_approved_again(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=SHORT.model_copy(update={"approvals": 2})) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ann")
        await w.approve(plan, "bob")

        async def hold(_: str) -> None:
            return

        usual = w.dispatcher.handlers
        w.dispatcher.handlers = {**usual, JobKind.APPLY: hold}
        await w.apply(plan)
        w.dispatcher.handlers = usual
        w.clock.advance(3600)
        await w.approve(plan, "cat")
        await w.recoverer.run()
        await w.idle()
        fallen = await w.plan(plan.id)
        assert (fallen.status, fallen.apply_id) == (PlanStatus.PENDING, None)
        assert (await w.approve(plan, "ann")).plan.status is PlanStatus.APPROVED
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_two_approvals_of_which_one_ran_out_are_one(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=SHORT.model_copy(update={"approvals": 2})) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ann")
        w.clock.advance(3000)
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED
        w.clock.advance(600)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        ends = [entry for entry in await w.audit() if entry.action == "approval.expire"]
        assert [(entry.detail["actor"], entry.fingerprint) for entry in ends] == [("ann", plan.fingerprint)]
        assert (await w.approve(plan, "cat")).plan.status is PlanStatus.APPROVED


async def test_a_revoked_token_takes_its_plans_back_at_once_and_no_others(tmp_path: Path) -> None:
    live = {"bot_1": spec(prompt="old"), "bot_2": spec(prompt="old"), "bot_3": spec(prompt="old")}
    files = {path_of(key): document(spec(), key) for key in live}
    async with world(tmp_path, live, files) as w:
        plans = [await w.open_plan(key) for key in live]
        await w.approve(plans[0], "ann")
        await w.approve(plans[1], "bob")
        await w.approve(plans[2], "ann")
        await w.approve(plans[2], "bob")
        await revoke_token(w.engine, PROGRAM, "ann")
        assert [(await w.plan(plan.id)).status for plan in plans] == [
            PlanStatus.PENDING,
            PlanStatus.APPROVED,
            PlanStatus.APPROVED,
        ]


async def test_a_token_that_ran_out_takes_its_plans_back_at_the_tick(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        until = START + timedelta(hours=1)
        new = await create_token(w.engine, PROGRAM, "temp", Role.APPROVER, expires_at=until)
        await approve(w.engine, Actor("temp", Role.APPROVER, new.token.id), plan.id, plan.fingerprint)
        w.clock.advance(3600)
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING


@pytest.mark.parametrize("how", ["barred", "group", "grant"])
async def test_the_approval_of_a_login_falls_with_what_the_person_may(tmp_path: Path, how: str) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.engine = replace(w.engine, grants=Grants((Grant("editors", Role.APPROVER),)))
        ann = Person(name="ann", issuer="https://id", subject="1", groups=("editors",), seen_at=START)
        async with w.store.begin() as uow:
            await uow.people.add(ann)
        plan = await w.open_plan()
        actor = Actor("ann", Role.APPROVER)
        assert (await approve(w.engine, actor, plan.id, plan.fingerprint)).plan.status is PlanStatus.APPROVED
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        changed = {"barred": {"barred_at": START}, "group": {"groups": ("guests",)}, "grant": {}}[how]
        async with w.store.begin() as uow:
            await uow.people.save(replace(ann, **changed))
        if how == "grant":
            w.engine = replace(w.engine, grants=Grants((Grant("editors", Role.VIEWER),)))
        await tick(w.engine)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING


async def test_an_approval_without_the_override_that_became_needed_can_be_given_anew(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, DELETING) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        await w.switch(Policy(max_deletes=0))
        await tick(w.engine)
        shown = await w.plan(plan.id)
        assert (shown.status, shown.reason) == (PlanStatus.PENDING, Reason.BLOCKED_BY_DELETE_GATE)
        with pytest.raises(Conflict, match=r"policy.max_deletes = 0"):
            await w.approve(plan)
        again = await w.approve(plan, overrides=Overrides(deletes=True, reason="moved"))
        assert again.plan.status is PlanStatus.APPROVED
        [said] = [entry.detail["because"] for entry in await w.audit() if entry.action == "plan.approve"][1:]
        assert said == "it deletes 1 item, more than policy.max_deletes = 0"
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_an_approval_falls_when_its_token_is_narrowed_to_other_sources(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ann")
        async with w.store.begin() as uow:
            token = await uow.tokens.get((await w.person("ann")).token_id or "")
            assert token is not None
            await uow.tokens.save(replace(token, sources=("other",)))
        with pytest.raises(Conflict) as refused:
            await w.apply(plan, who="bob")
        assert refused.value.code == "plan_not_approved"
        assert w.writer.writes == []
