"""``python -m benchmarks.bare_page BYTES``: the least that a server can do to send a page of this size."""

import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route


def main(size: int) -> None:
    """Serve it as the service is served, and print where."""
    content = b"x" * size

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(content)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        app = Starlette(routes=[Route("/", page)])
        config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(int(sys.argv[1]))
