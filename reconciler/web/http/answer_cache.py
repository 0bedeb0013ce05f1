"""Caches whole responses until the next commit."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.bounded_cache import BoundedCache
from reconciler.web.http.compression import accepted_encodings, accepts_gzip
from reconciler.web.http.entity_tags import Header

_MOST: Final = 8 * 1024 * 1024
"""Bytes of answers that are kept."""
_HEAD: Final = 1024
"""Bytes that an answer takes besides its body, about."""
_KEY: Final = "answer_key"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What an answer depends on.

    Attributes:
        generation: The store's, asked for before anything else.
        tag: Identifies the generation, the caller and the request.
    """

    generation: str
    tag: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as it travels, and the route that made it."""

    headers: tuple[Header, ...]
    body: bytes
    route: Any


def keep_answer(scope: Scope, key: AnswerKey) -> None:
    """Let the answer to a request be kept.

    Args:
        scope: The request, which is authenticated.
        key: What its answer depends on: only who has the same key is sent the answer again.
    """
    scope.setdefault("state", {})[_KEY] = key


class AnswerCache:
    """Sends a kept answer, and keeps new ones of the requests that `keep_answer` named. It is of one event loop."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._generation = ""
        self._answers = self._none()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key: AnswerKey | None = scope["state"].get(_KEY) if "state" in scope else None
        if key is None:
            await self.app(scope, receive, send)
            return
        if key.generation != self._generation:
            self._generation, self._answers = key.generation, self._none()
        place = key.tag, accepts_gzip(accepted_encodings(scope))
        answer = self._answers.get(place)
        if answer is None:
            await self.app(scope, receive, _Keeping(self._answers, place, scope, send))
            return
        scope["route"] = answer.route
        await send({"type": "http.response.start", "status": 200, "headers": [*answer.headers]})
        await send({"type": "http.response.body", "body": answer.body})

    @staticmethod
    def _none() -> BoundedCache[tuple[bytes, bool], _Answer]:
        return BoundedCache(_MOST, lambda _, answer: len(answer.body) + _HEAD)


class _Keeping:
    """The sending side of a request whose answer is kept when it is whole and well."""

    def __init__(
        self,
        answers: BoundedCache[tuple[bytes, bool], _Answer],
        place: tuple[bytes, bool],
        scope: Scope,
        send: Send,
    ) -> None:
        self._answers = answers
        self._place = place
        self._scope = scope
        self._send = send
        self._headers: tuple[Header, ...] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            well = message["status"] == 200  # noqa: PLR2004  HTTP's OK
            self._headers = tuple(message["headers"]) if well else None
        elif self._headers is not None and not message.get("more_body", False):
            answer = _Answer(self._headers, message.get("body", b""), self._scope.get("route"))
            self._answers.keep(self._place, answer)
        else:
            self._headers = None
        await self._send(message)
