"""Serves a bare application as the service is served: on a free port of loopback, which is printed first."""

import socket

import uvicorn
from starlette.types import ASGIApp


def serve(app: ASGIApp) -> None:
    """Print where, and serve until the process is ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])
