"""The laws of tags and of lists in parts."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.domain.access import Role
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.records import a_chatbot, a_run

pytestmark = pytest.mark.anyio

POLLED = [
    "/api/v1/status",
    "/api/v1/sources",
    "/api/v1/sources/main",
    "/api/v1/runs",
    "/api/v1/runs/run_main",
    "/api/v1/chatbots",
    "/api/v1/chatbots?limit=1",
    "/api/v1/chatbots/bot_1",
    "/api/v1/chatbots/bot_1/history",
    "/api/v1/plans",
    "/api/v1/plans/plan_1",
    "/api/v1/suspensions",
    "/api/v1/audit",
]


async def _tag(client: httpx.AsyncClient, path: str, headers: Mapping[str, str] = {}) -> str:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.headers["etag"]


@pytest.mark.parametrize("path", POLLED)
async def test_nothing_new_is_304_without_a_body(house: House, path: str) -> None:
    async with house.client("wzr_viewer") as client:
        tag = await _tag(client, path)
        answer = await client.get(path, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", [path for path in POLLED if "sources" not in path and "suspensions" not in path])
async def test_a_change_is_seen_by_the_next_poll(house: House, path: str) -> None:
    async with house.client("wzr_viewer") as client:
        tag = await _tag(client, path)
        async with house.store.begin() as uow:
            await uow.chatbots.add(a_chatbot("bot_new"))

        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize("path", POLLED)
async def test_another_persons_tag_is_no_good(house: House, path: str) -> None:
    moving = ("/api/v1/status", "/api/v1/sources", "/api/v1/suspensions")
    async with house.client("wzr_admin") as admin, house.client("wzr_viewer") as viewer:
        tag = await _tag(admin, path)
        answer = await viewer.get(path, headers={"If-None-Match": tag})
    async with house.client() as nobody:
        assert (await nobody.get(path, headers={"If-None-Match": tag})).status_code == 401

    # what is tagged by what it says may be equal for two people who see the same
    assert answer.status_code == (304 if path.startswith(moving) else 200)


async def test_another_form_or_part_has_another_tag(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        tags = {
            await _tag(client, "/api/v1/plans/plan_1"),
            await _tag(client, "/api/v1/plans/plan_1", {"Accept": "text/plain"}),
            await _tag(client, "/api/v1/plans/plan_1", {"Accept": "text/markdown"}),
            await _tag(client, "/api/v1/plans"),
            await _tag(client, "/api/v1/plans?limit=1"),
        }

    assert len(tags) == 5


async def test_errors_carry_no_tag(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for path in ("/api/v1/plans/none", "/api/v1/plans?limit=0", "/api/v1/sources/none"):
            assert "etag" not in (await client.get(path)).headers


async def test_the_budget_moves_the_status_without_the_database(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        tag = await _tag(client, "/api/v1/status")
        house.tenant.used += 1

        answer = await client.get("/api/v1/status", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["budgets"][0]["used_today"]) == (200, 8)


async def test_what_other_sources_used_of_a_tenants_calls_is_not_told(house: House) -> None:
    async with house.client("wzr_main-only") as client:
        (budget,) = (await client.get("/api/v1/status")).json()["budgets"]
        page = (await client.get("/")).text
    assert (budget["used_today"], budget["whole"]) == (3, False)
    assert "3 API calls used today to compare your sources" in page
    assert "API calls left" not in page

    await house.add_token("all-by-name", Role.VIEWER, ("main", "side"))
    async with house.client("wzr_all-by-name") as client:
        (budget,) = (await client.get("/api/v1/status")).json()["budgets"]
    assert (budget["used_today"], budget["whole"]) == (7, True)


async def test_a_suspension_that_expires_moves_the_sources(house: House) -> None:
    until = (START + timedelta(hours=1)).isoformat()
    async with house.client("wzr_operator") as client:
        await client.post("/api/v1/suspend", json={"scope": "source/main", "reason": "freeze", "until": until})
        tag = await _tag(client, "/api/v1/sources/main")
        house.clock.advance(3600)

        answer = await client.get("/api/v1/sources/main", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["state"]) == (200, "Ready")


async def _all(client: httpx.AsyncClient, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query: dict[str, str | int] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        part = (await client.get(path, params=query)).json()
        assert len(part["items"]) <= limit
        items += part["items"]
        cursor = part["next_cursor"]
    return items


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_the_parts_make_the_whole_without_gap_or_double(house: House, limit: int) -> None:
    async with house.store.begin() as uow:
        for number in range(9):
            await uow.runs.add(a_run(f"run_{number}", created_at=START + timedelta(seconds=number // 2)))
            await uow.chatbots.add(a_chatbot(f"bot_x{number}"))
    async with house.client("wzr_viewer") as client:
        runs = await _all(client, "/api/v1/runs", limit)
        chatbots = await _all(client, "/api/v1/chatbots", limit)

    assert len(runs) == len({run["id"] for run in runs}) == 11
    assert [run["created_at"] for run in runs] == sorted((run["created_at"] for run in runs), reverse=True)
    assert [chatbot["id"] for chatbot in chatbots] == sorted(chatbot["id"] for chatbot in chatbots)
    assert len(chatbots) == 12


async def test_what_comes_meanwhile_shifts_nothing(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        first = (await client.get("/api/v1/runs?limit=1")).json()
        async with house.store.begin() as uow:
            await uow.runs.add(a_run("run_newer", created_at=START + timedelta(hours=1)))
        second = (await client.get("/api/v1/runs", params={"limit": 1, "cursor": first["next_cursor"]})).json()

    assert {first["items"][0]["id"], second["items"][0]["id"]} == {"run_main", "run_side"}


async def test_a_cursor_of_another_list_is_refused(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        cursor = (await client.get("/api/v1/runs?limit=1")).json()["next_cursor"]
        answer = await client.get("/api/v1/plans", params={"cursor": cursor})

    assert answer.json()["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("/api/v1/audit", ["audit", 10**30]),
        ("/api/v1/audit", ["audit", -1]),
        ("/api/v1/runs", ["runs", "9999-12-31T23:59:59-23:59", "run_main"]),
        ("/api/v1/plans", ["plans", "0001-01-01T00:00:00+23:59", "plan_1"]),
        ("/api/v1/chatbots", ["chatbots by id", "\0", "bot_1"]),
        ("/api/v1/chatbots?order=state", ["chatbots by state", 10**30, 0, "acme", "bot_1"]),
    ],
)
async def test_a_cursor_that_no_database_could_take_is_refused(house: House, path: str, held: list[Any]) -> None:
    cursor = urlsafe_b64encode(json.dumps(held).encode()).decode()
    async with house.client("wzr_viewer") as client:
        answer = await client.get(path, params={**dict(httpx.URL(path).params), "cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("source=main", ["bot_1"]),
        ("label=team", ["bot_1"]),
        ("label=team%3Dsupport", ["bot_1"]),
        ("label=team%3Dsales", []),
        ("q=CAREERS", ["bot_2"]),
        ("tenant=none", []),
        ("sync=Unknown", ["bot_1", "bot_2", "bot_3"]),
        ("sync=Synced", []),
        ("direction=Unknown&reason=NotChecked&q=bot_3", ["bot_3"]),
    ],
)
async def test_everything_asked_of_chatbots_must_hold(house: House, query: str, ids: list[str]) -> None:
    async with house.client("wzr_viewer") as client:
        items = (await client.get(f"/api/v1/chatbots?{query}")).json()["items"]

    assert [item["id"] for item in items] == ids


async def test_an_id_of_two_tenants_needs_the_tenant(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("bot_1", tenant="beta"))
    async with house.client("wzr_viewer") as client:
        ambiguous = await client.get("/api/v1/chatbots/bot_1")
        chosen = await client.get("/api/v1/chatbots/bot_1?tenant=beta")

    assert (ambiguous.status_code, ambiguous.json()["code"]) == (409, "ambiguous_chatbot")
    assert ambiguous.json()["tenants"] == ["acme", "beta"]
    assert chosen.json()["tenant"] == "beta"


async def test_several_states_of_plans_may_be_asked_for(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for query, number in (("status=Pending&status=Approved", 2), ("status=Rejected", 0), ("chatbot=bot_2", 1)):
            assert len((await client.get(f"/api/v1/plans?{query}")).json()["items"]) == number


async def test_limits_reach_from_one_to_two_hundred(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for limit, status in ((1, 200), (200, 200), (201, 422), (0, 422), (-1, 422)):
            assert (await client.get(f"/api/v1/audit?limit={limit}")).status_code == status
