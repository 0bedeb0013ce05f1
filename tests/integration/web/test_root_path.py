"""Below a path of a shared host nothing leads out of it, whether or not a proxy takes the path off."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from reconciler.errors import SettingsError
from reconciler.settings.sections import ServerSettings
from reconciler.web.app import create_app
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.ui.static_files import FOLDER
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import House, build
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

ROOT = "/reconciler"
HOST = "https://bots.example.com"
PUBLIC = HOST + ROOT
ADDRESSES = {"href", "src", "action", "formaction", "data-page", "poster", "srcset", "cite", "data", "content"}
MOST_VIEWS = 3
OWN = (f"{ROOT}/", f"{ROOT}?")


class Addresses(HTMLParser):
    """Every attribute of a page that a browser follows, loads or sends to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, value) for name, value in attrs if name in ADDRESSES and value]


def own_addresses(base: str, text: str) -> Iterator[str]:
    for tag, address in Addresses(text).found:
        if tag == "meta" or address.startswith(("data:", "#")):
            continue
        parts = urlsplit(urljoin(base, address))
        if f"{parts.scheme}://{parts.netloc}" == HOST:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture
async def below(tmp_path: Path) -> AsyncIterator[House]:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        yield await build(store, clock, WebSettings(server=ServerSettings(public_url=PUBLIC)))


def through(house: House, *, stripping: bool) -> httpx.AsyncClient:
    """A browser behind a proxy that hands on what is below the path, with or without it, and nothing else."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == ROOT or scope["path"].startswith(f"{ROOT}/"), f"{scope['path']} leaves the path"
        path = (scope["path"].removeprefix(ROOT) or "/") if stripping else scope["path"]
        await house.app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    transport = httpx.ASGITransport(proxy, client=("192.0.2.7", 4711))
    return httpx.AsyncClient(transport=transport, base_url=HOST)


@pytest.mark.parametrize("stripping", [True, False], ids=["stripping", "passing"])
async def test_no_page_leads_out_of_the_path(below: House, *, stripping: bool) -> None:
    below.tenant.live = {f"bot_{number}": {} for number in (1, 2, 3)}
    async with through(below, stripping=stripping) as client:
        await client.post(f"{ROOT}/login", data={"token": "wzr_admin"})
        todo = [f"{ROOT}/", ROOT, f"{ROOT}/login", f"{ROOT}/plans/plan_1/approve"]
        seen, views = set[str](), Counter[str]()
        while todo:
            page = todo.pop()
            # of one page a few views: the fleet's filters make very many
            if page in seen or views[page.partition("?")[0]] == MOST_VIEWS:
                continue
            seen.add(page)
            views[page.partition("?")[0]] += 1
            answer = await client.get(page)
            assert answer.status_code in {200, 303, 404, 405}, page
            if "location" in answer.headers:
                assert answer.headers["location"].startswith(OWN), page
                todo.append(answer.headers["location"])
            if answer.headers.get("content-type", "").startswith("text/html"):
                found = list(own_addresses(HOST + page, answer.text))
                assert all(each.startswith(OWN) for each in found), (page, found)
                todo += found

    paths = {urlsplit(each).path.removeprefix(ROOT).split("/")[1] for each in seen if each != ROOT}
    assert {"", "plans", "runs", "sources", "audit", "tokens", "settings", "docs", "chatbots", "static"} <= paths


@pytest.mark.parametrize("stripping", [True, False], ids=["stripping", "passing"])
async def test_people_sign_in_decide_and_sign_out_below_the_path(below: House, *, stripping: bool) -> None:
    async with through(below, stripping=stripping) as client:
        client.headers["Origin"] = HOST
        first = await client.get(f"{ROOT}/plans/plan_1")
        signed_in = await client.post(f"{ROOT}/login", data={"token": "wzr_approver", "next": "/plans/plan_1"})
        (cookie,) = signed_in.headers.get_list("set-cookie")
        plan = await client.get(signed_in.headers["location"])
        print_of = re.search(r'name="fingerprint" value="([^"]+)"', plan.text)
        assert print_of
        decided = await client.post(
            f"{ROOT}/plans/plan_1/approve",
            data={"fingerprint": print_of[1]},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        out = await client.post(f"{ROOT}/logout")
        after = await client.get(f"{ROOT}/plans/plan_1")

    assert (first.status_code, first.headers["location"]) == (303, f"{ROOT}/login?next=/plans/plan_1")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, f"{ROOT}/plans/plan_1")
    assert cookie.startswith("__Secure-reconciler=")
    assert "; Path=/reconciler;" in cookie
    assert "Secure" in cookie
    assert f"{PUBLIC}/api/v1/plans/plan_1/" in plan.text, "what is to be copied into a shell"
    assert (decided.status_code, decided.headers["location"]) == (303, f"{ROOT}/plans/plan_1")
    assert out.headers["location"] == f"{ROOT}/login"
    assert "Path=/reconciler" in out.headers["set-cookie"]
    assert after.status_code == 303


async def test_a_form_sent_without_a_session_comes_back_to_its_page(below: House) -> None:
    async with through(below, stripping=False) as client:
        answer = await client.post(f"{ROOT}/plans/plan_1/approve", headers={"Referer": f"{PUBLIC}/plans/plan_1"})

    assert answer.headers["location"] == f"{ROOT}/login?next=/plans/plan_1"


@pytest.mark.parametrize("stripping", [True, False], ids=["stripping", "passing"])
async def test_the_api_is_below_the_path(below: House, *, stripping: bool) -> None:
    async with through(below, stripping=stripping) as client:
        client.headers["Authorization"] = "Bearer wzr_viewer"
        plans = await client.get(f"{ROOT}/api/v1/plans")
        again = await client.get(f"{ROOT}/api/v1/plans", headers={"If-None-Match": plans.headers["etag"]})
        missing = (await client.get(f"{ROOT}/api/v1/plans/none")).json()
        schema = (await client.get(f"{ROOT}/openapi.json")).json()
        ready = await client.get(f"{ROOT}/healthz")
        problems = await client.get(f"{ROOT}/docs")
        delivery = await client.post(f"{ROOT}/api/v1/webhooks/main", content=b"{}")

    assert (plans.status_code, again.status_code, ready.status_code) == (200, 304, 200)
    assert delivery.json()["code"] == "webhook_not_configured", "the route was reached"
    assert missing["type"] == f"{ROOT}/docs#problem-not_found"
    assert schema["servers"] == [{"url": ROOT}]
    assert "/api/v1/plans" in schema["paths"]
    assert 'id="problem-not_found"' in problems.text


async def test_probes_ask_the_port_itself_without_the_path(below: House) -> None:
    transport = httpx.ASGITransport(below.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8080") as client:
        answers = [await client.get(path) for path in ("/healthz", "/metrics")]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_link_to_a_plan_holds_the_path(below: House) -> None:
    async with through(below, stripping=False) as client:
        client.headers["Origin"] = HOST
        await client.post(f"{ROOT}/login", data={"token": "wzr_viewer"})
        page = await client.post(f"{ROOT}/plans/plan_1/link", data={"lifetime": "1d"})
        client.cookies.clear()
        link = re.search(rf"{PUBLIC}/plans/plan_1\?[^\"<\s]+", page.text)
        assert link, page.text
        shown = await client.get(link[0].replace("&amp;", "&"))

    assert shown.status_code == 200
    assert "You read this plan by a link" in shown.text


async def test_the_issuer_sends_people_back_below_the_path(below: House) -> None:
    _, attempt = below.app.state.attempts.begin("/plans/plan_1")

    assert attempt.callback == f"{PUBLIC}/login/oidc/callback"


def test_scripts_ask_for_nothing_by_an_absolute_path() -> None:
    for script in FOLDER.glob("*.js"):
        text = script.read_text()
        assert not re.search(r"""(?:fetch|EventSource|URL|import)\(\s*["'`]/""", text), script.name
    for sheet in FOLDER.glob("*.css"):
        assert not re.search(r"url\(\s*[\"']?/", sheet.read_text()), sheet.name


async def test_a_host_for_itself_is_as_before(house: House) -> None:
    async with house.client() as client:
        page = await client.get("/login")
        missing = (await client.get("/api/v1/plans/none", headers={"Authorization": "Bearer wzr_viewer"})).json()
        schema = json.loads((await client.get("/openapi.json")).text)

    assert 'href="/static/page.css' in page.text
    assert missing["type"] == "/docs#problem-not_found"
    assert "servers" not in schema


@pytest.mark.parametrize("path", ["/plans", "/api", "/api/v1", "/static/x", "/login"])
async def test_a_path_of_our_own_is_refused(house: House, path: str) -> None:
    with pytest.raises(SettingsError, match=r"server\.public_url: the service itself has addresses below /"):
        create_app(house.engine, settings=WebSettings(server=ServerSettings(public_url=HOST + path)))


@pytest.mark.parametrize("text", ['href="/plans"', "<a href='/x'>", '"><a href="/evil">', ' href="//evil.example"'])
async def test_what_people_write_is_no_link(below: House, text: str) -> None:
    async with through(below, stripping=False) as client:
        answer = await client.get(f"{ROOT}/login", params={"next": "/plans?q=" + text})
        await client.post(f"{ROOT}/login", data={"token": "wzr_viewer"})
        page = await client.get(f"{ROOT}/", params={"q": text})

    for shown in (answer, page):
        assert f'{ROOT}/evil"' not in shown.text
        assert text not in shown.text.replace("&#39;", "'")
