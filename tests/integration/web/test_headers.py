"""The headers of every answer, of every route and every kind of error; and what a Host header may be."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.errors import StoreError
from reconciler.settings.sections import ServerSettings
from reconciler.web.http.web_settings import WebSettings
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import House, build
from tests.integration.web.test_error_handlers import CASES, broken
from tests.integration.web.test_roles import PARAMETERS, TABLE
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip


def check(answer: httpx.Response, *, secure: bool = False) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value], (answer.request.url, name)
    (policy,) = answer.headers.get_list("content-security-policy")
    assert {part.strip() for part in policy.split(";")} == POLICY
    assert "camera=()" in answer.headers["permissions-policy"]
    assert len(answer.headers.get_list("cache-control")) == 1, answer.request.url
    assert "public" not in answer.headers["cache-control"]
    assert ("strict-transport-security" in answer.headers) is secure
    assert "server" not in answer.headers


@pytest.mark.parametrize("token", [None, "wzr_wrong", "wzr_viewer", "wzr_admin"])
async def test_every_route_answers_with_them_whoever_asks(house: House, token: str | None) -> None:
    async with house.client(token) as client:
        for method, path in TABLE:
            url = "/static/page.css" if path == "/static" else path.format(**PARAMETERS)
            for asked in {method, "GET", "HEAD", "POST", "DELETE", "OPTIONS"}:
                check(await client.request(asked, url, json={} if asked == "POST" else None))
            house.clock.advance(60)


@pytest.mark.parametrize(("method", "path", "given"), [case[:3] for case in CASES])
async def test_every_error_answers_with_them(house: House, method: str, path: str, given: dict[str, Any]) -> None:
    async with house.client("wzr_admin") as client:
        check(await client.request(method, path, **given))


@pytest.mark.parametrize("error", [RuntimeError("x"), StoreError("x")])
async def test_a_program_that_fails_answers_with_them(house: House, error: Exception) -> None:
    async with broken(house, error) as client:
        check(await client.get("/api/v1/plans"))


async def test_nothing_new_answers_with_them(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for path in ("/api/v1/plans", "/api/v1/status", "/static/page.css"):
            tag = (await client.get(path)).headers["etag"]
            answer = await client.get(path, headers={"If-None-Match": tag})
            assert answer.status_code == 304
            check(answer)


async def test_over_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        house = await build(store, clock, WebSettings(server=ServerSettings(public_url="https://bots.example.com")))
        async with house.client() as client:
            for path in ("/login", "/api/v1/me", "/nowhere", "/static/page.css", "/healthz"):
                check(await client.get(path), secure=True)


BAD_HOSTS = [
    "evil.example.net",
    "127.0.0.1.evil.example.net",
    "evil.example.net:8080",
    "evil.example.net/api/v1/healthz",
    "evil.example.net/healthz?",
    "evil.example.net#@127.0.0.1",
    "127.0.0.1@evil.example.net",
    "127.0.0.1:8080@evil.example.net",
    "localhost.evil.example.net",
    "[::1].evil.example.net",
    "127.0.0.1/healthz#",
    "127.0.0.1?x=/healthz",
    "127.0.0.1\\healthz",
    "/healthz",
    "",
    " ",
    "0x7f.1",
    "2130706433",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
async def test_a_host_that_is_not_ours_opens_no_protected_route(house: House, host: str) -> None:
    async with house.client() as client:
        for (method, path), row in TABLE.items():
            if row.role is None:
                continue
            answer = await client.request(method, path.format(**PARAMETERS), headers={"Host": host}, json=row.body)
            assert answer.status_code in {303, 400, 401, 403}, (host, path)
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/login?next=/")


async def test_forwarded_headers_of_strangers_are_not_believed(house: House) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example.net", "X-Forwarded-Proto": "https"}
    async with house.client("wzr_viewer") as client:
        answer = await client.post(
            "/api/v1/plans/plan_1/approve",
            json={"fingerprint": "f" * 64},
            headers={**headers, "Forwarded": "for=1.2.3.4"},
        )
        assert answer.status_code == 403
        page = await client.get("/login", headers=headers)
        assert "evil.example.net" not in page.text + str(page.headers)
    (entry,) = (await house.store.queries.audit(None, limit=10, cursor=None)).items
    assert entry.detail["origin"] == "192.0.2.7"
