"""The orders of chatbots and the change of plans, as the API offers them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.status import Sync
from tests.fakes.clock import START
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio


async def _drift(house: House) -> None:
    async with house.store.begin() as uow:
        for number, chatbot_id in enumerate(("bot_3", "bot_1")):
            (found,) = [bot for bot in await uow.chatbots.of_tenant("acme") if bot.id == chatbot_id]
            drifted_at = START + timedelta(hours=number)
            await uow.chatbots.save(replace(found, sync=Sync.OUT_OF_SYNC, drifted_at=drifted_at))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["bot_1", "bot_2", "bot_3"]),
        ("order=id&descending=true", ["bot_3", "bot_2", "bot_1"]),
        ("order=name", ["bot_1", "bot_3", "bot_2"]),
        ("order=state", ["bot_1", "bot_3", "bot_2"]),
        ("order=drifted", ["bot_3", "bot_1", "bot_2"]),
        ("order=drifted&descending=true", ["bot_1", "bot_3", "bot_2"]),
    ],
)
async def test_chatbots_come_in_the_order_that_is_asked_for(house: House, query: str, ids: list[str]) -> None:
    await _drift(house)
    async with house.client("wzr_viewer") as client:
        whole = (await client.get(f"/api/v1/chatbots?{query}")).json()
        first = (await client.get(f"/api/v1/chatbots?{query}&limit=2")).json()
        rest = (await client.get(f"/api/v1/chatbots?{query}&limit=2&cursor={first['next_cursor']}")).json()
        mixed = await client.get(f"/api/v1/chatbots?order=name&descending=true&cursor={first['next_cursor']}")

    assert [bot["id"] for bot in whole["items"]] == ids
    assert [bot["id"] for bot in first["items"] + rest["items"]] == ids
    assert mixed.json()["code"] == "invalid_cursor"


async def test_a_chatbot_says_since_when_it_drifts(house: House) -> None:
    await _drift(house)
    async with house.client("wzr_viewer") as client:
        drifted = (await client.get("/api/v1/chatbots/bot_3")).json()
        other = (await client.get("/api/v1/chatbots/bot_2")).json()

    assert (drifted["drifted_at"], other["drifted_at"]) == ("2026-03-01T12:00:00Z", None)


@pytest.mark.parametrize("query", ["order=age", "descending=perhaps"])
async def test_an_order_that_is_none_is_refused(house: House, query: str) -> None:
    async with house.client("wzr_viewer") as client:
        assert (await client.get(f"/api/v1/chatbots?{query}")).status_code == 422


async def test_plans_are_listed_by_what_they_do(house: House) -> None:
    async with house.store.begin() as uow:
        plan = await uow.plans.get("plan_2")
        assert plan is not None
        await uow.plans.save(replace(plan, change="c" * 64))
    async with house.client("wzr_viewer") as client:
        alike = (await client.get(f"/api/v1/plans?change={'c' * 64}")).json()["items"]
        older = (await client.get("/api/v1/plans/plan_1")).json()

    assert [(plan["id"], plan["change"]) for plan in alike] == [("plan_2", "c" * 64)]
    assert older["change"] is None
