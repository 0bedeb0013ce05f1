"""Plans as markdown and text, and pages, while something else is slow."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from inspect import iscoroutinefunction

import pytest
import uvicorn
from fastapi.routing import APIRoute

from reconciler.executors import NamedExecutor
from reconciler.render.text_diff import TOO_MUCH
from reconciler.storage import UnitOfWork
from reconciler.web.app import create_app
from reconciler.web.auth.route_policies import all_routes
from reconciler.web.http.render_pool import WebExecutors
from tests.integration.web.conftest import House
from tests.support.records import a_plan, an_approval
from tests.support.waiting import PATIENCE, until
from tests.unit.render.test_effort import REPETITIVE

pytestmark = pytest.mark.anyio

PLAN = "/api/v1/plans/plan_1"
MARKDOWN = {"Accept": "text/markdown"}
PAGES = ("/", "/plans", "/plans/plan_1", "/chatbots/acme/bot_1", "/runs/run_main", "/sources")


@asynccontextmanager
async def held_up(executor: NamedExecutor | ThreadPoolExecutor, threads: int) -> AsyncIterator[None]:
    """All threads of an executor, taken until the end."""
    gate, begun = threading.Event(), threading.Barrier(threads + 1)

    def hold() -> None:
        begun.wait(PATIENCE)
        gate.wait(PATIENCE)

    held = [asyncio.wrap_future(executor.submit(hold)) for _ in range(threads)]
    waiting = threading.Thread(target=begun.wait, args=(PATIENCE,))
    waiting.start()
    try:
        await until(lambda: not waiting.is_alive())
        yield
    finally:
        gate.set()
        await asyncio.gather(*held)


@pytest.fixture
async def executors() -> AsyncIterator[WebExecutors]:
    async with NamedExecutor("pages", 2) as pages, NamedExecutor("renderings", 2) as renderings:
        yield WebExecutors(pages, renderings)


@pytest.fixture
def app(house: House, executors: WebExecutors) -> House:
    house.app = create_app(house.engine, settings=house.settings, executors=executors)
    return house


async def test_a_page_waits_for_no_rendering(app: House, executors: WebExecutors) -> None:
    async with held_up(executors.renderings, 2), app.client("wzr_viewer") as client, asyncio.timeout(PATIENCE):
        rendering = asyncio.create_task(client.get(PLAN, headers=MARKDOWN))
        statuses = [(await client.get(path)).status_code for path in PAGES]
        assert not rendering.done()
        decided = await client.post(
            f"{PLAN}/approve", json={"fingerprint": "f" * 64}, headers={"Authorization": "Bearer wzr_approver"}
        )
        assert not rendering.done()
    assert statuses == [200] * len(PAGES)
    assert decided.status_code in {200, 409}, decided.text
    assert (await rendering).status_code == 200


async def test_nothing_on_a_page_waits_for_the_event_loops_own_threads(app: House) -> None:
    """They look up the names of hosts, whose servers may be slow."""
    own = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(own)
    async with held_up(own, 1), app.client("wzr_viewer") as client, asyncio.timeout(PATIENCE):
        assert [(await client.get(path)).status_code for path in PAGES] == [200] * len(PAGES)
        assert (await client.get(PLAN, headers=MARKDOWN)).status_code == 200
        assert (await client.get(PLAN, headers={"Accept": "text/plain"})).status_code == 200


async def test_a_rendering_is_kept_until_the_plan_or_its_approvals_change(app: House, executors: WebExecutors) -> None:
    async with app.client("wzr_viewer") as client, asyncio.timeout(PATIENCE):
        first = {media: await client.get(PLAN, headers={"Accept": media}) for media in ("text/markdown", "text/plain")}
        async with held_up(executors.renderings, 2):
            for media, answer in first.items():
                again = await client.get(PLAN, headers={"Accept": media})
                assert (again.text, again.headers["content-type"]) == (answer.text, answer.headers["content-type"])
        for change, said in ((_reworded, "another message"), (_approved, "approved by ana"), (_renamed, "Renamed")):
            async with app.store.begin() as uow:
                await change(uow)
            changed = await client.get(PLAN, headers=MARKDOWN)
            assert said in changed.text
            assert said not in first["text/markdown"].text


async def _reworded(uow: UnitOfWork) -> None:
    plan = await uow.plans.get("plan_1")
    assert plan
    await uow.plans.save(replace(plan, message="another message"))


async def _approved(uow: UnitOfWork) -> None:
    await uow.approvals.add(an_approval())


async def _renamed(uow: UnitOfWork) -> None:
    chatbot = await uow.chatbots.get("acme", "bot_1")
    assert chatbot
    await uow.chatbots.save(replace(chatbot, name="Renamed"))


async def test_a_plan_of_many_repetitive_texts_is_rendered_with_one_effort(app: House) -> None:
    async with app.store.begin() as uow:
        await uow.plans.add(a_plan("plan_long", chatbot_id="bot_9", ops=tuple(REPETITIVE)))
    async with app.client("wzr_viewer") as client:
        for media in ("text/markdown", "text/plain"):
            assert TOO_MUCH in (await client.get("/api/v1/plans/plan_long", headers={"Accept": media})).text
        for path in ("/plans/plan_long", "/plans/plan_long?view=unified"):
            assert TOO_MUCH in (await client.get(path)).text


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[int]:
    """The house on a real socket: its port."""
    server = uvicorn.Server(uvicorn.Config(house.app, port=0, log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize("path", [PLAN, "/plans/plan_1"])
async def test_what_somebody_asks_for_who_hangs_up_never_begins(app: House, executors: WebExecutors, path: str) -> None:
    ended = app.app.state.gate.metrics.requests
    held = executors.renderings if path == PLAN else executors.pages
    route = path.replace("plan_1", "{plan_id}")
    async with held_up(held, 2), serving(app) as port:
        headers = "Host: 127.0.0.1\r\nAccept: text/markdown\r\nAuthorization: Bearer wzr_viewer"
        pool = app.app.state.renderings if path == PLAN else app.app.state.pages
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        await writer.drain()
        await until(lambda: len(pool._turns) == 1)
        writer.close()
        await until(lambda: ended.labels("GET", route, "499")._value.get() == 1)
    assert app.app.state.rendered.size == 0


async def test_no_route_and_no_dependency_runs_in_the_frameworks_threads(app: House) -> None:
    todo = [route.dependant for route in all_routes(app.app.routes) if isinstance(route, APIRoute)]
    calls = []
    while todo:
        dependant = todo.pop()
        todo += dependant.dependencies
        calls.append(dependant.call)
    assert len(calls) > 50
    assert [call for call in calls if not (iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__))] == []
