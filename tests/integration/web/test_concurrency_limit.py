"""How many requests of one person are under way at once, and what becomes of those that wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reconciler.executors import NamedExecutor
from reconciler.web.app import create_app
from reconciler.web.auth.concurrency_limit import MAX_AT_ONCE
from reconciler.web.http.render_pool import RenderPool, WebExecutors
from tests.integration.web.conftest import House
from tests.integration.web.test_renderings import held_up, serving
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.anyio

PAGE = "/plans/plan_1"
ME = "/api/v1/me"


@pytest.fixture
async def executors() -> AsyncIterator[WebExecutors]:
    async with NamedExecutor("pages", 2) as pages, NamedExecutor("renderings", 2) as renderings:
        yield WebExecutors(pages, renderings)


@pytest.fixture
def app(house: House, executors: WebExecutors) -> House:
    house.app = create_app(house.engine, settings=house.settings, executors=executors)
    return house


def _waiting_for_a_thread(pool: RenderPool) -> int:
    return sum(len(turn._waiters or ()) for turn in pool._turns.values())


@asynccontextmanager
async def all_turns_taken(app: House, executors: WebExecutors) -> AsyncIterator[None]:
    """The viewer has as many pages under way as one person may; they come to their end afterwards."""
    async with app.client("wzr_viewer") as client, asyncio.timeout(PATIENCE):
        async with held_up(executors.pages, 2):
            pages = [asyncio.create_task(client.get(PAGE)) for _ in range(MAX_AT_ONCE)]
            await until(lambda: _waiting_for_a_thread(app.app.state.pages) == MAX_AT_ONCE - 1)
            yield
        assert [(await page).status_code for page in pages] == [200] * MAX_AT_ONCE


async def test_a_person_waits_for_a_turn_of_their_own_and_nobody_else_does(app: House, executors: WebExecutors) -> None:
    async with app.client("wzr_viewer") as viewer, app.client("wzr_approver") as approver, app.client() as stranger:
        async with all_turns_taken(app, executors):
            waiting = [asyncio.create_task(viewer.get(ME)), asyncio.create_task(viewer.post("/api/v1/suspend"))]
            for _ in range(MAX_AT_ONCE + 1):
                # reads the database, so that whatever else can go on does
                assert (await approver.get("/api/v1/plans/plan_1")).status_code == 200
                assert (await stranger.get("/healthz")).status_code == 200
            assert not any(request.done() for request in waiting)
        assert [(await request).status_code for request in waiting] == [200, 403]


async def test_whoever_hangs_up_while_waiting_is_not_worked_for(app: House, executors: WebExecutors) -> None:
    ended, many = app.app.state.gate.metrics.requests, 40
    async with serving(app) as port, all_turns_taken(app, executors), app.client("wzr_approver") as approver:
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(many)]
        for writer in writers:
            writer.write(
                b"GET /api/v1/plans/plan_1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wzr_viewer\r\n\r\n"
            )
            await writer.drain()
        for writer in writers:
            writer.close()
        await until(lambda: ended.labels("GET", "unmatched", "499")._value.get() == many)
        assert (await approver.get("/api/v1/plans/plan_1")).status_code == 200
    assert ended.labels("GET", "/api/v1/plans/{plan_id}", "200")._value.get() == 1


async def test_what_was_sent_with_a_request_that_waited_is_read(app: House, executors: WebExecutors) -> None:
    """A body that comes while its request waits belongs to the route."""
    async with serving(app) as port, asyncio.timeout(PATIENCE):
        async with all_turns_taken(app, executors):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = "Host: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer wzr_viewer\r\nContent-Length: 4\r\n"
            writer.write(f"GET {ME} HTTP/1.1\r\n{head}\r\nab".encode())
            await writer.drain()
            writer.write(b"cd")
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
