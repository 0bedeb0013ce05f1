"""Who waits for a rendering, and for how long one goes on."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from reconciler.domain.access import Role
from reconciler.engine.context import Actor
from reconciler.executors import NamedExecutor
from reconciler.render.alignment import Effort
from reconciler.render.text_diff import EFFORT
from reconciler.web.http.render_pool import ClientGone, RenderPool

pytestmark = pytest.mark.anyio

LIMIT = 60


@dataclass
class Client:
    """Somebody who asks, and may hang up."""

    name: str | None
    path: str = "/plans/plan_1"
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    heard: bool = False

    async def receive(self) -> Message:
        if not self.heard:
            self.heard = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    @property
    def request(self) -> Request:
        state: dict[str, Any] = {"actor": Actor(self.name, Role.VIEWER)} if self.name else {}
        scope = {"type": "http", "method": "GET", "path": self.path, "headers": [], "query_string": b"", "state": state}
        return Request(scope, self.receive)


@dataclass
class Held:
    """Work that goes on until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _: Effort) -> str:
        self.begun.set()
        self.gate.wait(LIMIT)
        self.ended.set()
        return "made"


@pytest.fixture
async def pool() -> AsyncIterator[RenderPool]:
    async with NamedExecutor("renderings", 2) as executor:
        yield RenderPool(executor)


async def _set(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, LIMIT)


async def test_the_work_is_made_with_the_effort_of_one_rendering(pool: RenderPool) -> None:
    assert await pool.render(Client("ann").request, lambda effort: effort.left) == EFFORT


async def test_a_failure_reaches_whoever_asked(pool: RenderPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.render(Client("ann").request, lambda _: 1 // 0)
    assert await pool.render(Client("ann").request, lambda _: "made") == "made"


@pytest.mark.parametrize("other", ["ann", "ANN", None], ids=["person", "other spelling", "link"])
async def test_a_person_has_one_thread_and_leaves_the_others_to_others(pool: RenderPool, other: str | None) -> None:
    first, second = Held(), Held()
    one = asyncio.create_task(pool.render(Client(other and "ann").request, first))
    await _set(first.begun)
    two = asyncio.create_task(pool.render(Client(other).request, second))
    assert await pool.render(Client("ben").request, lambda _: "page") == "page"
    if other is not None:  # all who come by links share one turn
        assert await pool.render(Client(None, "/plans/plan_2").request, lambda _: "link") == "link"
    assert not second.begun.is_set()
    first.gate.set()
    second.gate.set()
    assert await one == await two == "made"


async def test_who_hangs_up_ends_the_rendering_at_its_next_step(pool: RenderPool) -> None:
    client, begun, ended = Client("ann"), threading.Event(), threading.Event()

    def endless(effort: Effort) -> None:
        begun.set()
        try:
            while True:
                effort.spend(0)
        finally:
            ended.set()

    asked = asyncio.create_task(pool.render(client.request, endless))
    await _set(begun)
    client.hung_up.set()
    with pytest.raises(ClientGone):
        await asked
    await _set(ended)
    assert await pool.render(Client("ann").request, lambda _: "next") == "next"


async def test_what_nobody_waits_for_any_more_never_begins(pool: RenderPool) -> None:
    first, gone, third = Held(), Client("ann"), Held()
    one = asyncio.create_task(pool.render(Client("ann").request, first))
    await _set(first.begun)
    second = Held()
    two = asyncio.create_task(pool.render(gone.request, second))
    three = asyncio.create_task(pool.render(Client("ann").request, third))
    await asyncio.sleep(0)
    gone.hung_up.set()
    with pytest.raises(ClientGone):
        await two
    first.gate.set()
    third.gate.set()
    assert await one == await three == "made"
    assert not second.begun.is_set()


async def test_who_hangs_up_has_no_second_thread_before_the_first_is_free(pool: RenderPool) -> None:
    client, stubborn, following = Client("ann"), Held(), Held()
    asked = asyncio.create_task(pool.render(client.request, stubborn))
    await _set(stubborn.begun)
    client.hung_up.set()
    with pytest.raises(ClientGone):
        await asked
    again = asyncio.create_task(pool.render(Client("ann").request, following))
    assert await pool.render(Client("ben").request, lambda _: "page") == "page"
    # what began before would hold up the only other thread
    assert await pool.render(Client("ben").request, lambda _: "page") == "page"
    assert not following.begun.is_set()
    stubborn.gate.set()
    following.gate.set()
    assert await again == "made"


async def test_a_cancelled_request_is_one_that_nobody_waits_for(pool: RenderPool) -> None:
    held = Held()
    asked = asyncio.create_task(pool.render(Client("ann").request, held))
    await _set(held.begun)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    held.gate.set()
    assert await pool.render(Client("ann").request, lambda _: "next") == "next"


async def test_a_body_that_fails_is_told_as_what_it_is(pool: RenderPool) -> None:
    class _BodyFailed(Exception):
        pass

    held, client = Held(), Client("ann")

    async def receive() -> Message:
        await _set(held.begun)
        raise _BodyFailed

    with pytest.raises(_BodyFailed):
        await pool.render(Request(client.request.scope, receive), held)
    held.gate.set()


async def test_nothing_is_kept_of_people_who_are_gone(pool: RenderPool) -> None:
    for number in range(50):
        await pool.render(Client(f"person {number}").request, lambda _: None)
    await asyncio.sleep(0)
    await pool.render(Client("last").request, lambda _: None)
    await asyncio.sleep(0)
    gc.collect()
    assert len(pool._turns) <= 1
