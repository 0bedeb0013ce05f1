"""From a dry run to a plan: rule 2, equal re-plans, supersession, resolution, direction."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import Action
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.engine.decide.decisions import reject
from reconciler.engine.reconcile.schedule import tick
from tests.support.world import BOT, document, path_of, spec, world

pytestmark = pytest.mark.anyio


async def test_what_agrees_is_synced_and_has_no_plan(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.direction, chatbot.reason) == (Sync.SYNCED, Direction.IN_SYNC, Reason.IN_SYNC)
        assert chatbot.plan_id is None


async def test_a_change_in_git_becomes_a_pending_plan_that_is_git_ahead(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        run = await w.refresh()
        plan = await w.open_plan()
        assert (plan.status, plan.direction, plan.reason) == (
            PlanStatus.PENDING,
            Direction.GIT_AHEAD,
            Reason.AWAITING_APPROVAL,
        )
        [op] = plan.ops
        assert op.op.action is Action.UPDATE
        assert op.op.after == {"behavior.systemPrompt": "Be brief."}
        assert op.fields == {"behavior.systemPrompt": Direction.GIT_AHEAD}
        assert plan.revision == run.revision
        assert (await w.chatbot()).sync is Sync.OUT_OF_SYNC


async def test_a_live_edit_is_live_ahead_and_both_are_diverged(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        w.edit_live(core=spec(prompt="Be funny.")["core"])
        await w.refresh()
        assert (await w.chatbot()).direction is Direction.LIVE_AHEAD
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        await w.refresh()
        assert (await w.chatbot()).direction is Direction.DIVERGED


async def test_what_differs_at_the_first_dry_run_is_unknown(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec(prompt="new"))}) as w:
        assert (await w.open_plan()).direction is Direction.UNKNOWN


async def test_an_equal_re_plan_keeps_the_plan_and_its_approvals(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.commit({"README.md": "unrelated"})
        await w.refresh()
        again = await w.open_plan()
        assert (again.id, again.status) == (plan.id, PlanStatus.APPROVED)
        assert [approval.is_valid for approval in await w.approvals(again)] == [True]


async def test_another_proposal_supersedes_the_plan(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.commit({path_of(): document(spec(prompt="newer"))})
        await w.refresh()
        assert (await w.plan(plan.id)).status is PlanStatus.SUPERSEDED
        newer = await w.open_plan()
        assert newer.status is PlanStatus.PENDING
        assert not await w.approvals(newer)


async def test_a_difference_that_goes_away_by_itself_resolves_the_plan(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        w.edit_live(core=spec()["core"])
        await w.refresh()
        assert (await w.plan(plan.id)).status is PlanStatus.RESOLVED
        assert (await w.chatbot()).sync is Sync.SYNCED


async def test_a_rejected_proposal_is_not_offered_again_until_something_else_came_in_between(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint, comment="no")
        await w.refresh()
        chatbot = await w.chatbot()
        assert (chatbot.sync, chatbot.reason, chatbot.plan_id) == (Sync.OUT_OF_SYNC, Reason.REJECTED, None)
        w.edit_live(core=spec()["core"])
        await w.refresh()
        w.edit_live(core=spec(prompt="old")["core"])
        await w.refresh()
        assert (await w.open_plan()).fingerprint == plan.fingerprint


async def test_a_plan_that_nobody_decides_expires_and_is_offered_anew_without_approvals(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        w.clock.advance(timedelta(days=7).total_seconds())
        await tick(w.engine)
        await w.idle()
        assert (await w.plan(plan.id)).status is PlanStatus.EXPIRED
        again = await w.open_plan()
        assert (again.fingerprint, again.status) == (plan.fingerprint, PlanStatus.PENDING)
        assert again.id != plan.id


async def test_an_unchanged_document_is_skipped_unless_the_run_is_full(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        assert (await w.refresh(full=False)).counts.skipped == 1
        full = (await w.refresh(full=True)).counts
        assert (full.documents, full.dry_runs, full.skipped, full.parsed) == (1, 1, 0, 0)


async def test_the_plan_sends_only_what_differs(tmp_path: Path) -> None:
    live = {BOT: spec(domains=[{"domain": "a.example"}])}
    async with world(tmp_path, live, {path_of(): document(spec(prompt="x", domains=[{"domain": "a.example"}]))}) as w:
        plan = await w.open_plan()
        assert plan.body == {
            "apiVersion": "v1",
            "kind": "ChatbotConfig",
            "prune": False,
            "spec": {"core": spec(prompt="x")["core"]},
        }
        assert plan.summary.noop == 1
