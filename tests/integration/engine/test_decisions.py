"""Rule 1 (who may say yes to what), rule 6 (deletes), rule 8 (every decision leaves a row)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.audit import verify
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy
from reconciler.domain.status import Reason
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.apply.request import request_apply
from reconciler.engine.decide.decisions import Item, Overrides, approve, decide_all, reject, revoke, withdraw_rejection
from reconciler.engine.decide.suspension import resume, suspend
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict, Forbidden, NotFound, TargetUnreachable
from tests.fakes.source import FakeSource
from tests.support.world import BOT, SOURCE, TENANT, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old")}
FILES = {path_of(): document(spec())}


async def test_another_fingerprint_than_the_one_seen_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        for decision in (approve, reject, withdraw_rejection, request_apply):
            with pytest.raises(Conflict) as refused:
                await decision(w.engine, await w.person(), plan.id, "0" * 64)
            assert refused.value.code == "fingerprint_mismatch"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_lesser_roles_decide_nothing(tmp_path: Path, role: Role) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        person = await w.person("eve", role)
        for decision in (approve, reject, withdraw_rejection, request_apply):
            with pytest.raises(Forbidden):
                await decision(w.engine, person, plan.id, plan.fingerprint)


async def test_a_person_for_other_sources_does_not_even_see_the_plan(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        person = await w.person("eve", Role.APPROVER, sources=["other"])
        with pytest.raises(NotFound):
            await approve(w.engine, person, plan.id, plan.fingerprint)


async def test_one_person_counts_once(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        plan = await w.open_plan()
        for _ in range(2):
            assert (await w.approve(plan, "ann")).plan.status is PlanStatus.PENDING
        decision = await w.approve(plan, "bob", apply=True)
        assert decision.plan.status is PlanStatus.APPROVED
        assert len(decision.approvals) == 2
        await w.idle()
        assert decision.apply is not None
        assert (await w.apply_of(decision.apply.id)).status is ApplyStatus.APPLIED


async def test_an_approval_can_be_taken_back_before_the_apply(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        assert (await revoke(w.engine, await w.person(), plan.id)).plan.status is PlanStatus.PENDING
        assert (await w.approve(plan)).plan.status is PlanStatus.APPROVED


async def test_the_same_decision_again_answers_with_what_stands(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        await w.apply(plan)
        assert (await w.approve(plan)).plan.status is PlanStatus.APPLIED
        with pytest.raises(Conflict) as refused:
            await w.approve(plan, "bob")
        assert refused.value.code == "plan_closed"


async def test_rule_6_deletes_beyond_the_limit_need_an_override_with_a_reason(tmp_path: Path) -> None:
    live = {BOT: spec(domains=[{"domain": f"d{n}.example"} for n in range(4)])}
    async with world(tmp_path, live, {path_of(): document(spec(domains=[{"domain": "d0.example"}]))}) as w:
        plan = await w.open_plan()
        assert plan.reason is Reason.BLOCKED_BY_DELETE_GATE
        with pytest.raises(Conflict, match=r"deletes 3 items, more than policy.max_deletes = 2") as refused:
            await w.approve(plan)
        assert refused.value.code == "delete_override_required"
        decision = await w.approve(plan, overrides=Overrides(deletes=True, reason="old brands"))
        assert decision.plan.status is PlanStatus.APPROVED
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED
        assert [item["domain"] for item in w.live().config["domains"]] == ["d0.example"]


async def test_many_at_once_each_with_its_own_result(tmp_path: Path) -> None:
    live = {f"bot_{n}": spec(prompt="old") for n in range(3)}
    files = {path_of(key): document(spec(), key) for key in live}
    async with world(tmp_path, live, files) as w:
        plans = [await w.open_plan(key) for key in live]
        items = [Item(plan.id, plan.fingerprint) for plan in plans[:2]] + [Item(plans[2].id, "f" * 64)]
        results = await decide_all(w.engine, await w.person(), approving=True, items=items, apply=True)
        await w.idle()
        assert [result.error is None for result in results] == [True, True, False]
        assert len(w.writer.writes) == await w.spent() == 2
        assert [result.item for result in results] == items
        refusals = [entry for entry in await w.audit() if entry.action == "plan.approve.refused"]
        assert [(entry.subject, entry.fingerprint) for entry in refusals] == [(f"plan/{plans[2].id}", "f" * 64)]


async def test_many_are_rejected_at_once_and_again_with_the_same_answer(tmp_path: Path) -> None:
    live = {f"bot_{n}": spec(prompt="old") for n in range(3)}
    files = {path_of(key): document(spec(), key) for key in live}
    async with world(tmp_path, live, files, policy=Policy(approvals=2)) as w:
        plans = [await w.open_plan(key) for key in live]
        await w.approve(plans[0], "ben")
        items = [Item(plan.id, plan.fingerprint) for plan in plans[:2]] + [Item(plans[2].id, "f" * 64)]
        for _ in range(2):
            results = await decide_all(w.engine, await w.person(), approving=False, items=items, comment="no")
            assert [(result.item, result.error is None) for result in results] == list(
                zip(items, [True, True, False], strict=True)
            )
            decisions = [result.decision for result in results if result.decision is not None]
            assert [decision.plan.status for decision in decisions] == [PlanStatus.REJECTED] * 2
            assert [[each.actor for each in decision.approvals] for decision in decisions] == [["ben"], []]
        refusals = [entry for entry in await w.audit() if entry.action == "plan.reject.refused"]
        assert {entry.subject for entry in refusals} == {f"plan/{plans[2].id}"}


@pytest.mark.parametrize(
    ("kind", "subject"),
    [(ScopeKind.CHATBOT, BOT), (ScopeKind.SOURCE, SOURCE), (ScopeKind.TENANT, TENANT), (ScopeKind.ALL, "")],
)
async def test_a_suspension_stops_applies_and_lets_dry_runs_go_on(
    tmp_path: Path, kind: ScopeKind, subject: str
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        operator = await w.person("olga", Role.OPERATOR)
        suspension = await suspend(w.engine, operator, kind, subject, "campaign")
        for shown in (await w.chatbot(), await w.plan(plan.id)):
            assert (shown.reason, shown.suspension_id) == (Reason.APPROVED, suspension.id)
        with pytest.raises(Conflict) as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "suspended"
        assert (await w.refresh()).counts.dry_runs == 1
        await resume(w.engine, operator, kind, subject)
        for shown in (await w.chatbot(), await w.plan(plan.id)):
            assert (shown.reason, shown.suspension_id) == (Reason.APPROVED, None)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_a_queued_apply_meets_a_suspension(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "stop")
        await w.idle()
        ended = await w.apply_of(apply.id)
        assert ended.status in {ApplyStatus.FAILED, ApplyStatus.APPLIED}
        assert len(w.writer.writes) == await w.spent()


async def test_a_suspension_ends_by_itself(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        until = w.clock.now() + timedelta(hours=1)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "lunch", until)
        w.clock.advance(3600)
        await tick(w.engine)
        await w.idle()
        assert (await w.chatbot()).reason is Reason.AWAITING_APPROVAL
        assert any(entry.action == "resume" and entry.actor == "reconciler" for entry in await w.audit())


async def test_an_unknown_subject_cannot_be_suspended(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        operator = await w.person("olga", Role.OPERATOR)
        for kind in (ScopeKind.CHATBOT, ScopeKind.SOURCE, ScopeKind.TENANT):
            with pytest.raises(NotFound):
                await suspend(w.engine, operator, kind, "nothing", "typo")


async def test_what_a_person_may_not_see_is_as_unknown_to_them_as_what_is_not_there(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, more_sources={"other": FakeSource({})}) as w:
        operator = await w.person("olga", Role.OPERATOR, ["other"])
        for kind, subject in ((ScopeKind.CHATBOT, BOT), (ScopeKind.SOURCE, SOURCE)):
            for change in (suspend(w.engine, operator, kind, subject, "x"), resume(w.engine, operator, kind, subject)):
                with pytest.raises(NotFound):
                    await change


async def test_rule_8_every_decision_leaves_a_row_and_the_chain_holds(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan, comment="good")
        await w.apply(plan)
        entries = await w.audit()
        about = [entry.action for entry in entries if entry.fingerprint == plan.fingerprint]
        assert about == [
            "plan.pending",
            "plan.approve",
            "plan.approved",
            "plan.apply",
            "plan.applying",
            "apply.intent",
            "plan.applied",
            "apply.applied",
        ]
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        assert verify(entries) is None


async def test_a_policy_that_became_stricter_holds_for_plans_that_are_open(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        stricter = replace(w.engine, policy=Policy(approvals=2))
        w.applier.engine = stricter
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.AWAITING_APPROVAL)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert w.writer.writes == []


async def test_a_rejected_plan_says_who_rejected_it_and_why(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        ann = await w.person("ann", Role.APPROVER)
        decision = await reject(w.engine, ann, plan.id, plan.fingerprint, comment="Too short.")
        assert decision.plan.message.endswith("(ann: Too short.)")


async def test_the_reason_of_an_override_is_kept_also_where_none_was_needed(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan, overrides=Overrides(deletes=True, reason="to be sure"))
        [approval] = await w.approvals(plan)
        assert (approval.deletes, approval.reason) == (True, "to be sure")


async def test_a_rejection_that_is_taken_back_offers_an_equal_plan_at_once_without_approvals(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(approvals=2)) as w:
        plan = await w.open_plan()
        await w.approve(plan, "ben")
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint, comment="too short")
        assert (await w.chatbot()).plan_id is None
        decision = await withdraw_rejection(
            w.engine, await w.person("ben"), plan.id, plan.fingerprint, comment="by a slip"
        )
        again = await w.open_plan()
        assert decision.plan.message == (await w.plan(plan.id)).message
        assert decision.plan.message.endswith("(ann: too short) The rejection was taken back (ben: by a slip).")
        assert decision.plan.status is (await w.plan(plan.id)).status is PlanStatus.REJECTED
        assert [approval.actor for approval in decision.approvals] == ["ben"]
        assert (again.fingerprint, again.status) == (plan.fingerprint, PlanStatus.PENDING)
        assert again.id != plan.id
        assert await w.approvals(again) == []
        entries = [entry for entry in await w.audit() if entry.action == "plan.withdraw"]
        assert [(entry.actor, entry.subject, entry.detail["comment"]) for entry in entries] == [
            ("ben", f"plan/{plan.id}", "by a slip")
        ]


async def test_each_decision_leaves_one_entry_with_the_plan_and_what_was_said(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        ann = await w.person()
        await w.approve(plan, comment="fine")
        [approval] = await w.approvals(plan)
        await revoke(w.engine, ann, plan.id)
        await reject(w.engine, ann, plan.id, plan.fingerprint)
        await withdraw_rejection(w.engine, ann, plan.id, plan.fingerprint)
        again = await w.open_plan()
        await reject(w.engine, ann, again.id, again.fingerprint, comment="not now")
        entries = [entry for entry in await w.audit() if entry.actor == "ann"]
        assert {entry.fingerprint for entry in entries} == {plan.fingerprint}
        decisions = [entry for entry in entries if "from" not in entry.detail]
        assert [(entry.action, entry.subject) for entry in decisions] == [
            ("plan.approve", f"plan/{plan.id}"),
            ("plan.revoke", f"plan/{plan.id}"),
            ("plan.reject", f"plan/{plan.id}"),
            ("plan.withdraw", f"plan/{plan.id}"),
            ("plan.reject", f"plan/{again.id}"),
        ]
        details = [{name: entry.detail[name] for name in entry.detail.keys() - {"credential"}} for entry in decisions]
        assert details[0]["comment"] == "fine"
        assert details[1:] == [{"approval": approval.id, "of": "ann"}, {}, {}, {"comment": "not now"}]


async def test_taking_a_rejection_back_twice_or_too_late_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        ann = await w.person()
        await reject(w.engine, ann, plan.id, plan.fingerprint)
        for _ in range(2):
            await withdraw_rejection(w.engine, ann, plan.id, plan.fingerprint)
        again = await w.open_plan()
        await reject(w.engine, ann, again.id, again.fingerprint)
        w.commit({path_of(): document(spec(prompt="another"))})
        await w.refresh()
        other = await w.open_plan()
        await withdraw_rejection(w.engine, ann, again.id, again.fingerprint)
        assert (await w.open_plan()).id == other.id
        assert (await w.plan(plan.id)).message.count("taken back (ann).") == 1
        assert "taken back" not in (await w.plan(again.id)).message, "it no longer held anything back"
        assert sum(entry.action == "plan.withdraw" for entry in await w.audit()) == 1


async def test_only_a_rejection_can_be_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        with pytest.raises(Conflict, match="no rejection to take back") as refused:
            await withdraw_rejection(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "conflict"


async def test_a_rejection_is_taken_back_also_while_wizchat_does_not_answer(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        ann = await w.person()
        await reject(w.engine, ann, plan.id, plan.fingerprint)
        w.target.fail(TargetUnreachable("no route"), BOT)
        await withdraw_rejection(w.engine, ann, plan.id, plan.fingerprint)
        assert (await w.chatbot()).reason is Reason.TARGET_UNREACHABLE
        await w.refresh()
        assert (await w.open_plan()).fingerprint == plan.fingerprint
