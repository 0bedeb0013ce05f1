"""A key of another account answers, and knows none of the chatbots: that is told as what it is."""

from pathlib import Path

import pytest

from api_client.sandbox import Chatbot as LiveBot
from api_client.sandbox import Fleet
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.records import RunStatus
from reconciler.domain.status import Reason, Sync
from reconciler.domain.tenant import TenantState
from tests.support.world import BOT, TENANT, document, path_of, spec, world

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
