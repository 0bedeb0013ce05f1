"""The orders of chatbots and the change of plans, as the API offers them."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from reconciler.domain.status import Sync
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.records import a_chatbot

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


@pytest.mark.parametrize("order", ["id", "name", "state", "drifted"])
async def test_long_names_and_ids_break_no_order(house: House, order: str) -> None:
    async with house.store.begin() as uow:
        for number in range(120):
            await uow.chatbots.add(a_chatbot(f"{number:03}" + "𝄞" * 197, source="main", name="Ä𝄞" * 500))
    ids, query = list[str](), {"order": order, "limit": "50"}
    async with house.client("wzr_viewer") as client:
        while True:
            answer = await client.get("/api/v1/chatbots", params=query)
            assert answer.status_code == 200, answer.text
            ids += [bot["id"] for bot in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                break
            query["cursor"] = answer.json()["next_cursor"]
        page = await client.get(f"/?order={order}")
        following = re.search(r'href="(/\?[^"]*cursor=[^"]*)"', page.text)
        assert following
        rest = await client.get(unescape(following[1]))
    assert len(ids) == len(set(ids)) == 123
    assert rest.status_code == 200
    assert "cursor=" not in rest.text, "the second part is the last one"


async def test_everything_that_a_document_may_state_can_be_asked_for(house: House) -> None:
    longest, label, value = "i" * 200, "l" * 200, "v" * 200
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot(longest, source="main", labels={label: value}))
    async with house.client("wzr_operator") as client:
        for path in ("/api/v1/chatbots", "/"):
            answer = await client.get(path, params={"label": f"{label}={value}"})
            assert (answer.status_code, longest in answer.text) == (200, True), path
        scope = f"chatbot/{longest}"
        suspended = await client.post("/api/v1/suspend", json={"scope": scope, "reason": "why"})
        assert suspended.status_code in {200, 201}, suspended.text
        for path in ("/api/v1/audit", "/audit"):
            told = await client.get(path, params={"subject": scope})
            assert told.status_code == 200, told.text
            assert "suspen" in told.text


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
