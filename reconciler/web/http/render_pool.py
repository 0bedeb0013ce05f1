"""Renders pages and plans in threads, fairly among people, and only while the client waits.

Comparing texts takes long, and a thread cannot be ended from outside. So the work of a rendering is bounded by its
effort, each person has one thread at a time, and a rendering ends at its next step when its client hangs up.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.types import Receive

from reconciler.domain.identity import person_key
from reconciler.engine.context import Actor
from reconciler.executors import NamedExecutor
from reconciler.render.alignment import Effort
from reconciler.render.text_diff import EFFORT

T = TypeVar("T")

PAGE_THREADS: Final = 4
RENDERING_THREADS: Final = 2
BY_LINK: Final = "by link"
"""Who came by a link has no name: all of them take turns, because one person can make links to many plans."""


class ClientGone(Exception):
    """The client has hung up, and nobody waits for the answer."""


@dataclass(frozen=True, slots=True)
class WebExecutors:
    """The threads of the web.

    Attributes:
        pages: Where pages are made.
        renderings: Where plans are made into text and markdown.
        compression: Where large answers are compressed.
    """

    pages: NamedExecutor = field(default_factory=lambda: NamedExecutor("pages", PAGE_THREADS))
    renderings: NamedExecutor = field(default_factory=lambda: NamedExecutor("renderings", RENDERING_THREADS))
    compression: NamedExecutor = field(default_factory=lambda: NamedExecutor("compression"))


class RenderPool:
    """Makes what people wait for in the threads of one executor.

    Args:
        executor: The threads; of several, so that no person takes them all.
    """

    def __init__(self, executor: NamedExecutor) -> None:
        self._executor = executor
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def render(self, request: Request, work: Callable[[Effort], T]) -> T:
        """What the work makes, unless the client hangs up before.

        Args:
            request: Who asks; a person's renderings are made one after the other.
            work: Makes it in a thread, with the effort that all its comparisons share.

        Raises:
            ClientGone: The client has hung up. Work that has not begun never does, other ends at its next step.
        """
        gone = threading.Event()
        rendering = asyncio.create_task(self._in_turn(_person_of(request), work, gone))
        hung_up = asyncio.create_task(_disconnect(request.receive))
        try:
            await asyncio.wait((rendering, hung_up), return_when=asyncio.FIRST_COMPLETED)
            if not rendering.done():
                await hung_up
                raise ClientGone
            return await rendering
        finally:
            gone.set()
            for task in (rendering, hung_up):
                task.cancel()
            await asyncio.gather(rendering, hung_up, return_exceptions=True)

    async def _in_turn(self, person: str, work: Callable[[Effort], T], gone: threading.Event) -> T:
        turn = self._turns.setdefault(person, asyncio.Lock())
        await turn.acquire()
        loop = asyncio.get_running_loop()
        try:
            effort = Effort(EFFORT, checkpoint=lambda: _check_client(gone))
            # in the request's context: the thread has none of its own
            future = self._executor.submit(partial(copy_context().run, work, effort))
        except BaseException:
            turn.release()
            raise
        # not before the thread is free: else a client that hangs up and asks again would have several
        future.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(turn.release))
        return await asyncio.wrap_future(future)


def _person_of(request: Request) -> str:
    actor: Actor | None = getattr(request.state, "actor", None)
    return person_key(actor.name) if actor is not None else BY_LINK


async def _disconnect(receive: Receive) -> None:
    """Wait until the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_client(gone: threading.Event) -> None:
    if gone.is_set():
        raise ClientGone
