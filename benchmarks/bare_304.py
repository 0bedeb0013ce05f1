"""``python -m benchmarks.bare_304``: the least that a server can do to say that nothing is new."""

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TAG = 'W/"unchanged"'


async def unchanged(request: Request) -> Response:
    """Say so."""
    assert request.headers["if-none-match"]
    return Response(status_code=304, headers={"ETag": TAG})


def main() -> None:
    """Serve it as the service is served, and print where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        app = Starlette(routes=[Route("/api/v1/chatbots", unchanged)])
        config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
