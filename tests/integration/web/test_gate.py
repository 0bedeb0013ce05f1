from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.access import Role
from tests.fakes.clock import START
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio


async def test_a_revocation_holds_at_once_also_for_a_304(house: House) -> None:
    token = await house.add_token("leaver", Role.VIEWER)
    async with house.client("wzr_leaver") as client:
        tag = (await client.get("/api/v1/chatbots")).headers["etag"]
        async with house.store.begin() as uow:
            await uow.tokens.save(replace(token, revoked_at=START))

        assert (await client.get("/api/v1/chatbots", headers={"If-None-Match": tag})).status_code == 401


async def test_an_expired_token_never_gets_a_304(house: House) -> None:
    token = await house.add_token("guest", Role.VIEWER)
    async with house.store.begin() as uow:
        await uow.tokens.save(replace(token, expires_at=START + timedelta(hours=1)))
    async with house.client("wzr_guest") as client:
        tag = (await client.get("/api/v1/plans")).headers["etag"]
        assert (await client.get("/api/v1/plans", headers={"If-None-Match": tag})).status_code == 304
        house.clock.advance(3600)

        assert (await client.get("/api/v1/plans", headers={"If-None-Match": tag})).status_code == 401


async def test_guessing_is_limited_and_a_valid_token_is_never_touched(house: House) -> None:
    async with house.client("wzr_wrong") as client:
        codes = [(await client.get("/api/v1/status")).status_code for _ in range(22)]
        limited = await client.get("/api/v1/status")
    assert codes == [401] * 20 + [429] * 2
    assert limited.json()["code"] == "too_many_failures"
    assert int(limited.headers["retry-after"]) <= 61

    async with house.client("wzr_viewer") as client:
        assert (await client.get("/api/v1/status")).status_code == 200


@pytest.mark.parametrize("header", ["wzr_viewer", "Basic wzr_viewer", "Bearer", "Bearer ", "Bearer wzr_viewer x"])
async def test_only_a_bearer_token_counts(house: House, header: str) -> None:
    async with house.client() as client:
        answer = await client.get("/api/v1/status", headers={"Authorization": header})

    assert answer.status_code == 401


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Digest x", "wzr_viewer", ""])
async def test_another_scheme_is_a_wrong_token_also_beside_a_cookie(house: House, authorization: str) -> None:
    async with house.client() as client:
        signed_in = await client.post(
            "/login", data={"token": "wzr_viewer"}, headers={"Origin": "http://127.0.0.1:8080"}
        )
        assert signed_in.status_code == 303
        assert (await client.get("/api/v1/me")).status_code == 200
        headers = {"Authorization": authorization}
        codes = [(await client.get("/api/v1/me", headers=headers)).status_code for _ in range(22)]
    assert codes == [401] * 20 + [429] * 2


async def test_the_scheme_is_read_in_any_case(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/api/v1/status", headers={"Authorization": "bEaReR wzr_viewer"})

    assert answer.status_code == 200


async def test_a_token_of_some_sources_sees_only_what_is_theirs(house: House) -> None:
    async with house.client("wzr_main-only") as client:

        async def ids(path: str, name: str = "id") -> list[str]:
            return [item[name] for item in (await client.get(path)).json()["items"]]

        assert await ids("/api/v1/chatbots") == ["bot_1"]
        assert await ids("/api/v1/plans") == ["plan_1"]
        assert await ids("/api/v1/runs") == ["run_main"]
        assert await ids("/api/v1/runs?source=side") == []
        assert await ids("/api/v1/sources", "name") == ["main"]
        status = (await client.get("/api/v1/status")).json()
        assert status["chatbots"]["total"] == 1
        assert status["open_plans"]["total"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/chatbots/bot_2"),
        ("GET", "/api/v1/chatbots/bot_3"),
        ("GET", "/api/v1/chatbots/bot_2/history"),
        ("GET", "/api/v1/plans/plan_2"),
        ("GET", "/api/v1/runs/run_side"),
        ("GET", "/api/v1/sources/side"),
        ("POST", "/api/v1/sources/side/refresh"),
        ("POST", "/api/v1/plans/plan_2/approve"),
        ("POST", "/api/v1/plans/plan_2/apply"),
    ],
)
async def test_what_belongs_to_other_sources_is_not_there(house: House, method: str, path: str) -> None:
    async with house.client("wzr_main-only") as client:
        answer = await client.request(method, path, json={"fingerprint": "e" * 64} if method == "POST" else None)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_audit_log_is_not_for_tokens_of_some_sources(house: House) -> None:
    async with house.client("wzr_main-only") as client:
        assert (await client.get("/api/v1/audit")).status_code == 403


async def test_a_token_of_some_sources_sees_the_suspensions_that_stop_them(house: House) -> None:
    scopes = ("source/side", "source/main", "tenant/acme", "chatbot/bot_1", "chatbot/bot_2", "all")
    async with house.client("wzr_admin") as client:
        for scope in scopes:
            assert (await client.post("/api/v1/suspend", json={"scope": scope, "reason": "x"})).status_code == 200
    async with house.client("wzr_main-only") as client:
        items = (await client.get("/api/v1/suspensions")).json()["items"]

    assert {item["scope"] for item in items} == {"source/main", "tenant/acme", "chatbot/bot_1", "all"}
