"""One shape of errors, whichever way they arise."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.errors import StoreError
from reconciler.ports import ParseCache
from reconciler.storage import Queries, UnitOfWork
from reconciler.web.app import create_app
from reconciler.web.http.problems import MEDIA_TYPE, Code
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

SECRET = "password=hunter2"
APPROVE = "/api/v1/plans/plan_1/approve"


class BrokenQueries:
    """Reads that fail, all but those of the tokens."""

    def __init__(self, queries: Queries, error: Exception) -> None:
        self.tokens, self.people, self.sessions = queries.tokens, queries.people, queries.sessions
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


class BrokenStore:
    """A store whose reads fail."""

    def __init__(self, house: House, error: Exception) -> None:
        self._house = house
        self.queries: Any = BrokenQueries(house.store.queries, error)
        self.generation = "broken"
        self.feed = house.store.feed

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._house.store.begin()

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._house.store.read()

    def parse_cache(self, source: str) -> ParseCache:
        return self._house.store.parse_cache(source)


def check(answer: httpx.Response, code: Code) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.status_code, body["status"], body["code"], body["title"]) == (
        code.status,
        code.status,
        code,
        code.heading,
    )
    assert body["type"] == f"/docs#problem-{code}"
    assert body["detail"]
    return body


CASES: Sequence[tuple[str, str, dict[str, Any], Code]] = [
    ("GET", "/nowhere", {}, Code.NOT_FOUND),
    ("GET", "/api/v1/nowhere", {}, Code.NOT_FOUND),
    ("GET", "/api/v1/plans/", {}, Code.NOT_FOUND),
    ("GET", "/static/nothing.css", {}, Code.NOT_FOUND),
    ("DELETE", "/api/v1/plans", {}, Code.METHOD_NOT_ALLOWED),
    ("GET", "/api/v1/plans/none", {}, Code.NOT_FOUND),
    ("GET", "/api/v1/plans?limit=0", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans?limit=201", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans?limit=many", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans?stauts=Pending", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans?status=pending", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans?cursor=nonsense", {}, Code.INVALID_CURSOR),
    ("GET", "/api/v1/plans?cursor=%00", {}, Code.INVALID_CURSOR),
    ("GET", "/api/v1/chatbots/a%00b", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/chatbots?q=a%00b", {}, Code.INVALID_REQUEST),
    ("GET", "/api/v1/plans/plan_1", {"headers": {"Accept": "image/png"}}, Code.NOT_ACCEPTABLE),
    ("GET", "/api/v1/status", {"headers": {"Host": "evil.example.net"}}, Code.HOST_NOT_ALLOWED),
    ("POST", APPROVE, {}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {"fingerprint": 1}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {"fingerprint": "f" * 64, "apply": "yes"}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {"fingerprint": "f" * 64, "force": True}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {"fingerprint": "f" * 64, "overrides": {"deletes": True}}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": {"fingerprint": "f" * 64, "comment": "a\0b"}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"json": ["f" * 64]}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, Code.INVALID_REQUEST),
    ("POST", APPROVE, {"content": b"{", "headers": {"Content-Type": "application/json"}}, Code.MALFORMED_BODY),
    ("POST", APPROVE, {"content": b"\xff", "headers": {"Content-Type": "application/json"}}, Code.BAD_REQUEST),
    ("POST", APPROVE, {"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, Code.BAD_REQUEST),
    ("POST", APPROVE, {"content": b" " * (1024 * 1024 + 1)}, Code.BODY_TOO_LARGE),
    ("POST", APPROVE, {"json": {"fingerprint": "0" * 64}}, Code.FINGERPRINT_MISMATCH),
    ("POST", "/api/v1/plans/plan_1/apply", {"json": {"fingerprint": "f" * 64}}, Code.PLAN_NOT_APPROVED),
    ("POST", "/api/v1/suspend", {"json": {"scope": "everything", "reason": "x"}}, Code.INVALID_REQUEST),
    ("POST", "/api/v1/suspend", {"json": {"scope": "source/", "reason": "x"}}, Code.INVALID_REQUEST),
    ("POST", "/api/v1/suspend", {"json": {"scope": "source/none", "reason": "x"}}, Code.NOT_FOUND),
    ("POST", "/api/v1/suspend", {"json": {"scope": "all", "reason": " "}}, Code.INVALID_REQUEST),
    ("POST", "/api/v1/suspend", {"json": {"scope": "all", "reason": "x", "until": 1}}, Code.INVALID_REQUEST),
    ("POST", "/api/v1/suspend", {"json": {"scope": "all", "reason": "x", "until": "2026"}}, Code.INVALID_REQUEST),
    (
        "POST",
        "/api/v1/suspend",
        {"json": {"scope": "all", "reason": "x", "until": "2020-01-01T00:00:00Z"}},
        Code.INVALID_REQUEST,
    ),
    (
        "POST",
        "/api/v1/suspend",
        {"json": {"scope": "all", "reason": "x", "until": "9999-12-31T23:59:59-23:59"}},
        Code.INVALID_REQUEST,
    ),
    (
        "POST",
        "/api/v1/suspend",
        {"json": {"scope": "all", "reason": "x", "until": "0001-01-01T00:00:00+23:59"}},
        Code.INVALID_REQUEST,
    ),
    (
        "POST",
        "/api/v1/suspend",
        {"json": {"scope": "all", "reason": "x", "until": "2026-12-01T00:00:00"}},
        Code.INVALID_REQUEST,
    ),
    ("POST", "/api/v1/sources/none/refresh", {}, Code.NOT_FOUND),
    ("POST", "/api/v1/sources/main/accept", {"json": {"revision": "c", "reason": "x"}}, Code.NOTHING_TO_ACCEPT),
    ("GET", "/api/v1/status", {"headers": {"X-Long": "x" * 17_000}}, Code.HEADERS_TOO_LARGE),
    ("GET", "/api/v1/status", {"headers": {f"X-{n}": "x" for n in range(101)}}, Code.HEADERS_TOO_LARGE),
    ("GET", "/api/v1/plans?q=" + "x" * 17_000, {}, Code.HEADERS_TOO_LARGE),
]


@pytest.mark.parametrize(("method", "path", "given", "code"), CASES)
async def test_every_error_is_a_problem_document(
    house: House, method: str, path: str, given: dict[str, Any], code: Code
) -> None:
    async with house.client("wzr_admin") as client:
        check(await client.request(method, path, **given), code)


async def test_a_body_is_capped_while_it_streams(house: House) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 100_000

    async with house.client("wzr_admin") as client:
        check(await client.post(APPROVE, content=endless()), Code.BODY_TOO_LARGE)
    assert sent < 15


async def test_what_was_sent_is_never_echoed(house: House) -> None:
    async with house.client("wzr_admin") as client:
        for ask in ({"fingerprint": {"x": SECRET}}, {"fingerprint": "f", "comment": [SECRET]}, SECRET):
            answer = await client.post(APPROVE, json=ask)
            assert "hunter2" not in answer.text
            assert answer.json()["errors"]


async def test_the_fields_that_are_wrong_are_named(house: House) -> None:
    async with house.client("wzr_admin") as client:
        body = check(await client.post(APPROVE, json={"extra": 1}), Code.INVALID_REQUEST)

    assert [error["loc"] for error in body["errors"]] == [["body", "fingerprint"], ["body", "extra"]]


@pytest.mark.parametrize("given", [{}, {"json": ["f"]}, {"data": {"fingerprint": "f" * 64}}])
async def test_a_body_that_is_no_json_object_is_told_how_to_be_sent(house: House, given: dict[str, Any]) -> None:
    async with house.client("wzr_admin") as client:
        body = check(await client.post(APPROVE, **given), Code.INVALID_REQUEST)

    assert "Content-Type: application/json" in body["detail"]


@asynccontextmanager
async def broken(house: House, error: Exception) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(replace(house.engine, store=BrokenStore(house, error)), settings=house.settings)
    async with house.client("wzr_admin", app) as client:
        yield client


@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/v1/status", "/metrics"])
async def test_nothing_of_an_unexpected_error_goes_out_or_into_the_log(
    house: House, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with broken(house, RuntimeError(SECRET)) as client:
        answer = await client.get(path)

    check(answer, Code.INTERNAL_ERROR)
    logged = [record.__dict__ for record in caplog.records if record.name.startswith("reconciler")]
    assert "hunter2" not in answer.text + str(logged)
    assert "RuntimeError" in [said.get("error") for said in logged]


@pytest.mark.parametrize("path", ["/api/v1/plans", "/readyz", "/metrics"])
async def test_a_database_that_does_not_answer_is_503(house: House, path: str) -> None:
    async with broken(house, StoreError("the database is locked: try again")) as client:
        check(await client.get(path), Code.STORE_UNAVAILABLE)
        assert (await client.get("/healthz")).status_code == 200
