"""A key of another account answers, and knows none of the chatbots: that is told as what it is."""

from pathlib import Path

import pytest

from api_client.sandbox import Chatbot as LiveBot
from api_client.sandbox import Fleet
from reconciler.domain.access import Role
from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Reason, Sync
from reconciler.domain.tenant import TenantState
from reconciler.engine.forget import forget_chatbot
from reconciler.engine.live_views import LiveViews
from reconciler.errors import Conflict
from tests.support.world import BOT, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

OTHER = "bot_2"
LIVE = {BOT: spec(), OTHER: spec()}
FILES = {path_of(key): document(spec(), key) for key in LIVE}
SAYS = f"names none of the chatbots that documents of tenant {TENANT} state: check that api_key"


async def test_a_list_that_knows_none_of_the_chatbots_is_no_ready_tenant(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        mine, w.target.fleet = w.target.fleet, Fleet([LiveBot("bot_theirs", config=spec())])
        run = await w.refresh()
        assert (run.status, (run.message or "").count(SAYS)) == (RunStatus.FAILED, 1)
        tenant = await w.tenant()
        assert (tenant.state, SAYS in (tenant.cause or "")) == (TenantState.MISCONFIGURED, True)
        assert {(await w.chatbot(key)).reason for key in LIVE} == {Reason.UNAUTHORIZED}
        assert SAYS in (await w.chatbot()).message

        w.target.fleet = mine
        assert (await w.refresh()).status is RunStatus.SUCCEEDED
        assert (await w.tenant()).state is TenantState.READY
        assert (await w.chatbot()).sync is Sync.SYNCED


async def test_at_the_first_run_as_well(tmp_path: Path) -> None:
    async with world(tmp_path, {"bot_theirs": spec()}, FILES) as w:
        assert (await w.tenant()).state is TenantState.MISCONFIGURED
        assert {(await w.chatbot(key)).reason for key in LIVE} == {Reason.UNAUTHORIZED}


async def test_plans_and_approvals_outlive_a_wrong_key(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        mine, w.target.fleet = w.target.fleet, Fleet([LiveBot("bot_theirs", config=spec())])
        calls = len(w.target.calls)
        await w.refresh()
        assert len(w.target.calls) == calls + 2, "the list, and one chatbot"
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        w.target.fleet = mine
        await w.refresh()
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_a_chatbot_that_is_missing_from_a_narrow_list_stays_its_documents_matter(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.unlisted = {*LIVE}
        w.target.fleet.remove(OTHER)
        await w.refresh()
        assert (await w.tenant()).state is TenantState.READY
        assert [(await w.chatbot(key)).reason for key in LIVE] == [Reason.IN_SYNC, Reason.CHATBOT_MISSING]


async def test_a_list_that_is_narrower_than_the_key_is_no_sign(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.unlisted = {*LIVE}
        assert (await w.refresh()).status is RunStatus.SUCCEEDED
        assert (await w.tenant()).state is TenantState.READY


@pytest.mark.parametrize("left", [{OTHER: spec()}, {}], ids=["one of two is there", "one alone is gone"])
async def test_a_chatbot_that_is_gone_is_its_documents_matter(tmp_path: Path, left: dict[str, object]) -> None:
    files = FILES if left else {path_of(): document(spec())}
    async with world(tmp_path, LIVE, files) as w:
        w.target.fleet = Fleet([LiveBot(key, config=spec()) for key in left])
        assert (await w.refresh()).status is RunStatus.SUCCEEDED
        assert (await w.tenant()).state is TenantState.READY


def of_another_account(w: World) -> Fleet:
    """Have the key be of another account, and give the fleet of the right one."""
    mine, w.target.fleet = w.target.fleet, Fleet([LiveBot("bot_theirs", config=spec())])
    w.target.calls.clear()
    return mine


async def test_a_run_over_one_changed_document_tells_it_too(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        mine = of_another_account(w)
        w.commit({path_of(): document(spec(prompt="newer"))})
        run = await w.refresh(full=False)
        assert w.target.calls == [("dry_run", BOT), ("chatbots", None)]
        assert (run.status, SAYS in (run.message or "")) == (RunStatus.FAILED, True)
        assert (await w.tenant()).state is TenantState.MISCONFIGURED
        assert (await w.chatbot()).reason is Reason.UNAUTHORIZED
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED

        w.target.fleet = mine
        await w.refresh()
        assert (await w.tenant()).state is TenantState.READY
        assert (await w.plan(plan.id)).status is PlanStatus.SUPERSEDED, "the document says something else by now"


async def test_a_look_at_one_live_configuration_tells_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        of_another_account(w)
        views = LiveViews(w.engine)
        for chatbot_id in (BOT, OTHER):
            assert SAYS in ((await views.get(TENANT, chatbot_id, "ann")).failure or "")
        assert w.target.calls == [("export", BOT), ("chatbots", None), ("export", OTHER)], "one list in a minute"
        assert (await w.tenant()).state is TenantState.MISCONFIGURED
        w.clock.advance(61)
        await views.get(TENANT, BOT, "ann")
        assert w.target.calls[3:] == [("export", BOT), ("chatbots", None)]


async def test_the_re_check_of_one_apply_tells_it_and_leaves_the_plan(tmp_path: Path) -> None:
    async with world(tmp_path, {**LIVE, BOT: spec(prompt="old")}, FILES) as w:
        plan = await w.open_plan()
        await w.approve(plan)
        mine = of_another_account(w)
        apply = await w.apply(plan)
        assert (apply.status, apply.reason, SAYS in (apply.message or "")) == (
            ApplyStatus.FAILED,
            Reason.UNAUTHORIZED,
            True,
        )
        assert w.target.calls.count(("chatbots", None)) == 1
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED
        assert (await w.chatbot()).reason is Reason.UNAUTHORIZED
        assert (await w.tenant()).state is TenantState.MISCONFIGURED

        w.target.fleet = mine
        await w.refresh()
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_one_chatbot_that_is_gone_is_not_told_as_another_account(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.fleet.remove(BOT)
        w.commit({path_of(): document(spec(prompt="newer"))})
        await w.refresh(full=False)
        assert (await w.chatbot()).reason is Reason.CHATBOT_MISSING
        assert SAYS not in ((await LiveViews(w.engine).get(TENANT, BOT, "ann")).failure or "")
        assert (await w.tenant()).state is TenantState.READY


async def test_a_narrow_list_does_not_make_one_missing_chatbot_another_accounts(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.target.unlisted = {*LIVE}
        w.target.fleet.remove(OTHER)
        w.commit({path_of(key): document(spec(prompt="newer"), key) for key in LIVE})
        await w.refresh(full=False)
        assert [(await w.chatbot(key)).reason for key in LIVE] == [Reason.AWAITING_APPROVAL, Reason.CHATBOT_MISSING]


async def test_no_chatbot_is_forgotten_by_the_list_of_another_account(tmp_path: Path) -> None:
    ghost = "bot_ghost"
    async with world(tmp_path, LIVE, {**FILES, path_of(ghost): document(spec(), ghost)}) as w:
        w.commit({path_of(ghost): None})
        await w.refresh()
        of_another_account(w)
        with pytest.raises(Conflict, match=f"nobody can tell whether WizChat has the chatbot {ghost}: .*{SAYS}"):
            await forget_chatbot(w.engine, await w.person("root", Role.ADMIN), TENANT, ghost, "x")
