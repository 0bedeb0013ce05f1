"""What is asked for again is answered without a row read, and never with what somebody else may see, or what was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from reconciler.domain.access import Role
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.web.app import create_app
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.integration.web.test_credential_reads import CountedStore
from tests.integration.web.test_prebuilt import CountedQueries
from tests.support.records import a_chatbot, a_run

pytestmark = pytest.mark.anyio

LISTS = ("/api/v1/chatbots", "/api/v1/plans", "/api/v1/runs", "/api/v1/audit", "/api/v1/plans/plan_1", "/api/v1/me")
MOVING = ("/api/v1/status", "/api/v1/sources", "/api/v1/sources/main", "/api/v1/suspensions")


def _counted(house: House, **more: Any) -> tuple[FastAPI, CountedQueries]:
    """The house's web, with its reads counted."""
    store: Any = CountedStore(house.store)
    store.queries = counted = CountedQueries(house.store.queries)
    return create_app(replace(house.engine, store=store), settings=house.settings, **more), counted


async def _ids(client: httpx.AsyncClient, path: str) -> Sequence[str]:
    return [item["id"] for item in (await client.get(path)).raise_for_status().json()["items"]]


@pytest.mark.parametrize("path", LISTS)
async def test_what_nothing_has_changed_is_answered_again_without_a_read(house: House, path: str) -> None:
    app, counted = _counted(house)
    async with house.client("wzr_admin", app) as client:
        first = await client.get(path)
        counted.asked_for.clear()
        again = await client.get(path)
        assert not counted.asked_for
        assert first.status_code == again.status_code == 200
        assert first.content == again.content
        own = {"x-request-id"}
        assert [*first.headers.keys()] == [*again.headers.keys()]
        assert {name for name, value in first.headers.items() if again.headers[name] != value} == own
        async with house.store.begin() as uow:
            await uow.runs.add(a_run("run_9"))
        await client.get(path)
    assert counted.asked_for


async def test_a_change_is_told_by_the_next_answer(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        assert "bot_9" not in await _ids(client, "/api/v1/chatbots")
        async with house.store.begin() as uow:
            await uow.chatbots.add(a_chatbot("bot_9", source="main"))
        assert "bot_9" in await _ids(client, "/api/v1/chatbots")


async def test_nobody_is_given_what_was_kept_for_another(house: House) -> None:
    async with house.client("wzr_admin") as everything, house.client("wzr_main-only") as limited:
        for _ in range(2):
            assert await _ids(everything, "/api/v1/chatbots") == ["bot_1", "bot_2", "bot_3"]
            assert await _ids(limited, "/api/v1/chatbots") == ["bot_1"]
    async with house.client() as stranger, house.client("wzr_nobody") as guesser:
        assert {(await one.get("/api/v1/chatbots")).status_code for one in (stranger, guesser)} == {401}


async def test_a_revoked_token_is_given_nothing_that_was_kept(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        await client.get("/api/v1/chatbots")
        async with house.store.begin() as uow:
            token = next(token for token in await uow.tokens.all() if token.name == "viewer")
            await uow.tokens.save(replace(token, revoked_at=house.clock.now()))
        assert (await client.get("/api/v1/chatbots")).status_code == 401


async def test_an_answer_is_kept_for_its_address_and_form_alone(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        assert len(await _ids(client, "/api/v1/chatbots")) == 3
        assert len(await _ids(client, "/api/v1/chatbots?limit=1")) == 1
        text = {"Accept": "text/plain"}
        plan = [await client.get("/api/v1/plans/plan_1", headers=headers) for headers in ({}, text, {}, text)]
    assert [answer.headers["content-type"].partition(";")[0] for answer in plan] == [
        "application/json",
        "text/plain",
    ] * 2


async def test_it_is_kept_apart_how_an_answer_travels(house: House) -> None:
    async with house.store.begin() as uow:
        for number in range(10, 30):
            await uow.chatbots.add(a_chatbot(f"bot_{number}", source="main"))
    async with house.client("wzr_viewer") as client:
        forms = ("gzip", "identity", "gzip", "gzip;q=0")
        answers = [await client.get("/api/v1/chatbots", headers={"Accept-Encoding": form}) for form in forms]
    assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", None, "gzip", None]
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["etag"] for answer in answers} == {answers[0].headers["etag"]}


async def test_what_is_refused_or_missing_is_not_kept(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for path, status in (("/api/v1/plans/plan_9", 404), ("/api/v1/tokens", 403), ("/api/v1/plans?limit=0", 422)):
            answers = [await client.get(path) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [status] * 2
            assert answers[0].json()["detail"] == answers[1].json()["detail"]


async def test_where_commits_of_others_are_heard_later_every_answer_is_read(house: House) -> None:
    app, counted = _counted(house, keeps_answers=False)
    async with house.client("wzr_viewer", app) as client:
        for _ in range(3):
            await client.get("/api/v1/chatbots")
    assert counted.asked_for["chatbots"] == 3


async def test_kept_answers_are_counted_with_their_route(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for _ in range(3):
            await client.get("/api/v1/plans/plan_1")
        metrics = (await client.get("/metrics")).text
    assert 'reconciler_http_requests_total{method="GET",route="/api/v1/plans/{plan_id}",status="200"} 3.0' in metrics


@pytest.mark.parametrize("path", MOVING)
async def test_a_poll_of_what_moves_reads_no_row_while_it_does_not(house: House, path: str) -> None:
    app, counted = _counted(house)
    async with house.client("wzr_viewer", app) as client:
        tag = (await client.get(path)).headers["etag"]
        counted.asked_for.clear()
        for _ in range(3):
            assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
        assert not counted.asked_for
        async with house.store.begin() as uow:
            await uow.runs.add(a_run("run_9", source="side"))
        # what is new may leave the answer as it was
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
    assert counted.asked_for


async def test_calls_that_were_made_are_told_by_the_next_poll(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        tag = (await client.get("/api/v1/status")).headers["etag"]
        assert (await client.get("/api/v1/status", headers={"If-None-Match": tag})).status_code == 304
        house.tenant.used += 1
        new = await client.get("/api/v1/status", headers={"If-None-Match": tag})
        assert new.status_code == 200
        assert new.json()["budgets"][0]["used_today"] == house.tenant.used
        house.tenant.used -= 1
        assert (await client.get("/api/v1/status", headers={"If-None-Match": tag})).status_code == 304


@pytest.mark.parametrize("path", MOVING)
async def test_a_suspension_that_ends_by_the_clock_is_told_by_the_next_poll(house: House, path: str) -> None:
    stop = Suspension(
        id="sus_1",
        kind=ScopeKind.SOURCE,
        subject="main",
        reason="a release",
        actor="ann",
        created_at=START,
        until=START + timedelta(seconds=3),
    )
    async with house.store.begin() as uow:
        await uow.suspensions.add(stop)
    async with house.client("wzr_viewer") as client:
        tag = (await client.get(path)).headers["etag"]
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
        house.clock.advance(3)
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_token_that_ends_by_the_clock_is_told_by_the_next_poll(house: House) -> None:
    token = await house.add_token("short", Role.VIEWER)
    async with house.store.begin() as uow:
        await uow.tokens.save(replace(token, expires_at=house.clock.now() + timedelta(seconds=3)))
    async with house.client("wzr_admin") as client:
        tag = (await client.get("/api/v1/tokens")).headers["etag"]
        assert (await client.get("/api/v1/tokens", headers={"If-None-Match": tag})).status_code == 304
        house.clock.advance(3)
        assert (await client.get("/api/v1/tokens", headers={"If-None-Match": tag})).status_code == 200
