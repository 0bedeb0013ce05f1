"""Rules 1, 3, 4 and 7: exactly what was approved, checked again, once, proven."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Role
from reconciler.domain.apply_answers import ApplyRefused, NotSent
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.op_outcomes import OpOutcome, op_outcomes
from reconciler.domain.status import EXPLANATIONS, Direction, Reason, Sync
from reconciler.engine.access.tokens import revoke_token
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM
from reconciler.errors import Conflict, SourceCause, TargetUnreachable
from tests.fakes.target import Effect
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old", skills=[{"name": "a", "body": "one"}])}
FILES = {path_of(): document(spec(skills=[{"name": "a", "body": "two"}]))}


async def approved(w: World) -> str:
    plan = await w.open_plan()
    await w.approve(plan)
    return plan.id


async def test_an_approved_plan_is_sent_byte_for_byte_and_proven(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.APPLIED
        assert [write.body for write in w.writer.writes] == [canonical_bytes(plan.body)]
        assert (await w.plan(plan.id)).status is PlanStatus.APPLIED
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.direction, chatbot.plan_id) == (Sync.SYNCED, Direction.IN_SYNC, None)
        assert chatbot.last_applied_revision == plan.revision
        assert apply.window_ms is not None
        assert await w.spent() == 1


async def test_after_an_apply_both_sides_agree_so_a_live_edit_is_live_ahead(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await w.apply(await w.plan(await approved(w)))
        w.edit_live(core=spec(prompt="edited")["core"])
        await w.refresh()
        assert (await w.open_plan()).direction is Direction.LIVE_AHEAD


async def test_rule_1_a_plan_without_approval_is_not_applied(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.open_plan()
        with pytest.raises(Conflict, match="not approved") as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "plan_not_approved"
        assert w.writer.writes == []


async def test_rule_1_an_approval_is_spent_by_the_intent(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        apply = await w.apply(plan)
        [approval] = await w.approvals(plan)
        assert (approval.is_valid, approval.spent_by) == (False, apply.id)


async def test_rule_1_an_approval_falls_with_its_token(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        await revoke_token(w.engine, PROGRAM, "ann")
        assert (await w.plan(plan.id)).status is (await w.open_plan()).status is PlanStatus.PENDING
        assert (await w.chatbot()).reason is Reason.AWAITING_APPROVAL
        with pytest.raises(Conflict) as refused:
            await w.apply(plan, who="bob")
        assert refused.value.code == "plan_not_approved"
        assert w.writer.writes == []


async def test_rule_1_an_approval_falls_with_its_role(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        async with w.store.begin() as uow:
            token = await uow.tokens.get((await w.person()).token_id or "")
            assert token is not None
            await uow.tokens.save(replace(token, role=Role.VIEWER))
        with pytest.raises(Conflict) as refused:
            await w.apply(plan, who="bob")
        assert refused.value.code == "plan_not_approved"
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        assert w.writer.writes == []


async def test_rule_1_a_read_only_tenant_takes_approvals_but_no_applies(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, read_only=True) as w:
        plan = await w.plan(await approved(w))
        assert (plan.status, plan.reason) == (PlanStatus.APPROVED, Reason.READ_ONLY)
        with pytest.raises(Conflict) as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "read_only"


async def test_rule_3_a_live_edit_after_the_approval_makes_the_plan_stale(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.edit_live(core=spec(prompt="edited")["core"])
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.STALE
        assert (await w.plan(plan.id)).status is PlanStatus.STALE
        assert w.writer.writes == []
        assert (await w.open_plan()).id != plan.id


async def test_rule_3_a_commit_after_the_approval_makes_the_plan_stale(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.commit({path_of(): document(spec(prompt="newest", skills=[{"name": "a", "body": "two"}]))})
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.STALE
        assert w.writer.writes == []


async def test_rule_3_unrelated_commits_and_other_sections_do_not_make_a_plan_stale(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        other = spec(skills=[{"name": "a", "body": "two"}], domains=[{"domain": "new.example"}])
        w.commit({path_of(): document(other), "README.md": "hello"})
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.APPLIED


async def test_rule_3_a_removed_document_makes_the_plan_stale(tmp_path: Path) -> None:
    files = {**FILES, **{path_of(f"bot_{n}"): document(spec(), f"bot_{n}") for n in range(2, 5)}}
    async with world(tmp_path, {**LIVE, **{f"bot_{n}": spec() for n in range(2, 5)}}, files) as w:
        plan = await w.plan(await approved(w))
        w.commit({path_of(): None})
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.STALE
        assert w.writer.writes == []


async def test_rule_3_unreadable_git_ends_the_apply_and_leaves_the_plan_approved(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.source.fail(SourceCause.UNREACHABLE)
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.SOURCE_UNKNOWN)
        again = await w.plan(plan.id)
        assert (again.status, again.apply_id) == (PlanStatus.APPROVED, None)
        w.source.recover()
        assert (await w.apply(again)).status is ApplyStatus.APPLIED


async def test_rule_3_a_re_check_that_cannot_be_made_leaves_the_plan_approved(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.target.fail(TargetUnreachable("no"), BOT)
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.TARGET_UNREACHABLE)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED


async def test_rule_4_a_refused_connection_is_tried_again_with_the_whole_re_check(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(NotSent("refused"))
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.clock.until_asleep(2)  # the heartbeat and the backoff
        dry_runs = len(w.target.calls)
        w.clock.advance(1)
        await w.idle()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.APPLIED
        assert len(w.target.calls) == dry_runs + 2  # the re-check and the verification
        assert await w.spent() == 1


async def test_rule_4_a_readable_refusal_fails_and_the_approval_is_spent(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(ApplyRefused("insufficient_scope", "no"))
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.REFUSED_BY_API)
        assert not (await w.approvals(plan))[0].is_valid
        again = await w.open_plan()
        assert (again.fingerprint, again.status) == (plan.fingerprint, PlanStatus.PENDING)


async def test_rule_4_a_lost_answer_is_applied_at_once_when_everything_is_done(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.lose_answer(Effect.AT_ONCE)
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.APPLIED
        assert len(w.writer.writes) == 1


async def test_rule_4_a_lost_answer_is_decided_only_after_the_settle_time(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.lose_answer(Effect.NONE)
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(14)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(2)
        await w.recoverer.run()
        ended = await w.apply_of(apply.id)
        assert (ended.status, ended.reason) == (ApplyStatus.FAILED, Reason.NOT_APPLIED)
        lost = apply.message.removeprefix(EXPLANATIONS[Reason.OUTCOME_UNKNOWN]).strip(" ()")
        assert lost
        assert ended.message.endswith(f"because its outcome was unknown: {lost}."), "why nobody knew it stays"
        assert ended.message == (await w.plan(plan.id)).message
        assert len(w.writer.writes) == 1
        assert (await w.open_plan()).status is PlanStatus.PENDING


async def test_rule_4_a_write_that_lands_late_is_found(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.lose_answer(Effect.LATE)
        apply = await w.apply(plan)
        w.clock.advance(10)
        await w.recoverer.run()
        w.writer.let_writes_go()
        await w.recoverer.run()
        found = await w.apply_of(apply.id)
        assert found.status is ApplyStatus.APPLIED
        assert "It was read back, because its outcome was unknown: " in found.message


async def test_rule_4_after_a_restart_the_whole_settle_is_waited_by_the_monotonic_clock(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.lose_answer(Effect.NONE)
        apply = await w.apply(plan)
        w.recoverer.first_seen.clear()
        w.clock.jump(3600)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(15)
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.FAILED


async def test_rule_4_an_applying_without_a_live_lease_is_read_back_not_sent_again(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.lose_answer(Effect.NONE)
        apply = await w.apply(plan)
        async with w.store.begin() as uow:  # as if the process had died right after the intent
            row, plan_row = await w.apply_of(apply.id), await w.plan(plan.id)
            await uow.applies.save(replace(row, status=ApplyStatus.APPLYING))
            await uow.plans.save(replace(plan_row, status=PlanStatus.APPLYING))
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.OUTCOME_UNKNOWN
        w.clock.advance(timedelta(seconds=20).total_seconds())
        await w.recoverer.run()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.FAILED
        assert len(w.writer.writes) == 1


async def test_rule_7_a_partial_failure_is_partially_applied_and_the_rest_is_a_new_plan(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.fail_at("skills", "a")
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.PARTIALLY_APPLIED
        assert apply.failed is not None
        assert apply.message.startswith('WizChat stopped at skills "a": ')
        assert apply.message.endswith(".")
        outcomes = {op.section: each for op, each in zip(plan.bare_ops, op_outcomes(plan.bare_ops, apply), strict=True)}
        assert outcomes == {"core": OpOutcome.DONE, "skills": OpOutcome.FAILED}
        rest = await w.open_plan()
        assert [op.op.section for op in rest.ops] == ["skills"]
        assert not await w.approvals(rest)


async def test_rule_7_a_failure_at_the_first_op_is_failed(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.fail_at("core")
        assert (await w.apply(plan)).status is ApplyStatus.FAILED


async def test_a_queued_apply_is_done_after_a_restart_with_all_checks(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.dispatcher.handlers = {**w.dispatcher.handlers}
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.recoverer.run()
        await w.idle()
        assert (await w.apply_of(apply.id)).status is ApplyStatus.APPLIED
        assert len(w.writer.writes) == 1


async def test_the_same_apply_again_answers_with_what_stands(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        first = await w.apply(plan)
        again = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert again.id == first.id
        assert len(w.writer.writes) == 1


async def test_a_dry_run_from_before_an_apply_is_discarded(tmp_path: Path) -> None:
    """Rule 3: what a refresh saw before an apply reached intent must not undo what the apply found."""
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        before = await w.chatbot()
        await w.apply(plan)
        after = await w.chatbot()
        assert after.epoch == before.epoch + 2
