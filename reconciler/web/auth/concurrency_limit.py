"""Limits how many requests one person may have in progress; further ones wait.

A request whose client has hung up is worked on to its end, so closing connections frees nothing. Without a limit for
each person, a client that sends requests and hangs up over and over would occupy the whole database.
"""

import asyncio
from collections.abc import Coroutine
from typing import Final
from weakref import WeakValueDictionary

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.domain.identity import person_key
from reconciler.web.auth.etags import STREAM
from reconciler.web.auth.gate import AuthGate
from reconciler.web.auth.signed_links import SIGNATURE
from reconciler.web.http.problems import CLIENT_CLOSED_REQUEST
from reconciler.web.http.render_pool import BY_LINK

MAX_AT_ONCE: Final = 6
"""As many as a browser sends to one host at once."""

_SIGNED: Final = f"{SIGNATURE}=".encode()


class ConcurrencyLimit:
    """Lets each person have a few requests at once, and all who come by links as many together.

    Requests without a credential pass: what they are given is made already, or kept small. So do event streams, which
    have a limit of their own.
    """

    def __init__(self, app: ASGIApp, *, gate: AuthGate) -> None:
        self.app = app
        self.gate = gate
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        person = await self._person_of(scope)
        if person is None:
            await self.app(scope, receive, send)
            return
        turn = self._turns.setdefault(person, asyncio.Semaphore(MAX_AT_ONCE))
        waiting = _Waiting(receive)
        if not turn.locked() or scope["method"] != "GET":
            await turn.acquire()
        elif not await waiting.until(turn.acquire()):
            # nobody reads it; the status is for the log and the metrics
            await Response(status_code=CLIENT_CLOSED_REQUEST)(scope, receive, send)
            return
        try:
            await self.app(scope, waiting, send)
        finally:
            turn.release()

    async def _person_of(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["path"] == STREAM:
            return None
        caller = await self.gate.peek(scope)
        if caller is not None:
            return person_key(caller.actor.name)
        return BY_LINK if scope["method"] == "GET" and _SIGNED in scope["query_string"] else None


class _Waiting:
    """The receiving side of a request that waits for its turn: what is heard meanwhile is passed on afterwards."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._heard: list[Message] = []

    async def __call__(self) -> Message:
        return self._heard.pop(0) if self._heard else await self._receive()

    async def until(self, turn: Coroutine[object, object, object]) -> bool:
        """Wait for the turn; False when the client hangs up before."""
        taking, gone = asyncio.create_task(turn), asyncio.create_task(self._disconnect())
        try:
            await asyncio.wait((taking, gone), return_when=asyncio.FIRST_COMPLETED)
            return taking.done()
        finally:
            for task in (taking, gone):
                task.cancel()
            await asyncio.gather(taking, gone, return_exceptions=True)

    async def _disconnect(self) -> None:
        """Hear until the client hangs up; a body is left to the route, which limits it."""
        while (message := await self._receive())["type"] != "http.disconnect":
            self._heard.append(message)
            if message.get("more_body", False):
                await asyncio.Future()
