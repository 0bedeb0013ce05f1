"""What another site's page has a browser send: refused by every route that may change something."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from reconciler.settings.sections import ServerSettings
from reconciler.web.http.web_settings import WebSettings
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import House, build
from tests.integration.web.test_roles import PARAMETERS, TABLE
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

HERE = "http://127.0.0.1:8080"
JSON = {"Content-Type": "application/json"}
UNSAFE = sorted(path for method, path in TABLE if method != "GET")

FOREIGN: dict[str, dict[str, str]] = {
    "a cross-site fetch": {"Sec-Fetch-Site": "cross-site", **JSON},
    "a subdomain": {"Sec-Fetch-Site": "same-site", **JSON},
    "typed by hand, which no call of this kind is": {"Sec-Fetch-Site": "none", **JSON},
    "a made-up site": {"Sec-Fetch-Site": "own", **JSON},
    "cross-site that claims our origin": {"Sec-Fetch-Site": "cross-site", "Origin": HERE, **JSON},
    "another origin": {"Origin": "https://evil.example.net", **JSON},
    "an origin that begins like ours": {"Origin": HERE + ".evil.example.net", **JSON},
    "another port": {"Origin": "http://127.0.0.1:9090", **JSON},
    "another scheme": {"Origin": "https://127.0.0.1:8080", **JSON},
    "a sandboxed frame": {"Origin": "null", **JSON},
    "an empty origin": {"Origin": "", **JSON},
}
AMBIENT: dict[str, dict[str, str]] = {
    "nothing that says where it is from": {**JSON},
    "a form": {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"},
    "a form with files": {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"},
    "plain text": {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"},
    "plain text that mentions JSON": {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain; application/json"},
    "no content type": {"Sec-Fetch-Site": "same-origin"},
}


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        assert (await client.post("/login", data={"token": "wzr_admin"})).status_code == 303
        yield client


async def test_every_unsafe_route_is_tried(house: House) -> None:
    app_routes = [each.original_route for each in iter_route_contexts(house.app.routes)]
    found = {
        str(route.path)
        for route in app_routes
        if isinstance(route, APIRoute) and (route.methods or set()) - {"GET", "HEAD"}
    }
    assert found == set(UNSAFE)


@pytest.mark.parametrize("path", UNSAFE)
async def test_what_another_site_sends_is_refused(visitor: httpx.AsyncClient, house: House, path: str) -> None:
    before = house.store.generation
    cases = FOREIGN if "/api/" not in path else FOREIGN | AMBIENT
    for what, headers in cases.items():
        answer = await visitor.post(path.format(**PARAMETERS), headers=headers, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), what
    assert house.store.generation == before


@pytest.mark.parametrize("path", [path for path in UNSAFE if "/api/" in path and "webhook" not in path])
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": HERE}])
async def test_the_own_pages_may_call(visitor: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer = await visitor.post(path.format(**PARAMETERS), headers={**headers, **JSON}, content=b"{}")

    assert answer.status_code != 403, answer.text


@pytest.mark.parametrize("path", [path for path in UNSAFE if "/api/" in path and "webhook" not in path])
async def test_a_token_is_no_browsers_and_may_call_from_anywhere(house: House, path: str) -> None:
    async with house.client("wzr_admin") as client:
        for headers in FOREIGN.values():
            answer = await client.post(path.format(**PARAMETERS), headers=headers, content=b"{}")
            assert answer.json().get("code") != "cross_site"


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site"])
@pytest.mark.parametrize("own_first", [True, False])
async def test_of_two_headers_that_say_the_origin_none_counts(
    visitor: httpx.AsyncClient, name: str, *, own_first: bool
) -> None:
    said = {"Origin": (HERE, "https://evil.example.net"), "Sec-Fetch-Site": ("same-origin", "cross-site")}[name]
    pair = [(name, each) for each in (said if own_first else reversed(said))]
    answer = await visitor.post("/api/v1/plans/plan_1/revoke", headers=[*pair, *JSON.items()])
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


async def test_a_wrong_token_beside_a_cookie_opens_nothing(visitor: httpx.AsyncClient) -> None:
    headers = {"Authorization": "Bearer wzr_wrong", "Sec-Fetch-Site": "cross-site", **JSON}
    answer = await visitor.post("/api/v1/plans/plan_1/revoke", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Bearer", ""])
@pytest.mark.parametrize("path", ["/login", "/logout", "/api/v1/plans/plan_1/revoke"])
async def test_what_a_browser_adds_by_itself_is_no_token(
    visitor: httpx.AsyncClient, house: House, authorization: str, path: str
) -> None:
    before = house.store.generation
    headers = {"Authorization": authorization, "Sec-Fetch-Site": "cross-site"}
    answer = await visitor.post(path, headers=headers, data={"token": "wzr_admin"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert house.store.generation == before


async def test_reading_needs_no_origin_and_another_site_cannot_read(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api/v1/me", headers={"Origin": "https://evil.example.net"})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_an_origin_that_may_read_by_token_gets_nothing_by_cookie(tmp_path: Path) -> None:
    clock = FakeClock()
    settings = WebSettings(server=ServerSettings(cors_origins=("https://ops.example.com",)))
    async with open_store(tmp_path, clock) as store:
        house = await build(store, clock, settings)
        async with house.client() as client:
            await client.post("/login", data={"token": "wzr_admin"})
            answer = await client.get("/api/v1/me", headers={"Origin": "https://ops.example.com"})
            assert answer.headers["access-control-allow-origin"] == "https://ops.example.com"
            assert "access-control-allow-credentials" not in answer.headers
            headers = {"Origin": "https://ops.example.com", **JSON}
            answer = await client.post("/api/v1/plans/plan_1/revoke", headers=headers)
            assert answer.json()["code"] == "cross_site"


async def test_behind_a_proxy_the_public_url_is_the_origin(tmp_path: Path) -> None:
    clock = FakeClock()
    settings = WebSettings(server=ServerSettings(public_url="https://bots.example.com"))
    async with open_store(tmp_path, clock) as store:
        house = await build(store, clock, settings)
        async with house.client() as client:
            for origin, status in (("https://bots.example.com", 303), ("https://bots.example.com.evil.net", 403)):
                headers = {"Origin": origin, "Host": "bots.example.com"}
                answer = await client.post("/login", data={"token": "wzr_admin"}, headers=headers)
                assert answer.status_code == status
