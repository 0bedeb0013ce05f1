"""Rule 10: automatic is careful. What the policy applies, what it leaves to people, and when its yes falls."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.apply_answers import ApplyRefused
from reconciler.domain.entities import Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.decide.decisions import Overrides, reject, revoke, withdraw_rejection
from reconciler.engine.decide.suspension import resume, suspend
from reconciler.engine.reconcile.auto_apply import auto_apply
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import SourceCause
from reconciler.ports import JobKind
from tests.fakes.source import FakeSource
from tests.support.world import BOT, SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

FULL = Policy(auto_apply=AutoApply.FULL)
NO_DELETE = Policy(auto_apply=AutoApply.NO_DELETE)
ADDITIVE = Policy(auto_apply=AutoApply.ADDITIVE)
HEALING = FULL.model_copy(update={"self_heal": True})
SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {BOT: spec(skills=SKILLS)}
FILES = {path_of(): document(spec(skills=SKILLS))}


def document_with(**sections: Any) -> Mapping[str, str]:
    return {path_of(): document({**spec(skills=SKILLS), **sections})}


async def push(w: World, **sections: Any) -> None:
    w.commit(document_with(**sections))
    await w.refresh()


UPDATED = {"skills": [{"name": "a", "body": "two"}, SKILLS[1]]}
CREATED = {"skills": [*SKILLS, {"name": "c", "body": "new"}]}
DELETED = {"skills": SKILLS[:1]}


@pytest.mark.parametrize(
    ("policy", "change", "applied"),
    [
        (Policy(), CREATED, False),
        (ADDITIVE, CREATED, True),
        (ADDITIVE, UPDATED, False),
        (ADDITIVE, DELETED, False),
        (NO_DELETE, CREATED, True),
        (NO_DELETE, UPDATED, True),
        (NO_DELETE, DELETED, False),
        (FULL, CREATED, True),
        (FULL, UPDATED, True),
        (FULL, DELETED, True),
    ],
)
async def test_each_level_lets_pass_what_it_says(
    tmp_path: Path, policy: Policy, change: dict[str, Any], *, applied: bool
) -> None:
    async with world(tmp_path, LIVE, FILES, policy=policy) as w:
        await push(w, **change)
        assert len(w.writer.writes) == await w.spent() == int(applied)
        chatbot = await w.chatbot()
        assert chatbot.sync is (Sync.SYNCED if applied else Sync.OUT_OF_SYNC)


async def test_the_policys_yes_leaves_its_rows(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=NO_DELETE) as w:
        await push(w, **UPDATED)
        entries = [entry for entry in await w.audit() if entry.action.startswith(("plan.", "apply."))]
        assert [(entry.action, entry.actor) for entry in entries] == [
            ("plan.pending", "reconciler"),
            ("plan.approve", "policy:auto_apply"),
            ("plan.approved", "policy:auto_apply"),
            ("plan.apply", "policy:auto_apply"),
            ("plan.applying", "reconciler"),
            ("apply.intent", "reconciler"),
            ("plan.applied", "reconciler"),
            ("apply.applied", "reconciler"),
        ]
        assert entries[1].detail["rule"] == "auto_apply = no_delete"
        plan = await w.plan(entries[1].subject.removeprefix("plan/"))
        [approval] = await w.approvals(plan)
        assert (approval.automatic, approval.actor, approval.token_id) == (True, "policy:auto_apply", None)
        assert approval.expires_at is not None


async def test_what_a_level_leaves_to_people_is_said(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=NO_DELETE) as w:
        await push(w, **DELETED)
        plan = await w.open_plan()
        assert (plan.status, plan.reason) == (PlanStatus.PENDING, Reason.AWAITING_APPROVAL)
        assert plan.message.endswith("(auto_apply: it deletes 1 item)")
        assert (await w.chatbot()).message == plan.message
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_what_existed_before_it_was_switched_on_is_left_to_people(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}, policy=FULL) as w:
        plan = await w.open_plan()
        assert plan.direction is Direction.UNKNOWN
        w.commit({path_of(): document(spec(prompt="newest"))})
        await w.refresh()
        assert w.writer.writes == []


async def test_a_plan_from_before_the_switch_is_left_to_people_even_when_git_moved(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await push(w, **UPDATED)
        assert (await w.open_plan()).direction is Direction.GIT_AHEAD
        w.clock.advance(60)
        await w.switch(FULL)
        await auto_apply(w.engine, SOURCE)
        await w.idle()
        assert w.writer.writes == []
        assert "was not in sync since this was set" in (await w.open_plan()).message


async def test_every_other_value_of_the_setting_begins_anew_and_is_audited(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        for policy in (NO_DELETE, NO_DELETE, FULL, HEALING, Policy()):
            w.clock.advance(60)
            await w.switch(policy)
        told = [entry.detail for entry in await w.audit() if entry.action == "policy.switch"]
        assert [(each["from"], each["to"]) for each in told] == [
            ("none", "no_delete"),
            ("no_delete", "full"),
            ("full", "full self_heal"),
            ("full self_heal", "none"),
        ]


async def test_a_live_edit_is_left_alone_without_self_heal(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        w.edit_live(core=spec(prompt="edited")["core"])
        await w.refresh()
        plan = await w.open_plan()
        assert plan.direction is Direction.LIVE_AHEAD
        assert plan.message.endswith("(auto_apply: it undoes a live edit, and self_heal = false)")
        assert w.writer.writes == []


async def test_a_live_edit_is_undone_with_self_heal(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=HEALING) as w:
        w.edit_live(core=spec(prompt="edited")["core"])
        await w.refresh()
        assert len(w.writer.writes) == 1
        assert w.live().config["core"] == spec()["core"]


@pytest.mark.parametrize("policy", [FULL, HEALING])
async def test_when_both_sides_moved_people_decide(tmp_path: Path, policy: Policy) -> None:
    async with world(tmp_path, LIVE, FILES, policy=policy) as w:
        w.edit_live(core=spec(prompt="edited")["core"])
        await push(w, **UPDATED)
        plan = await w.open_plan()
        assert plan.direction is Direction.DIVERGED
        assert plan.message.endswith("(auto_apply: both sides moved)")
        assert w.writer.writes == []


async def test_never_beyond_the_delete_gate(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await push(w, skills=[])
        plan = await w.open_plan()
        assert plan.reason is Reason.BLOCKED_BY_DELETE_GATE
        assert w.writer.writes == []
        await w.approve(plan, overrides=Overrides(deletes=True, reason="no skills any more"))
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_never_what_is_protected(tmp_path: Path) -> None:
    policy = FULL.model_copy(update={"protected": (Protection("*", "skills", "a"),)})
    async with world(tmp_path, LIVE, FILES, policy=policy) as w:
        await push(w, **UPDATED)
        assert (await w.open_plan()).reason is Reason.PROTECTED
        assert w.writer.writes == []


async def test_never_without_a_write_key(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL, read_only=True) as w:
        await push(w, **UPDATED)
        plan = await w.open_plan()
        assert (plan.status, plan.reason) == (PlanStatus.PENDING, Reason.READ_ONLY)


async def test_never_while_the_source_cannot_be_read(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=HEALING) as w:
        w.edit_live(core=spec(prompt="edited")["core"])
        w.source.fail(SourceCause.UNREACHABLE)
        await w.refresh()
        assert (await w.open_plan()).status is PlanStatus.PENDING
        assert w.writer.writes == []
        w.source.recover()
        await w.refresh()
        assert len(w.writer.writes) == 1


async def test_a_suspension_holds_it_up_and_its_end_lets_it_go_on(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        operator = await w.person("olga", Role.OPERATOR)
        suspension = await suspend(w.engine, operator, ScopeKind.SOURCE, SOURCE, "campaign")
        await push(w, **UPDATED)
        plan = await w.open_plan()
        assert (plan.reason, plan.suspension_id) == (Reason.AWAITING_APPROVAL, suspension.id)
        assert w.writer.writes == []
        await resume(w.engine, operator, ScopeKind.SOURCE, SOURCE)
        await w.idle()
        assert len(w.writer.writes) == 1


async def test_a_suspension_that_ends_by_itself_lets_it_go_on(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        until = w.clock.now() + timedelta(hours=1)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "lunch", until)
        await push(w, **UPDATED)
        assert w.writer.writes == []
        w.clock.advance(3600)
        await tick(w.engine)
        await w.idle()
        assert len(w.writer.writes) == 1


async def test_never_again_on_a_fingerprint_whose_apply_did_not_end_applied(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        w.writer.answer(ApplyRefused("validation_error", "no"))
        await push(w, **UPDATED)
        plan = await w.open_plan()
        assert (plan.status, len(w.writer.writes)) == (PlanStatus.PENDING, 1)
        assert plan.message.endswith("(auto_apply: an apply of it did not end Applied)")
        for _ in range(3):
            await w.refresh()
        assert len(w.writer.writes) == 1
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_the_remainder_of_a_partial_apply_is_another_plan(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        w.writer.fail_at("skills", "b")
        await push(w, skills=[{"name": "a", "body": "two"}, {"name": "b", "body": "two"}])
        assert [len(write.body) > 0 for write in w.writer.writes] == [True, True]
        assert (await w.chatbot()).sync is Sync.SYNCED


async def test_never_again_on_what_a_person_rejected(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=NO_DELETE) as w:
        await push(w, **DELETED)
        plan = await w.open_plan()
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint)
        await push(w)
        assert (await w.chatbot()).sync is Sync.SYNCED
        await w.switch(FULL)
        await w.refresh()
        await push(w, **DELETED)
        again = await w.open_plan()
        assert again.fingerprint == plan.fingerprint
        assert w.writer.writes == []
        assert again.message.endswith("a person rejected it, or took an approval back)")


async def test_what_a_person_rejected_stays_with_people_also_after_the_rejection_was_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=NO_DELETE) as w:
        await push(w, **DELETED)
        plan = await w.open_plan()
        ann = await w.person()
        await reject(w.engine, ann, plan.id, plan.fingerprint)
        await w.switch(FULL)
        await push(w)
        await push(w, **DELETED)
        again = await w.open_plan()
        await reject(w.engine, ann, again.id, again.fingerprint)
        await withdraw_rejection(w.engine, ann, again.id, again.fingerprint)
        await w.refresh()
        assert (await w.open_plan()).message.endswith("a person rejected it, or took an approval back)")
        assert w.writer.writes == []


async def test_never_again_on_what_a_person_took_the_approval_back_of(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await push(w, **UPDATED)
        plan = await w.open_plan()
        await w.approve(plan)
        await revoke(w.engine, await w.person(), plan.id)
        await w.switch(FULL)
        await push(w)
        await push(w, **UPDATED)
        again = await w.open_plan()
        assert again.fingerprint == plan.fingerprint
        assert again.message.endswith("a person rejected it, or took an approval back)")
        assert w.writer.writes == []


async def queued_by_the_policy(w: World) -> Plan:
    """A plan whose automatic apply is queued and has not begun."""
    usual = w.dispatcher.handlers
    w.dispatcher.handlers = {**usual, JobKind.APPLY: nothing}
    await push(w, **UPDATED)
    w.dispatcher.handlers = usual
    plan = await w.open_plan()
    assert (plan.status, plan.apply_id is None) == (PlanStatus.APPROVED, False)
    return plan


async def nothing(_: str) -> None:
    return


async def begin_the_queued(w: World) -> None:
    await w.recoverer.run()
    await w.idle()


async def test_a_queued_apply_begins_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await queued_by_the_policy(w)
        await begin_the_queued(w)
        assert len(w.writer.writes) == 1


@pytest.mark.parametrize(
    "policy", [Policy(), ADDITIVE, HEALING, FULL.model_copy(update={"protected": (Protection("*", "*", "a"),)})]
)
async def test_the_policys_yes_falls_with_the_policy(tmp_path: Path, policy: Policy) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        plan = await queued_by_the_policy(w)
        w.clock.advance(60)
        await w.switch(policy)
        await begin_the_queued(w)
        assert w.writer.writes == []
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        for _ in range(2):
            await w.refresh()
        assert w.writer.writes == []


async def test_the_policys_yes_can_be_taken_back_by_a_person(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        plan = await queued_by_the_policy(w)
        operator = await w.person("olga", Role.OPERATOR)
        suspension = await suspend(w.engine, operator, ScopeKind.ALL, "", "look at it first")
        await begin_the_queued(w)
        plan = await w.plan(plan.id)
        assert (plan.status, plan.suspension_id) == (PlanStatus.PENDING, suspension.id)
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint)
        await resume(w.engine, operator, ScopeKind.ALL, "")
        await w.refresh()
        assert w.writer.writes == []


async def test_a_persons_yes_beside_the_policys_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL.model_copy(update={"approvals": 2})) as w:
        plan = await queued_by_the_policy(w)
        assert (await w.approve(plan)).plan.status is PlanStatus.APPROVED
        await begin_the_queued(w)
        assert (await w.plan(plan.id)).status is PlanStatus.APPLIED
        assert len(w.writer.writes) == 1


async def test_an_apply_that_fell_short_is_left_to_people_however_it_did(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        plan = await queued_by_the_policy(w)
        w.source.fail(SourceCause.UNREACHABLE)
        await begin_the_queued(w)
        w.source.recover()
        await w.refresh()
        again = await w.open_plan()
        assert (again.id, again.status) == (plan.id, PlanStatus.PENDING)
        assert again.message.endswith("(auto_apply: an apply of it did not end Applied)")
        assert w.writer.writes == []


async def test_a_person_more_is_no_person_fewer(tmp_path: Path) -> None:
    """The policy's yes stands for all people that are needed, but only where the policy applies by itself."""
    async with world(tmp_path, LIVE, FILES, policy=NO_DELETE.model_copy(update={"approvals": 2})) as w:
        await push(w, **UPDATED)
        assert len(w.writer.writes) == 1
        await push(w, skills=UPDATED["skills"][:1])
        plan = await w.open_plan()
        assert (await w.approve(plan)).plan.status is PlanStatus.PENDING
        assert (await w.approve(plan, "bob")).plan.status is PlanStatus.APPROVED


async def test_a_chatbot_that_moves_to_another_source_is_left_to_people_until_it_is_in_sync(tmp_path: Path) -> None:
    other = FakeSource({})
    async with world(tmp_path, LIVE, FILES, policy=FULL, more_sources={"other": other}) as w:
        w.commit({path_of(): None, "README.md": "moved", path_of("bot_2"): document(spec(), "bot_2")})
        other.commit({path_of(): document(spec(skills=UPDATED["skills"]))})
        await w.refresh()
        head = w.source.tip
        if (await w.source_record()).good_revision != head:
            await accept_revision(w.engine, await w.person(), SOURCE, head, "moved")
            await w.idle()
        await w.refresh(source="other")
        assert (await w.chatbot()).source == "other"
        assert w.writer.writes == []
