"""Limits the headers of a request."""

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.web.http import problems
from reconciler.web.http.problems import Code, Problem

MAX_BYTES = 16 * 1024
MAX_HEADERS = 100
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class HeaderLimits:
    """Refuses heads that are too large or say two lengths; the server itself stops reading those that do not end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await problems.of_problem(refusal)(scope, receive, send)


def _refusal(scope: Scope) -> Problem | None:
    """Why a head is refused, or None."""
    if _is_too_large(scope):
        detail = f"send at most {MAX_HEADERS} headers, and {MAX_BYTES} bytes with the URL"
        return Problem(Code.HEADERS_TOO_LARGE, detail)
    if {name for name, _ in scope["headers"]} >= _LENGTHS:
        # a proxy may have used the other one: the rest must not be read as another request (RFC 9112, 6.3)
        detail = "send Content-Length or Transfer-Encoding, not both"
        return Problem(Code.BAD_REQUEST, detail, headers={"connection": "close"})
    return None


def _is_too_large(scope: Scope) -> bool:
    headers = scope["headers"]
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return len(headers) > MAX_HEADERS or size + sum(len(name) + len(value) for name, value in headers) > MAX_BYTES
