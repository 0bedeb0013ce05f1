"""A write key that cannot do what is asked of it is told before an approval is spent on it."""

from pathlib import Path

import pytest

from reconciler.domain.apply_answers import ApplyRefused
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.status import Reason
from reconciler.domain.tenant import TenantState
from reconciler.domain.write_key import WriteKeyState
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM
from reconciler.engine.forget import forget_chatbot
from reconciler.engine.live_views import LiveViews
from reconciler.errors import (
    Conflict,
    QuotaExceeded,
    ScopeMissing,
    TargetError,
    TargetUnauthorized,
    TargetUnreachable,
)
from tests.fakes.target import Effect
from tests.support.world import BOT, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = (BOT, "bot_2")
LIVE = {bot: spec() for bot in BOTS}
FILES = {path_of(bot): document(spec(prompt="Be brief."), bot) for bot in BOTS}
WRONG_KEY = TargetUnauthorized("put a valid key in write_api_key")
NO_SKILLS = ApplyRefused("insufficient_scope", "No.", "skills:write", ("skills",))
SKILLS = [{"name": "refunds", "body": "Pay back."}]


async def approved(w: World) -> str:
    plan = await w.open_plan()
    await w.approve(plan)
    return plan.id


async def test_a_key_that_is_refused_is_told_at_the_start_and_no_apply_is_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        assert ((await w.write_key()).state, w.writer.key_checks) == (WriteKeyState.ACCEPTED, 1)
        w.writer.key_error = WRONG_KEY
        await w.restart()

        assert (await w.write_key()).is_refused
        plan = await w.open_plan()
        assert (plan.reason, "WIZCHAT_WRITE_API_KEY" in plan.message) == (Reason.WRITE_KEY_REFUSED, True)
        assert (await w.chatbot()).reason is Reason.WRITE_KEY_REFUSED
        await w.approve(plan)
        with pytest.raises(Conflict, match="write_api_key") as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "write_key_refused"
        assert w.writer.writes == []
        assert (await w.approvals(plan))[0].is_valid


async def test_every_full_run_asks_and_a_key_that_is_put_right_is_taken_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.key_error = WRONG_KEY
        await w.refresh(full=False)
        assert w.writer.key_checks == 1, "a look at git alone asks nothing"
        await w.refresh()
        assert (w.writer.key_checks, (await w.write_key()).is_refused) == (2, True)
        w.writer.key_error = None
        await w.refresh()
        plan = await w.open_plan()
        assert plan.reason is Reason.AWAITING_APPROVAL
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED
        assert (await w.write_key()).state is WriteKeyState.PROVEN


async def test_a_tenant_without_a_write_key_is_asked_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, read_only=True) as w:
        await w.refresh()
        assert (await w.tenant()).write_key is None
        assert (await w.open_plan()).reason is Reason.READ_ONLY


@pytest.mark.parametrize("error", [TargetUnreachable("no"), QuotaExceeded("tomorrow")])
async def test_what_was_not_answered_says_nothing_of_the_key(tmp_path: Path, error: TargetError) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        before = await w.write_key()
        w.writer.key_error = error
        await w.refresh()
        assert await w.write_key() == before


async def test_a_key_that_may_not_even_list_is_taken_all_the_same(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.key_error = ScopeMissing("add chatbots:read", "chatbots:read")
        await w.restart()
        assert (await w.write_key()).state is WriteKeyState.ACCEPTED


@pytest.mark.parametrize("code", ["invalid_api_key", "unauthorized"])
@pytest.mark.parametrize("checked", [WRONG_KEY, TargetUnreachable("no")], ids=["refused again", "unreachable"])
async def test_an_apply_that_meets_a_refused_key_tells_so_at_once(
    tmp_path: Path, code: str, checked: TargetError
) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(ApplyRefused(code, "No."))
        w.writer.key_error = checked
        assert (await w.apply(plan)).status is ApplyStatus.FAILED
        assert (await w.write_key()).is_refused
        assert {(await w.open_plan(bot)).reason for bot in BOTS} == {Reason.WRITE_KEY_REFUSED}


async def test_a_queued_apply_of_a_key_that_is_refused_by_now_spends_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.writer.key_error = WRONG_KEY
        apply = await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        await w.applier.check_write_key(TENANT)
        await w.idle()
        ended = await w.apply_of(apply.id)
        assert (ended.status, ended.reason) == (ApplyStatus.FAILED, Reason.WRITE_KEY_REFUSED)
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        assert (w.writer.writes, (await w.approvals(plan))[0].is_valid) == ([], True)


async def test_nothing_is_applied_automatically_with_a_refused_key(tmp_path: Path) -> None:
    policy = Policy(auto_apply=AutoApply.FULL)
    async with world(tmp_path, LIVE, {path_of(bot): document(spec(), bot) for bot in BOTS}, policy=policy) as w:
        w.clock.advance(60)
        await w.refresh()
        w.writer.key_error = WRONG_KEY
        await w.applier.check_write_key(TENANT)
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        await w.refresh(full=False)
        assert (await w.open_plan()).reason is Reason.WRITE_KEY_REFUSED
        assert w.writer.writes == []


async def test_a_missing_scope_is_shown_at_the_plans_that_need_it_until_an_apply_has_it(tmp_path: Path) -> None:
    with_skills = {path_of(bot): document(spec(skills=SKILLS), bot) for bot in BOTS}
    async with world(tmp_path, LIVE, {**with_skills, path_of("bot_3"): document(spec("Three"), "bot_3")}) as w:
        plan = await w.plan(await approved(w))
        w.writer.answer(NO_SKILLS)
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.REFUSED_BY_API)
        for bot in BOTS:
            shown = await w.open_plan(bot)
            assert shown.reason is Reason.AWAITING_APPROVAL, "it may have been given to the key meanwhile"
            assert "lacks the scope skills:write" in shown.message
            assert (await w.chatbot(bot)).message == shown.message
        assert (await w.write_key()).state is WriteKeyState.ACCEPTED

        again = await w.plan(await approved(w))
        assert (again.reason, "skills:write" in again.message) == (Reason.APPROVED, True)
        assert (await w.apply(again)).status is ApplyStatus.APPLIED
        assert (await w.write_key()).missing == ()
        assert "skills:write" not in (await w.open_plan("bot_2")).message


async def test_another_section_is_not_warned_of_and_proves_nothing_of_this_one(tmp_path: Path) -> None:
    files = {path_of(): document(spec(skills=SKILLS)), path_of("bot_2"): document(spec(prompt="Be brief."), "bot_2")}
    async with world(tmp_path, LIVE, files) as w:
        w.writer.answer(NO_SKILLS)
        await w.apply(await w.plan(await approved(w)))
        other = await w.open_plan("bot_2")
        assert "skills:write" not in other.message
        await w.approve(other)
        assert (await w.apply(other)).status is ApplyStatus.APPLIED
        assert "skills:write" in (await w.open_plan()).message


async def test_a_chatbot_that_the_key_may_not_use_is_told_at_its_plans_only(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.answer(ApplyRefused("chatbot_not_in_key_scope", "No."))
        await w.apply(await w.plan(await approved(w)))
        assert "may not use it" in (await w.open_plan()).message
        assert "may not use it" not in (await w.open_plan("bot_2")).message


async def test_another_key_is_a_new_key(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec(skills=SKILLS))}) as w:
        w.writer.answer(NO_SKILLS)
        await w.apply(await w.plan(await approved(w)))
        await w.restart()
        assert len((await w.write_key()).missing) == 1, "a start changes nothing of the key"
        w.writer.key_id, w.writer.key_error = "key_2", TargetUnreachable("no")
        await w.restart()
        seen = await w.write_key()
        assert (seen.key_id, seen.state, seen.missing) == ("key_2", None, ())
        assert "skills:write" not in (await w.open_plan()).message


async def test_a_read_key_that_was_revoked_between_runs_shows_at_once_when_an_apply_meets_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        assert (await w.tenant()).state is TenantState.READY
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), BOT)
        apply = await w.apply(plan)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.UNAUTHORIZED)
        seen = await w.tenant()
        assert (seen.state, seen.cause) == (TenantState.UNAUTHORIZED, "put a valid key in api_key")
        await w.refresh(full=False)
        assert (await w.tenant()).state is TenantState.READY


async def test_a_refused_key_shows_at_once_in_the_look_after_an_apply(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        plan = await w.plan(await approved(w))
        w.commit({path_of(): document(spec(prompt="Be quick."))})
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), BOT)
        assert (await w.apply(plan)).status is ApplyStatus.STALE
        assert (await w.tenant()).state is TenantState.UNAUTHORIZED


async def test_a_refused_key_shows_at_once_in_a_live_view(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fail(TargetUnreachable("try again later"), BOT)
        assert (await LiveViews(w.engine).get(TENANT, BOT, "ann")).failure is not None
        assert (await w.tenant()).state is TenantState.READY, "one call that fails is no tenant's failure"
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), "bot_2")
        assert (await LiveViews(w.engine).get(TENANT, "bot_2", "ann")).failure == "put a valid key in api_key"
        assert (await w.tenant()).state is TenantState.UNAUTHORIZED


async def test_a_refused_key_shows_at_once_when_a_chatbot_is_to_be_forgotten(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), None)
        with pytest.raises(Conflict, match="nobody can tell"):
            await forget_chatbot(w.engine, PROGRAM, TENANT, BOT, "gone")
        assert (await w.tenant()).state is TenantState.UNAUTHORIZED


async def test_a_refused_key_shows_at_once_when_an_outcome_is_read_back(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.lose_answer(Effect.NONE)
        assert (await w.apply(await w.plan(await approved(w)))).status is ApplyStatus.OUTCOME_UNKNOWN
        assert (await w.tenant()).state is TenantState.READY
        w.target.fail(TargetUnauthorized("put a valid key in api_key"), BOT)
        await w.recoverer.run()
        assert (await w.tenant()).state is TenantState.UNAUTHORIZED
