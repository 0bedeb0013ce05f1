"""Declares at each route what a refused call leaves in the audit log.

What passes leaves its entry where it is done, in the transaction of the change. What is refused changes nothing, so its
entry is left here. `route_policies.check_policies` refuses an application with a route that may change something and
declares neither `Audited` nor `Unaudited`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, TypeVar

from fastapi import Request

from reconciler.web.http.schemas import RequestModel

_FINGERPRINT = "fingerprint"

B = TypeVar("B", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class Audited:
    """Says which entry a refused call leaves.

    Attributes:
        action: The action of the entry that the call leaves when it passes, such as ``plan.approve``.
        subject: What it is about, with the parameters of the path and the fields of the body that name it in braces:
            ``plan/{plan_id}``. None where the call is about several things, and each leaves an entry of its own.
        fingerprint: Whether the body's field ``fingerprint`` holds the one that the person saw.
    """

    action: str
    subject: str | None
    fingerprint: bool = False

    async def __call__(self) -> None:
        """Let everybody pass."""

    @property
    def names(self) -> frozenset[str]:
        """The parameters and fields that it needs."""
        fields = {field for _, field, _, _ in Formatter().parse(self.subject or "") if field}
        return frozenset(fields | {_FINGERPRINT} if self.fingerprint else fields)

    def subject_of(self, request: Request) -> str:
        """What a call is about; its path where that is not known, as it was refused before its body was read."""
        values = {**_body_of(request), **request.path_params}
        try:
            return self.subject.format_map(values) if self.subject else request.url.path
        except KeyError:
            return request.url.path

    def fingerprint_of(self, request: Request) -> str | None:
        """The fingerprint in the request's body, if there is one."""
        return _body_of(request).get(_FINGERPRINT) if self.fingerprint else None


@dataclass(frozen=True, slots=True)
class Unaudited:
    """Says that a refused call leaves no entry, and why not."""

    reason: str

    async def __call__(self) -> None:
        """Let everybody pass."""


AuditPolicy = Audited | Unaudited


def keep_body(request: Request, body: B) -> B:
    """Keep what a request asks for, once it is known to be well formed: the entry of a refusal may name it."""
    request.state.body = body
    return body


def kept_body(model: type[B]) -> Callable[[Request, B], Awaitable[B]]:
    """The body of a call of the API as a dependency that also keeps it for the entry of a refusal."""

    async def read(request: Request, body: B) -> B:
        return keep_body(request, body)

    # FastAPI derives the type of the body from this signature
    read.__annotations__["body"] = model
    return read


def _body_of(request: Request) -> Mapping[str, Any]:
    body: RequestModel | None = getattr(request.state, "body", None)
    return dict(body) if body is not None else {}
