import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.settings.sections import ServerSettings
from reconciler.web.http.web_settings import WebSettings
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import House, build
from tests.support.records import a_chatbot, a_plan
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

NASTY = "<script>alert(1)</script>"


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_viewer"})
        yield client


async def test_nobody_sees_a_page_without_signing_in(house: House) -> None:
    async with house.client() as client:
        fleet = await client.get("/")
        plan = await client.get("/plans/plan_1")

    assert (fleet.status_code, fleet.headers["location"]) == (303, "/login?next=/")
    assert (plan.status_code, plan.headers["location"]) == (303, "/login?next=/plans/plan_1")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    async with house.client() as client:
        answer = await client.post("/login", data={"token": "wzr_viewer", "next": "/plans/plan_1"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/plans/plan_1")
    cookie = answer.headers["set-cookie"]
    assert "wzr_viewer" not in cookie
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"))


async def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        house = await build(store, clock, WebSettings(server=ServerSettings(public_url="https://bots.example.com")))
        async with house.client() as client:
            answer = await client.post("/login", data={"token": "wzr_viewer"})

    assert answer.headers["set-cookie"].startswith("__Host-reconciler=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(
    "target", ["https://evil.example.net", "//evil.example.net", "/\\evil", "/logout", "/plans/../x"]
)
async def test_signing_in_never_leads_to_another_site(house: House, target: str) -> None:
    async with house.client() as client:
        answer = await client.post("/login", data={"token": "wzr_viewer", "next": target})

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("token", ["", "wzr_wrong", NASTY])
async def test_a_wrong_token_is_refused_on_the_form(house: House, token: str) -> None:
    async with house.client() as client:
        answer = await client.post("/login", data={"token": token})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert NASTY not in answer.text


async def test_the_fleet_lists_chatbots_and_open_plans(visitor: httpx.AsyncClient) -> None:
    text = (await visitor.get("/")).text

    assert "3 chatbots" in text
    assert 'href="/plans/plan_1"' in text
    assert "Careers" in text
    assert "Careers" not in (await visitor.get("/?q=bot_1")).text.split("<h2>Chatbots</h2>")[1]


async def test_nothing_in_a_value_becomes_markup(house: House, visitor: httpx.AsyncClient) -> None:
    op = Op("skills", Action.CREATE, NASTY, None, {"name": NASTY, NASTY: NASTY + "\u202e"})
    plan = a_plan("plan_3", chatbot_id=NASTY, ops=(DirectedOp(op, Direction.GIT_AHEAD),), message=NASTY, path=NASTY)
    chatbot = a_chatbot(NASTY, source="main", plan_id="plan_3", name=NASTY, message=NASTY, labels={NASTY: NASTY})
    async with house.store.begin() as uow:
        await uow.plans.add(plan)
        await uow.chatbots.add(chatbot)
    for path in ("/", "/plans/plan_3", "/?q=" + NASTY, "/plans/" + NASTY.replace("/", "")):
        text = (await visitor.get(path)).text
        assert NASTY not in text
        assert "<script>" not in text
        assert "style=" not in text
    assert "\\u202e" in (await visitor.get("/plans/plan_3")).text


async def test_pages_of_a_token_of_some_sources_show_only_these(house: House) -> None:
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_main-only"})
        fleet = (await client.get("/")).text
        other = await client.get("/plans/plan_2")

    assert "bot_1" in fleet
    assert "bot_2" not in fleet
    assert (other.status_code, "There is no plan" in other.text) == (404, True)


async def test_pages_load_nothing_from_elsewhere(visitor: httpx.AsyncClient) -> None:
    for path in ("/", "/plans/plan_1", "/login", "/docs"):
        answer = await visitor.get(path)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert all(
            word not in answer.text for word in ("<script>", "<style", " style=", 'src="http', 'href="http', "onclick")
        )
    assert (await visitor.get("/static/page.css")).headers["content-type"].startswith("text/css")


async def test_an_error_of_a_page_is_a_page(house: House, visitor: httpx.AsyncClient) -> None:
    async with house.client() as nobody:
        unknown = await nobody.get("/login/oidc")
        nowhere = await nobody.get("/nowhere", headers={"Accept": "text/html"})
        program = await nobody.get("/nowhere")
    invalid = await visitor.get("/?unheard-of=1")

    assert [answer.status_code for answer in (unknown, nowhere, program, invalid)] == [404, 404, 404, 422]
    assert "<h1>There is no such thing</h1>" in unknown.text
    assert nowhere.headers["content-type"].startswith("text/html")
    assert program.headers["content-type"] == "application/problem+json"
    assert "Correct these fields: query.unheard-of." in invalid.text
    assert "viewer" in invalid.text, "who is signed in stays so"


async def test_a_browser_keeps_what_cannot_change(house: House) -> None:
    async with house.client() as client:
        page = (await client.get("/login")).text
        address = re.findall(r'href="(/static/page.css[^"]*)"', page)[0]
        kept = await client.get(address)
        other = await client.get("/static/page.css")

    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert other.headers["cache-control"] == "no-cache"
    assert kept.headers["content-encoding"] == "gzip"
