"""How much a request may say before its body."""

from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.web import problems
from reconciler.web.problems import Code

MOST_BYTES = 16 * 1024
MOST_HEADERS = 100


class Heads:
    """Refuses heads that are too large; the server itself stops reading those that do not end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_too_large(scope):
            detail = f"send at most {MOST_HEADERS} headers, and {MOST_BYTES} bytes with the URL"
            await problems.answer(problems.document_of(Code.HEADERS_TOO_LARGE, detail))(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _is_too_large(scope: Scope) -> bool:
    headers = scope["headers"]
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return len(headers) > MOST_HEADERS or size + sum(len(name) + len(value) for name, value in headers) > MOST_BYTES
