"""Limits the size and duration of request bodies, counted while they arrive."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.web.http import problems
from reconciler.web.http.problems import Code, Problem

WEBHOOKS = "/api/v1/webhooks/"

_DIGITS = 18
"""More than any limit has; Python refuses to read thousands of them."""


class BodyLimits:
    """Refuses bodies that are too large or too slow."""

    def __init__(self, app: ASGIApp, *, limit: int, webhook_limit: int, seconds: float) -> None:
        self.app = app
        self.limit = limit
        self.webhook_limit = webhook_limit
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.webhook_limit if scope["path"].startswith(WEBHOOKS) else self.limit
        if _announced(scope) > limit:
            await problems.of_problem(_too_large(limit))(scope, receive, send)
            return
        await self.app(scope, _Metered(receive, limit, self.seconds), send)


class _Metered:
    """The receiving side of one request."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self.receive = receive
        self.limit = limit
        self.left = limit
        self.until = asyncio.get_running_loop().time() + seconds
        self.complete = False

    async def __call__(self) -> Message:
        if self.complete:
            return await self.receive()
        try:
            async with asyncio.timeout_at(self.until):
                message = await self.receive()
        except TimeoutError:
            raise Problem(Code.BODY_TOO_SLOW, "the body did not arrive in time") from None
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise _too_large(self.limit)
        self.complete = not message.get("more_body", False)
        return message


def _announced(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value[:_DIGITS]) if value.isdigit() else 0


def _too_large(limit: int) -> Problem:
    return Problem(Code.BODY_TOO_LARGE, f"send at most {limit} bytes")
