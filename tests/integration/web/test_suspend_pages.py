"""Suspending and resuming by forms: the same use cases as the API's, and what is refused keeps what was typed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from reconciler.domain.suspensions import ScopeKind, Suspension
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

SCOPE = {"scope": "chatbot/bot_1", "back": "/chatbots/acme/bot_1"}
OWN = {"Origin": "http://127.0.0.1:8080"}
NASTY = "<script>alert(1)</script>\u202e"


@asynccontextmanager
async def signed_in(house: House, name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        client.headers.update(OWN)
        await client.post("/login", data={"token": house.tokens[name]})
        yield client


@pytest.fixture
async def operator(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(house, "operator") as client:
        yield client


async def standing(house: House) -> list[Suspension]:
    return list(await house.store.queries.suspensions())


async def test_a_form_suspends_until_a_time_in_utc_and_resumes(house: House, operator: httpx.AsyncClient) -> None:
    done = await operator.post("/suspend", data={**SCOPE, "reason": " freeze ", "until": "2026-03-02T09:30"})
    assert (done.status_code, done.headers["location"]) == (303, "/chatbots/acme/bot_1")
    (suspension,) = await standing(house)
    assert (suspension.kind, suspension.subject, suspension.reason) == (ScopeKind.CHATBOT, "bot_1", "freeze")
    assert (suspension.actor, str(suspension.until)) == ("operator", "2026-03-02 09:30:00+00:00")

    done = await operator.post("/resume", data=SCOPE)
    assert (done.status_code, done.headers["location"]) == (303, "/chatbots/acme/bot_1")
    assert await standing(house) == []


async def test_without_an_end_it_lasts(house: House, operator: httpx.AsyncClient) -> None:
    await operator.post("/suspend", data={"scope": "all", "reason": "freeze", "until": ""})
    assert [each.until for each in await standing(house)] == [None]


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil", "javascript:alert(1)", "/logout"]
)
async def test_a_form_never_leads_to_another_site(operator: httpx.AsyncClient, back: str) -> None:
    done = await operator.post("/suspend", data={"scope": "all", "reason": "freeze", "back": back})
    refused = await operator.post("/suspend", data={"scope": "all", "back": back})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert 'name="back" value="/"' in refused.text


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"reason": "", "until": "2026-03-02T09:30"}, 422, "correct these fields: reason"),
        ({"reason": "freeze", "until": "2025-03-02T09:30"}, 422, "correct until: it has passed"),
        ({"reason": "freeze", "until": "soon"}, 422, "correct these fields: until"),
        ({"reason": "freeze" * 1000}, 422, "correct these fields: reason"),
        ({"reason": "freeze", "scope": "chatbot/none"}, 404, "there is no chatbot"),
        ({"reason": "freeze", "scope": "nothing"}, 422, "correct these fields: scope"),
        ({"reason": "freeze", "scope": ""}, 422, "correct these fields: scope"),
    ],
)
async def test_what_is_refused_is_said_and_what_was_typed_is_kept(
    house: House, operator: httpx.AsyncClient, form: dict[str, str], status: int, said: str
) -> None:
    answer = await operator.post("/suspend", data={**SCOPE, **form})
    assert answer.status_code == status
    assert said in answer.text.partition('role="alert"')[2]
    assert f">{form['reason']}</textarea>" in answer.text
    assert f'value="{form.get("until", "")}"' in answer.text
    assert 'href="/chatbots/acme/bot_1"' in answer.text
    assert await standing(house) == []


async def test_a_limited_operator_is_refused_what_concerns_others_and_a_row_says_so(house: House) -> None:
    async with signed_in(house, "main-only") as client:
        answer = await client.post("/suspend", data={"scope": "all", "reason": "freeze"})
        unseen = await client.post("/suspend", data={"scope": "chatbot/bot_2", "reason": "freeze"})
    assert (answer.status_code, "this concerns every source" in answer.text) == (403, True)
    assert (unseen.status_code, "Careers" in unseen.text) == (404, False)
    rows = (await house.store.queries.audit(None, limit=2, cursor=None)).items
    assert [(row.action, row.subject) for row in rows] == [
        ("suspend.refused", "chatbot/bot_2"),
        ("suspend.refused", "all"),
    ]


async def test_a_viewer_is_refused(house: House) -> None:
    async with signed_in(house, "viewer") as client:
        for path in ("/suspend", "/resume"):
            answer = await client.post(path, data={"scope": "all", "reason": "freeze"})
            assert (answer.status_code, "needs the role operator" in answer.text) == (403, True)
    assert await standing(house) == []


async def test_another_site_suspends_nothing(house: House, operator: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = await operator.post("/suspend", data={"scope": "all", "reason": "freeze"}, headers=headers)
    assert answer.status_code == 403
    assert await standing(house) == []


async def test_nothing_that_was_typed_becomes_markup(operator: httpx.AsyncClient) -> None:
    form = {"scope": NASTY, "reason": NASTY, "until": f'"{NASTY}', "back": NASTY}
    answer = await operator.post("/suspend", data=form)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text
    assert "\\u202e" in answer.text
