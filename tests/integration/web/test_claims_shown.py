"""What is told of chatbots that two sources state names nothing of the other one to who may not see it."""

import httpx
import pytest

from reconciler.domain.diagnostics import ANOTHER_SOURCE, Diagnostic, Severity
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.records import a_chatbot, a_plan, a_run

pytestmark = pytest.mark.anyio

FOUND = Diagnostic(
    Severity.ERROR, f"the chatbot is claimed twice: {ANOTHER_SOURCE} had it first", "a.yaml", 1, rival="side"
)


@pytest.mark.parametrize(("token", "said"), [("wzr_viewer", "the source side"), ("wzr_main-only", ANOTHER_SOURCE)])
@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/runs/run_lost", "/runs/run_lost"])
async def test_the_other_source_is_named_to_who_may_see_it(house: House, path: str, token: str, said: str) -> None:
    async with house.store.begin() as uow:
        await uow.runs.add(a_run("run_lost", finished_at=START, diagnostics=(FOUND,)))
    async with house.client(token) as client:
        text = (await client.get(path)).text
    assert f"claimed twice: {said} had it first" in text
    assert "rival" not in text
    assert ("source side" in text) is (token == "wzr_viewer")


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/plans/plan_old", "text/html"),
        ("/plans?status=all", "text/html"),
        ("/plans/groups/same", "text/html"),
        ("/api/v1/plans/plan_old", "text/markdown"),
        ("/api/v1/plans/plan_old", "text/plain"),
    ],
)
async def test_what_another_source_calls_a_chatbot_that_went_there_is_not_told(
    house: House, path: str, accept: str
) -> None:
    async with house.store.begin() as uow:
        for number, (source, name) in enumerate({"side": "Their secret", "main": "Our own"}.items()):
            await uow.chatbots.add(a_chatbot(f"bot_{number}0", source=source, name=name))
        await uow.plans.add(a_plan("plan_old", chatbot_id="bot_00", change="same"))
        await uow.plans.add(a_plan("plan_own", chatbot_id="bot_10", change="same"))
    async with house.client("wzr_main-only") as client:
        answer = await client.get(path, headers={"Accept": accept})
    assert answer.status_code == httpx.codes.OK
    assert "Their secret" not in answer.text
    assert "bot_00" in answer.text
    assert ("Our own" in answer.text) is not path.endswith("plan_old")
