"""A signed link shows one plan, read-only, to people without an account; anything else shows the login page."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from reconciler.domain.audit import AuditEntry
from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.web.app import create_app
from reconciler.web.auth.signed_links import LinkLifetime, sign
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.records import a_plan, an_approval

pytestmark = pytest.mark.anyio

PUBLIC = "http://127.0.0.1:8080"


@pytest.fixture
async def viewer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_viewer"}, headers={"Origin": PUBLIC})
        client.headers["Origin"] = PUBLIC
        yield client


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        yield client


async def made(client: httpx.AsyncClient, plan_id: str = "plan_1", lifetime: str = "1h") -> str:
    """The link that a page shows, without the host."""
    answer = await client.post(f"/plans/{plan_id}/link", data={"lifetime": lifetime})
    assert answer.status_code == 200, answer.text
    return re.findall(rf'value="{PUBLIC}([^"]+)"', answer.text)[0].replace("&amp;", "&")


async def entries(house: House) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries()]


async def test_a_stranger_reads_the_plan_by_a_link_and_can_do_nothing_there(
    house: House, viewer: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    async with house.store.begin() as uow:
        await uow.approvals.add(an_approval(actor="ana@example.com"))
    link = await made(viewer)
    answer = await stranger.get(link)
    text = answer.text

    assert answer.status_code == 200
    assert "bot_1" in text
    assert "ana@example.com" in text
    assert "by a link that ends" in text
    assert re.findall(r"<(form|button|input|script|textarea|select)\b", text) == []
    assert 'content="noindex, nofollow"' in text
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")
    assert "set-cookie" not in answer.headers


async def test_a_shared_page_leads_nowhere_but_to_the_login(
    viewer: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    text = (await stranger.get(await made(viewer))).text

    found = re.findall(r'(?:href|src|action|hx-[a-z]+)="([^"]*)"', text)
    assert {each for each in found if not each.startswith(("#", "/static/", "data:"))} == {"/plans/plan_1"}
    assert (await stranger.get("/plans/plan_1")).headers["location"] == "/login?next=/plans/plan_1"


async def test_whoever_came_by_a_link_can_read_all_of_a_text_in_either_view(
    house: House, viewer: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    texts = ("\n".join(f"{word} {number}" for number in range(4_000)) for word in ("old", "new"))
    before, after = ({"prompt": text} for text in texts)
    async with house.store.begin() as uow:
        op = DirectedOp(Op("core", Action.UPDATE, None, before, after, ("prompt",)), Direction.GIT_AHEAD)
        await uow.plans.add(a_plan("plan_3", chatbot_id="bot_3", ops=(op,)))
    link = await made(viewer, "plan_3")
    text = (await stranger.get(link)).text
    paths = {words: path for path, words in re.findall(r'href="([^"]+)">(Unified|Show more of it)', text)}
    unified = (await stranger.get(unescape(paths["Unified"]))).text
    whole = (await stranger.get(unescape(paths["Show more of it"]))).text

    assert 'aria-current="true">Unified' in unified
    assert len(whole) > len(text)
    assert "Read all of it as JSON" not in whole


async def test_nothing_else_opens_with_a_link(viewer: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    link = await made(viewer)
    query = urlsplit(link).query
    elsewhere = ["/", "/api/v1/plans/plan_1", "/api/v1/plans", "/plans/plan_2", "/audit", "/plans/plan_1/link"]
    for path in elsewhere:
        assert (await stranger.get(f"{path}?{query}")).status_code in {303, 401, 404, 405}, path
    for path in ("/plans/plan_1/link", "/api/v1/plans/plan_1/approve"):
        answer = await stranger.post(f"{path}?{query}", data={"lifetime": "7d"})
        assert answer.status_code in {303, 401}, path


async def test_a_link_ends(house: House, viewer: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    for lifetime, lasts in (("1h", timedelta(hours=1)), ("1d", timedelta(days=1)), ("7d", timedelta(days=7))):
        link = await made(viewer, lifetime=lifetime)
        begun = house.clock.now()
        assert parse_qs(urlsplit(link).query)["until"] == [str(int((begun + lasts).timestamp()))]
        house.clock.advance(lasts.total_seconds() - 1)
        assert (await stranger.get(link)).status_code == 200
        house.clock.advance(1)
        assert (await stranger.get(link)).status_code == 303
        await viewer.post("/login", data={"token": "wzr_viewer"})


async def test_an_expired_link_leads_to_the_login_with_the_reason(
    house: House, viewer: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await made(viewer)
    house.clock.advance(3600)
    refused = await stranger.get(link)
    page = await stranger.get(refused.headers["location"])

    assert refused.headers["location"] == "/login?next=/plans/plan_1&why=link_expired"
    assert "The link has expired" in page.text
    assert 'role="alert"' in page.text
    assert 'name="next" value="/plans/plan_1"' in page.text


@pytest.mark.parametrize(
    "change",
    [
        ("plan_1?", "plan_2?"),
        ("until=", "until=1"),
        ("until=", "until=9999999999&until="),
        ("signature=", "signature=x&signature="),
        ("signature=", "signature=%00"),
        ("signature=", "signature=%D8%A1"),
        ("signature=", "signatur="),
        ("&signature", "&more=1&signature2"),
    ],
)
async def test_a_changed_link_leads_to_the_login(
    viewer: httpx.AsyncClient, stranger: httpx.AsyncClient, change: tuple[str, str]
) -> None:
    answer = await stranger.get((await made(viewer)).replace(*change))

    assert answer.status_code == 303
    assert answer.headers["location"].endswith("&why=link_wrong")


async def test_a_truncated_link_leads_to_the_login(viewer: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    link = await made(viewer)
    for length in range(len("/plans/plan_1"), len(link)):
        answer = await stranger.get(link[:length])
        assert answer.status_code == 303, link[:length]
        assert "signature" not in answer.headers["location"]


async def test_a_link_of_a_plan_that_is_not_there_tells_strangers_nothing(
    house: House, stranger: httpx.AsyncClient
) -> None:
    good = sign(house.settings.link_key, "plan_9", START + timedelta(hours=1))
    guessed = sign(b"guess" * 10, "plan_9", START + timedelta(hours=1))

    assert (await stranger.get(good)).status_code == 404
    assert (await stranger.get(guessed)).headers["location"] == "/login?next=/plans/plan_9&why=link_wrong"


async def test_another_key_ends_all_links(house: House, viewer: httpx.AsyncClient) -> None:
    link = await made(viewer)
    later = create_app(house.engine, settings=type(house.settings)())
    async with house.client(app=later) as client:
        assert (await client.get(link)).status_code == 303


async def test_who_is_signed_in_sees_what_the_link_shows_and_their_own_page_when_it_shows_nothing(
    house: House, viewer: httpx.AsyncClient
) -> None:
    link = await made(viewer)
    shared = (await viewer.get(link)).text
    house.clock.advance(3600)
    own = await viewer.get(link)

    assert "by a link that ends" in shared
    assert "Sign out" not in shared
    assert (own.status_code, "Sign out" in own.text, "by a link that ends" in own.text) == (200, True, False)


async def test_only_who_sees_a_plan_makes_a_link_to_it(house: House) -> None:
    async with house.client("wzr_main-only") as client:
        mine = await client.post("/plans/plan_1/link", data={"lifetime": "1h"})
        other = await client.post("/plans/plan_2/link", data={"lifetime": "1h"})

    assert (mine.status_code, other.status_code) == (200, 404)
    assert "signature" not in other.text


@pytest.mark.parametrize("lifetime", ["8d", "", "-1h", "1H", "7d\0", "1h&lifetime=8d"])
async def test_a_link_lasts_as_long_as_is_offered(viewer: httpx.AsyncClient, lifetime: str) -> None:
    answer = await viewer.post("/plans/plan_1/link", data={"lifetime": lifetime})

    assert answer.status_code == 422
    assert "correct these fields: lifetime" in answer.text
    assert "signature" not in answer.text
    assert {each.value for each in LinkLifetime} == set(re.findall(r'<option value="(\w+)"', answer.text))


async def test_making_a_link_is_noted_and_the_link_is_in_no_row_log_or_address(
    house: House, viewer: httpx.AsyncClient, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    link = await made(viewer)
    await stranger.get(link)
    await stranger.get(link[:-1])
    signature = parse_qs(urlsplit(link).query)["signature"][0]
    (row,) = [entry for entry in await entries(house) if entry.action == "plan.link"]
    ours = [vars(record) for record in caplog.records if record.name.startswith(("reconciler", "uvicorn"))]
    metrics = (await stranger.get("/metrics")).text

    assert (row.actor, row.subject, row.fingerprint) == ("viewer", "plan/plan_1", "f" * 64)
    until = (START + timedelta(hours=1)).isoformat()
    credential = row.detail["credential"]
    assert row.detail == {"until": until, "origin": "192.0.2.7", "credential": credential, "of_token": "tok_viewer"}
    assert any(each.get("route") == "/plans/{plan_id}" for each in ours)
    assert [each for each in (str(await entries(house)), str(ours), metrics) if signature[:20] in each] == []
    assert house.settings.link_key.hex() not in repr(house.settings)
    assert str(house.settings.link_key) not in repr(house.settings)


async def test_another_site_cannot_have_a_link_made(house: House) -> None:
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_viewer"})
        answer = await client.post(
            "/plans/plan_1/link", data={"lifetime": "7d"}, headers={"Origin": "https://evil.example"}
        )

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert not [entry for entry in await entries(house) if entry.action.startswith("plan.link")]


@pytest.mark.parametrize(
    ("referer", "target"),
    [
        ("http://127.0.0.1:8080/plans/plan_1?x=1", "/plans/plan_1"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("http://[", "/"),
    ],
)
async def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(
    stranger: httpx.AsyncClient, referer: str, target: str
) -> None:
    answer = await stranger.post("/plans/plan_1/link", data={"lifetime": "1h"}, headers={"Referer": referer})

    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={target}")
