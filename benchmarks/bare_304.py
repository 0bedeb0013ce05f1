"""``python -m benchmarks.bare_304``: the least that a server can do to say that nothing is new."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.serving import serve

TAG = 'W/"unchanged"'


async def unchanged(request: Request) -> Response:
    """Say so."""
    assert request.headers["if-none-match"]
    return Response(status_code=304, headers={"ETag": TAG})


def main() -> None:
    """Serve it, and print where."""
    serve(Starlette(routes=[Route("/api/v1/chatbots", unchanged)]))


if __name__ == "__main__":
    main()
