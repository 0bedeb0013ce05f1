"""``python -m benchmarks.stand_in``: an API that answers at next to no cost, so that what is measured is the service.

It is the sandbox with its answers kept: what it answered to the same request before, of the same fleet, it gives again
as bytes. A request that changes something, or that was never made, goes to the sandbox itself. In front of both stand
the latency, a limit that nobody is told of, and counts of what was asked.
"""

import argparse
import asyncio
import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_client.sandbox.app import create_app
from api_client.sandbox.seed import load_fleet
from benchmarks.serving import serve

COUNTS: Final = "/_bench/counts"
LIMIT: Final = "/_bench/limit"
_CONTROL: Final = "/_sandbox/"
_JSON: Final = (b"content-type", b"application/json")


@dataclass(slots=True)
class HiddenLimit:
    """A token bucket that refuses what is beyond it, as WizChat does.

    Attributes:
        rate: Calls a second; None for no limit.
        burst: How many may come at once.
        quota: How many calls are answered before the day's quota is used up; None for no end.
    """

    rate: float | None = None
    burst: float = 1.0
    quota: int | None = None
    _tokens: float = 0.0
    _at: float = 0.0

    def refusal(self) -> str | None:
        """The code of the answer 429, or None when the call goes on."""
        if self.quota is not None:
            if self.quota <= 0:
                return "quota_exceeded"
            self.quota -= 1
        if self.rate is None:
            return None
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate) if self._at else self.burst
        self._at = now
        if self._tokens < 1:
            return "rate_limited"
        self._tokens -= 1
        return None


@dataclass(slots=True)
class StandIn:
    """The application, as ASGI.

    Attributes:
        sandbox: What answers a request for the first time.
        latency: Seconds that every answer takes longer.
    """

    sandbox: ASGIApp
    latency: float
    limit: HiddenLimit = field(default_factory=HiddenLimit)
    counts: Counter[str] = field(default_factory=Counter)
    kept: dict[bytes, list[Message]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self.sandbox(scope, receive, send)
        elif scope["path"] in {COUNTS, LIMIT}:
            await self._command(scope["path"], scope["method"], await _body(receive), send)
        elif scope["path"].startswith(_CONTROL):
            self.kept.clear()
            await self.sandbox(scope, receive, send)
        else:
            await self._answer(scope, await _body(receive), send)

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        is_dry_run = scope["query_string"] == b"dryRun=true"
        kind = "dry_runs" if is_dry_run else "lists" if scope["path"].endswith("/chatbots") else "others"
        if (code := self.limit.refusal()) is not None:
            self.counts["refused"] += 1
            await asyncio.sleep(self.latency)
            await _refuse(code, send)
            return
        self.counts[kind] += 1
        if scope["method"] == "POST" and not is_dry_run:
            self.kept.clear()
        key = hashlib.blake2b(scope["path"].encode() + b"\0" + scope["query_string"] + b"\0" + body).digest()
        messages = self.kept.get(key)
        if messages is None:
            messages = await self._asked(scope, body)
            if is_dry_run or kind == "lists":
                self.kept[key] = messages
        await asyncio.sleep(self.latency)
        for message in messages:
            await send(message)

    async def _asked(self, scope: Scope, body: bytes) -> list[Message]:
        messages: list[Message] = []
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            return next(given, {"type": "http.disconnect"})

        async def take(message: Message) -> None:
            messages.append(message)

        await self.sandbox(scope, receive, take)
        return messages

    async def _command(self, path: str, method: str, body: bytes, send: Send) -> None:
        if path == LIMIT:
            self.limit = HiddenLimit(**json.loads(body))
        shown = dict(self.counts)
        if method == "DELETE":
            self.counts.clear()
        await _respond(200, shown, send)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _refuse(code: str, send: Send) -> None:
    wait = (b"retry-after", b"1" if code == "rate_limited" else b"3600")
    await _respond(429, {"error": {"code": code, "message": "Too many requests"}}, send, wait)


async def _respond(status: int, content: Any, send: Send, *headers: tuple[bytes, bytes]) -> None:
    data = json.dumps(content).encode()
    length = (b"content-length", str(len(data)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]})
    await send({"type": "http.response.body", "body": data})


def main() -> None:
    """Serve it, and print where."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stand_in", description=__doc__)
    parser.add_argument("--seed", type=Path, required=True, help="the fleet, as JSON")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="milliseconds that every answer takes longer")
    options = parser.parse_args()
    serve(StandIn(create_app(fleet=load_fleet(options.seed)), options.latency_ms / 1000))


if __name__ == "__main__":
    main()
