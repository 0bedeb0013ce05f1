"""Answers conditional requests with 304 before routing, so that a poll without news reads no row.

A tag stands for the store's generation, the credential and the URL. Whoever presents the tag that would be handed out
now already has what would be sent. The generation is read before the rows are: a change in between makes the tag too
old, which costs one more answer, and never too new, which would hide the change.

Pages also show what changes with time and with calls: their tags hold for a minute at most. Browsers keep no page,
so that nobody finds one by going back after somebody else has signed out; the page's own script keeps the tag.
"""

import secrets
from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.bounded_cache import BoundedCache
from reconciler.engine.context import Engine
from reconciler.web.auth.credentials import Caller
from reconciler.web.auth.etag_state import EtagState
from reconciler.web.auth.gate import AuthGate
from reconciler.web.http.answer_cache import AnswerKey, keep_answer
from reconciler.web.http.compression import accepted_encodings, accepts_gzip
from reconciler.web.http.entity_tags import CACHING_HEADERS, Header, presents, weak, with_tag
from reconciler.web.http.metrics import Metrics

PREFIX = "/api/v1/"
MOVING = ("/api/v1/status", "/api/v1/sources", "/api/v1/suspensions", "/api/v1/tokens")
"""What also moves without the database, by the clock or by calls made: tagged by what it says.

Which tag that was is remembered for as long as neither the database nor what `EtagState` knows has moved."""
STREAM = "/api/v1/events"
UNTAGGED = ("/api/", "/static/", "/login", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")
"""What is no page that anybody has to sign in for."""
_OF_PAGES: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"vary", b"Authorization, Cookie"))
_PAGE_SECONDS = 60
_MOST_TAGS = 5_000
"""So many tags of `MOVING` are remembered: some hundred bytes each."""


class EtagMiddleware:
    """Answers conditional reads of the API and of pages, and tags the answers to the others.

    Args:
        app: Makes the answers.
        gate: Authenticates callers.
        engine: The store and the clock.
        metrics: Where a 304 is counted.
        keeps_answers: Whether answers may be kept until the store's generation moves.
    """

    def __init__(
        self, app: ASGIApp, *, gate: AuthGate, engine: Engine, metrics: Metrics, keeps_answers: bool = True
    ) -> None:
        self.app = app
        self.gate = gate
        self.engine = engine
        self.metrics = metrics
        self.keeps_answers = keeps_answers
        self.moving = EtagState(engine)
        self.salt = secrets.token_bytes(16)
        self._tags: BoundedCache[bytes, bytes] = BoundedCache(_MOST_TAGS, lambda _, __: 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_tagged(scope["path"]):
            await self.app(scope, receive, send)
            return
        generation = self.engine.store.generation
        # a tag is known only to those who got the answer; without a valid credential the route answers 401
        caller = await self.gate.peek(scope, generation)
        if caller is None:
            await self.app(scope, receive, send)
        elif scope["path"].startswith(MOVING):
            await self._by_content(scope, receive, send, generation, caller)
        elif scope["path"].startswith(PREFIX):
            accept_headers = [value for name, value in scope["headers"] if name == b"accept"]
            tag = self._tag(generation, caller, scope, accept_headers)
            if self.keeps_answers:
                keep_answer(scope, AnswerKey(generation, tag))
            await self._by_generation(scope, receive, send, tag, CACHING_HEADERS)
        else:
            minute = str(int(self.engine.clock.monotonic() / _PAGE_SECONDS))
            tag = self._tag(generation, caller, scope, [minute.encode()])
            await self._by_generation(scope, receive, send, tag, _OF_PAGES)

    async def _by_content(self, scope: Scope, receive: Receive, send: Send, generation: str, caller: Caller) -> None:
        state = await self.moving.state(scope["path"], generation)
        packed = accepts_gzip(accepted_encodings(scope))
        key = self._tag(generation, caller, scope, [state, str(packed).encode()])
        last_tag = self._tags.get(key)
        if last_tag is not None and presents(scope, last_tag):
            await self.not_modified(send, last_tag)
            return
        tag = await _Tagged(self, scope, send).run(receive)
        # a state that changed meanwhile may be in the answer already, and may change back
        if tag is not None and state == await self.moving.state(scope["path"], generation):
            self._tags.keep(key, tag)

    async def _by_generation(
        self, scope: Scope, receive: Receive, send: Send, tag: bytes, caching: Sequence[Header]
    ) -> None:
        if presents(scope, tag):
            await self.not_modified(send, tag, caching)
            return

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004  HTTP's OK
                message["headers"] = with_tag(message["headers"], tag, caching)
            await send(message)

        await self.app(scope, receive, tagged)

    def _tag(self, generation: str, caller: Caller, scope: Scope, more: Iterable[bytes]) -> bytes:
        parts = (generation.encode(), caller.id.encode(), scope["path"].encode(errors="replace"), scope["query_string"])
        return weak((self.salt, *parts, *more))

    async def not_modified(self, send: Send, tag: bytes, caching: Sequence[Header] = CACHING_HEADERS) -> None:
        """Answer 304 Not Modified."""
        self.metrics.unchanged.inc()
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", tag), *caching]})
        await send({"type": "http.response.body", "body": b""})


class _Tagged:
    """One answer that is held back until its tag is known from what it says."""

    def __init__(self, front: EtagMiddleware, scope: Scope, send: Send) -> None:
        self.front = front
        self.scope = scope
        self.send = send
        self.start: Message = {}
        self.body = bytearray()
        self.tag: bytes | None = None

    async def run(self, receive: Receive) -> bytes | None:
        """Answer, and give the tag; None where there is nothing to tag."""
        await self.front.app(self.scope, receive, self._take)
        return self.tag

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._give()

    async def _give(self) -> None:
        if self.start["status"] == 200:  # noqa: PLR2004  HTTP's OK
            self.tag = weak((self.front.salt, bytes(self.body)))
            if presents(self.scope, self.tag):
                await self.front.not_modified(self.send, self.tag)
                return
            self.start["headers"] = with_tag(self.start["headers"], self.tag)
        await self.send(self.start)
        await self.send({"type": "http.response.body", "body": bytes(self.body)})


def _is_tagged(path: str) -> bool:
    return path != STREAM if path.startswith(PREFIX) else not path.startswith(UNTAGGED)
