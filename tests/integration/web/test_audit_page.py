"""The audit page: decisions in words, found by filters, in parts, for whoever may see all sources."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from reconciler.domain.access import Role
from reconciler.engine.audit.entries import audit
from reconciler.engine.context import Actor
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

NASTY = "<script>alert(1)</script>\u202e"
SEEN = {"fingerprint": "f" * 64}


@pytest.fixture
async def viewer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client("wzr_viewer") as client:
        yield client


async def note(house: House, *actions: str, subject: str = "plan/plan_1", by: str = "ana", **detail: object) -> None:
    for action in actions:
        async with house.store.begin() as uow:
            await audit(uow, Actor(by, Role.ADMIN, origin="192.0.2.7"), action, subject, detail=detail)


def shown(text: str) -> list[str]:
    """The entries of the page, as one reads them."""
    cells = re.findall(r'<td role="cell"><p>(.*?)</p>', text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in cells]


async def test_decisions_are_told_in_words(house: House, viewer: httpx.AsyncClient) -> None:
    async with house.client("wzr_approver") as client:
        await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": "0" * 64})
        await client.post("/api/v1/plans/plan_1/approve", json={**SEEN, "comment": "looks good"})
    answer = await viewer.get("/audit")

    found = shown(answer.text)
    assert answer.status_code == 200
    assert "approver approved plan plan_1: looks good" in found
    assert any(each.startswith("⊘ refused approver was refused to approve plan plan_1: ") for each in found)
    assert any(each.startswith("approver moved plan plan_1 to Approved") for each in found)
    assert 'href="/plans/plan_1"' in answer.text
    assert 'href="/chatbots/acme/bot_1"' in answer.text


async def test_what_names_a_chatbot_is_found_on_its_page_and_by_the_api(
    house: House, viewer: httpx.AsyncClient
) -> None:
    async with house.client("wzr_approver") as client:
        assert (await client.post("/api/v1/plans/plan_1/approve", json=SEEN)).status_code == 200
    text = (await viewer.get("/audit?subject=chatbot/bot_1&actor=APPROVER")).text
    items = (await viewer.get("/api/v1/audit", params={"subject": "chatbot/bot_1", "actor": "APPROVER"})).json()[
        "items"
    ]

    assert "No decision fits" not in text
    assert [item["action"] for item in items] == ["plan.approved", "plan.approve"]
    assert len(shown(text)) == 2


async def test_the_rest_of_an_entry_is_folded(house: House, viewer: httpx.AsyncClient) -> None:
    await note(house, "plan.approve", comment="yes", approvals=["a", "b"], run="run_main")
    text = (await viewer.get("/audit")).text
    (details,) = re.findall(r"<details id=[^>]+><summary>Details.*?</details>", text, re.DOTALL)

    assert all(part in details for part in ("[&#34;a&#34;, &#34;b&#34;]", "192.0.2.7", "prev_hash", "0" * 64))
    assert 'href="/runs/run_main"' in text


async def test_filters_are_kept_and_hold_together(house: House, viewer: httpx.AsyncClient) -> None:
    await note(house, "plan.approve", "plan.reject", by="ana")
    await note(house, "plan.approve", "suspend", by="bob", subject="source/main")
    wanted = {
        "": 4, "subject=&actor=&action=": 4, "actor=bob": 2, "action=plan.": 3, "actor=bob&action=plan.": 1,
        "subject=source/main": 2, "subject=source/main&actor=ana": 0,
    }  # fmt: skip
    for query, count in wanted.items():
        assert len(shown((await viewer.get(f"/audit?{query}")).text)) == count, query
    text = (await viewer.get("/audit?actor=bob&action=plan.")).text

    assert 'name="actor" value="bob"' in text
    assert 'name="action" value="plan."' in text
    assert "No decision fits these filters." in (await viewer.get("/audit?actor=nobody")).text


async def test_the_log_is_read_in_parts_with_its_filters(house: House, viewer: httpx.AsyncClient) -> None:
    await note(house, *["plan.approve"] * 120, by="ana")
    await note(house, "suspend", by="bob")
    path, found, pages = "/audit?actor=ana", 0, 0
    while path:
        text = (await viewer.get(path)).text
        found, pages = found + len(shown(text)), pages + 1
        assert ("← Newest" in text) is (pages > 1)
        following = re.findall(r'href="([^"]+)" rel="next"', text)
        path = following[0].replace("&amp;", "&") if following else ""

    assert (found, pages) == (120, 3)


@pytest.mark.parametrize("query", ["cursor=made-up", "cursor=%00"])
async def test_a_made_up_cursor_leads_to_the_beginning(viewer: httpx.AsyncClient, query: str) -> None:
    answer = await viewer.get(f"/audit?{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")


async def test_what_cannot_be_meant_is_said(viewer: httpx.AsyncClient) -> None:
    for query in ("actor=" + "x" * 201, "actor=%00", "unheard=of"):
        answer = await viewer.get(f"/audit?{query}")
        assert (answer.status_code, "Correct these fields" in answer.text) == (422, True), query


async def test_nothing_in_an_entry_becomes_markup(house: House, viewer: httpx.AsyncClient) -> None:
    await note(house, NASTY, subject=f"plan/{NASTY}", by=NASTY, comment=NASTY, **{NASTY: {NASTY: NASTY}})
    await note(house, "suspend", subject=NASTY, chatbot=NASTY, run="../../x", tenant=NASTY)
    for text in [(await viewer.get("/audit")).text, (await viewer.get("/audit", params={"actor": NASTY})).text]:
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert 'href="/runs/..%2F..%2Fx"' in text or 'value="&lt;' in text
        assert re.findall(r'href="[^"]*(?:\.\./|<)', text) == []


async def test_who_may_see_some_sources_is_told_so_and_has_no_way_there(house: House) -> None:
    async with house.client("wzr_main-only") as client:
        answer = await client.get("/audit")
        fleet = (await client.get("/")).text

    assert answer.status_code == 403
    assert "This concerns every source; main-only is viewer for main only." in answer.text
    assert [path for path in ("/audit", "/tokens", "/settings") if f'href="{path}"' in fleet] == []


async def test_tokens_are_linked_for_admins_alone(house: House, viewer: httpx.AsyncClient) -> None:
    await note(house, "token.create", subject="token/ci")
    await note(house, "person.bar", subject="person/ann")
    await note(house, "suspend", subject="chatbot/bot 1")
    async with house.client("wzr_admin") as client:
        admins = (await client.get("/audit")).text

    assert 'href="/tokens#people"' in admins
    assert 'href="/?q=bot+1"' in admins
    assert "/tokens" not in (await viewer.get("/audit")).text
