"""ASGI middleware before the API: writes the journal and injects faults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_client.sandbox import connection_drops
from api_client.sandbox.auth import Keyring
from api_client.sandbox.delayed_writes import HeldWrites
from api_client.sandbox.document import readable
from api_client.sandbox.errors import inner_error
from api_client.sandbox.faults import (
    DropAfter,
    DropBefore,
    FaultBox,
    Html,
    LateWrite,
    Malformed,
    Outcome,
    Status,
    Truncated,
)
from api_client.sandbox.journal import Call, Journal, Write

CALL = "sandbox.call"
API_PREFIX = "/api/"
MAX_BODY = 8 * 1024 * 1024
_APPLY_SUFFIX = "/apply"
_HTML_PAGE = (
    "<!DOCTYPE html><html><head><title>Error</title></head>"
    "<body><h1>Something went wrong</h1><p>Please try again in a minute.</p></body></html>"
)
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "insufficient_scope",
    404: "not_found",
    429: "rate_limited",
    501: "not_implemented",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, caught before it goes out."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def of(cls, status: int, media_type: str, body: str, extra: dict[str, str] | None = None) -> "Answer":
        """Build an answer from text."""
        headers = {"content-type": media_type, **(extra or {})}
        encoded = tuple((name.encode(), value.encode()) for name, value in headers.items())
        return cls(status, encoded, body.encode())

    async def send(self, send: Send, *, cut_to: int | None = None) -> None:
        """Send it; with ``cut_to`` the length promised is the true one, and the end never comes."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [*(pair for pair in self.headers if pair[0] != b"content-length"), length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = self.body[:cut_to]
        await send({"type": "http.response.body", "body": body, "more_body": cut_to is not None})

    def with_fields(self, fields: dict[str, Any]) -> "Answer":
        """Return the answer with unknown fields added to each object that the contract describes."""
        if not fields or not self.body:
            return self
        return replace(self, body=json.dumps(_extended(json.loads(self.body), fields)).encode())


class Gate:
    """ASGI middleware for everything below ``/api/``; other paths pass through untouched."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keyring: Keyring,
        journal: Journal,
        faults: FaultBox,
        held_writes: HeldWrites,
        latency: float,
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._journal = journal
        self._faults = faults
        self._held = held_writes
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Journal one request and answer it, or not."""
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIX):
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            return
        call = _open_call(self._journal, scope, body)
        call.key = self._keyring.name_of(Headers(scope=scope).get("authorization"))
        if len(body) > MAX_BODY:
            call.status = 413
            await _too_large().send(send)
            return
        delay = self._latency + self._faults.take_delay(call)
        if delay:
            await asyncio.sleep(delay)
        await self._answer(call, scope, receive, send, body)

    async def _answer(self, call: Call, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        async def run() -> Answer:
            return await _run(self._app, {**scope, CALL: call}, body)

        outcome = self._faults.take_outcome(call)
        if outcome is not None:
            call.fault = outcome.kind
            await self._misbehave(outcome, call, run, scope, receive, send)
            return
        answer = (await run()).with_fields(self._faults.take_extra_fields(call))
        call.status = answer.status
        await answer.send(send)

    async def _misbehave(
        self,
        outcome: Outcome,
        call: Call,
        run: Callable[[], Awaitable[Answer]],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        match outcome:
            case DropBefore():
                await connection_drops.abort(scope, receive)
            case DropAfter():
                await run()
                await connection_drops.abort(scope, receive)
            case LateWrite():
                self._held.hold(run, outcome.seconds)
                await connection_drops.abort(scope, receive)
            case Truncated():
                answer = await run()
                keep = len(answer.body) // 2 if outcome.keep is None else outcome.keep
                call.status = answer.status
                await answer.send(send, cut_to=keep)
                await connection_drops.close(scope, receive)
            case Status() | Html() | Malformed():
                if isinstance(outcome, Malformed) or outcome.after:
                    await run()
                answer = _instead(outcome)
                call.status = answer.status
                await answer.send(send)


def _instead(outcome: Status | Html | Malformed) -> Answer:
    match outcome:
        case Html():
            return Answer.of(outcome.status, "text/html; charset=utf-8", _HTML_PAGE)
        case Malformed():
            return Answer.of(200, "application/json", outcome.body)
        case Status():
            headers = {} if outcome.retry_after is None else {"retry-after": outcome.retry_after}
            return Answer.of(outcome.status, "application/json", _status_body(outcome), headers)


def _status_body(outcome: Status) -> str:
    code = outcome.code or _CODES.get(outcome.status, "internal_error")
    error = inner_error(code, outcome.message)
    match outcome.envelope:
        case "full":
            return json.dumps({"error": error})
        case "bare":
            return json.dumps(error)
        case "none":
            return ""


def _too_large() -> Answer:
    error = inner_error("bad_request", f"The body is larger than {MAX_BODY} bytes.")
    return Answer.of(413, "application/json", json.dumps({"error": error}), {"connection": "close"})


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, cut off just above the limit, or None when the caller left."""
    body = bytearray()
    while len(body) <= MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


def _open_call(journal: Journal, scope: Scope, body: bytes) -> Call:
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    is_apply = scope["method"] == "POST" and path.endswith(_APPLY_SUFFIX)
    dry_run = parse_qs(query).get("dryRun") == ["true"] if is_apply else None
    write = Write(path.split("/")[-2], readable(body)) if dry_run is False else None
    return journal.open(scope["method"], path, query, body=body, dry_run=dry_run, write=write)


async def _run(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    status, headers, chunks = 500, (), bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple(message.get("headers", ()))
        else:
            chunks.extend(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, headers, bytes(chunks))


def _extended(answer: Any, fields: dict[str, Any]) -> Any:
    match answer:
        case {"chatbots": list(chatbots)}:
            return {**answer, **fields, "chatbots": [{**chatbot, **fields} for chatbot in chatbots]}
        case {"chatbot": dict(chatbot)}:
            return {**answer, **fields, "chatbot": {**chatbot, **fields}}
        case {"spec": dict(spec)}:
            return {**answer, **fields, "spec": {**_extended_items(spec, fields), **fields}}
        case {"plan": {"ops": list(ops), "summary": summary}, **rest}:
            plan = {"ops": [{**op, **fields} for op in ops], "summary": summary, **fields}
            config = _extended(rest["config"], fields) if rest.get("config") else None
            return {**answer, **fields, "plan": plan, **({"config": config} if config else {})}
        case _:
            return answer


def _extended_items(spec: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {
        section: [{**item, **fields} for item in value] if isinstance(value, list) else value
        for section, value in spec.items()
    }
