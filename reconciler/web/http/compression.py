"""Pages, style sheets and scripts travel compressed; the API's answers are small, and its readers many."""

import gzip
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST_COMPRESSED: Final = 1000
"""Bytes from which on it pays."""
LEVEL: Final = 6
_API = "/api/"


def compressed(response: Response, accepted: str) -> Response:
    """An answer compressed where it was made: what is large takes long, and the middleware works on the event loop.

    Args:
        response: Of a page, whole.
        accepted: The request's ``Accept-Encoding``.
    """
    if "gzip" in accepted and len(response.body) >= SMALLEST_COMPRESSED:
        response.body = gzip.compress(response.body, LEVEL, mtime=0)
        response.headers.update({"content-encoding": "gzip", "content-length": str(len(response.body))})
        response.headers.add_vary_header("Accept-Encoding")
    return response


class Compression:
    """Compresses what people look at. Event streams are of the API and pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressed = GZipMiddleware(app, minimum_size=SMALLEST_COMPRESSED, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] != "http" or scope["path"].startswith(_API)
        await (self.app if plain else self.compressed)(scope, receive, send)
