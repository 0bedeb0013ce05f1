"""``python -m benchmarks.bare_page BYTES``: the least that a server can do to send a page of this size."""

import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks.serving import serve


def main(size: int) -> None:
    """Serve it, and print where."""
    content = b"x" * size

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(content)

    serve(Starlette(routes=[Route("/", page)]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
