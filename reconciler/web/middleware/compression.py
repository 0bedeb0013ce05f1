"""Pages, style sheets and scripts travel compressed; the API's answers are small, and its readers many."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST_COMPRESSED = 1000
"""Bytes from which on it pays."""
_API = "/api/"


class Compression:
    """Compresses what people look at. Event streams are of the API and pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressed = GZipMiddleware(app, minimum_size=SMALLEST_COMPRESSED, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] != "http" or scope["path"].startswith(_API)
        await (self.app if plain else self.compressed)(scope, receive, send)
