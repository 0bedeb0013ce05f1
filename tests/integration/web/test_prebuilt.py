"""What strangers may ask for costs nothing the second time: counted, not measured."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.storage import Queries
from reconciler.web.app import create_app
from tests.integration.web.conftest import House
from tests.integration.web.test_error_handlers import BrokenStore

pytestmark = pytest.mark.anyio

CONSTANT = ["/docs", "/openapi.json", "/static/page.css", "/static/live.js"]


class CountedQueries:
    """Reads that are counted by name."""

    def __init__(self, queries: Queries) -> None:
        self.asked_for: Counter[str] = Counter()
        self._queries = queries

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        read: Callable[..., Awaitable[Any]] = getattr(self._queries, name)

        async def counted(*wanted: object, **more: object) -> object:
            self.asked_for[name] += 1
            return await read(*wanted, **more)

        return counted


async def test_the_description_is_made_once_for_everybody(house: House) -> None:
    described, made = house.app.openapi, []

    def counted() -> dict[str, Any]:
        made.append(1)
        return described()

    house.app.openapi = counted  # type: ignore[method-assign]  # FastAPI's own way to say another document
    async with house.client() as client:
        for _ in range(20):
            for path in ("/docs", "/openapi.json"):
                assert (await client.get(path)).status_code == 200
    assert len(made) == 2


@pytest.mark.parametrize("path", CONSTANT)
async def test_what_is_constant_has_a_tag_and_is_sent_once_to_whoever_keeps_it(house: House, path: str) -> None:
    async with house.client() as client:
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
        other = await client.get(path, headers={"If-None-Match": '"another"'})
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})

    assert first.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in first.headers["vary"]
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (other.status_code, other.content) == (200, first.content)
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    assert int(plain.headers["content-length"]) == len(plain.content) > int(first.headers["content-length"])
    assert plain.headers["content-type"] == first.headers["content-type"]


async def test_metrics_and_readiness_are_looked_up_once_a_second_however_many_ask(house: House) -> None:
    store = BrokenStore(house, RuntimeError("not asked"))
    store.queries = counted = CountedQueries(house.store.queries)
    app = create_app(replace(house.engine, store=store), settings=house.settings)
    async with house.client(app=app) as client:
        for second in range(1, 4):
            asked = [client.get(path) for _ in range(20) for path in ("/metrics", "/readyz")]
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
            # once for the figures, once for the probe
            assert counted.asked_for["sources"] <= 2 * second
            house.clock.advance(1)
        assert counted.asked_for["sources"] > 2


async def test_metrics_travel_compressed_and_say_what_is_new_after_a_second(house: House) -> None:
    async with house.client() as client:
        first = await client.get("/metrics")
        house.app.state.gate.metrics.auth_failures.inc()
        assert (await client.get("/metrics")).content == first.content
        house.clock.advance(1)
        assert "reconciler_auth_failures_total 1.0" in (await client.get("/metrics")).text
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["content-type"].startswith("text/plain; version=")


async def test_a_compressed_answer_is_the_same_each_time(house: House) -> None:
    async with house.client() as client:
        bodies = []
        for _ in range(2):
            async with client.stream("GET", "/docs") as answer:
                bodies.append(b"".join([part async for part in answer.aiter_raw()]))
    assert bodies[0] == bodies[1]
    assert b"<html" in gzip.decompress(bodies[0])
