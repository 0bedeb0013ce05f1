"""The web on a real server."""

import threading
from asyncio import run
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from reconciler.web.http.web_settings import WebSettings
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import build
from tests.support.store import open_store
from tests.support.waiting import PATIENCE


class Server(uvicorn.Server):
    """A real server on a port of its own, in a thread of its own."""

    def __init__(self, folder: Path, settings: WebSettings | None, **more: Any) -> None:
        self.more = more
        self.folder = folder
        self.settings = settings
        self.ready = threading.Event()
        self.url = ""
        self.description: dict[str, Any] = {}

    async def main(self) -> None:
        clock = FakeClock()
        async with open_store(self.folder, clock) as store:
            house = await build(store, clock, self.settings)
            self.description = house.app.openapi()
            super().__init__(uvicorn.Config(house.app, port=0, log_level="warning", proxy_headers=False, **self.more))
            await self.serve()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.url = f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"
        self.ready.set()


@contextmanager
def serving(folder: Path, settings: WebSettings | None = None, **more: Any) -> Iterator[Server]:
    """Serve the house; `more` goes to uvicorn."""
    server = Server(folder, settings, **more)
    thread = threading.Thread(target=lambda: run(server.main()))
    thread.start()
    try:
        assert server.ready.wait(PATIENCE)
        yield server
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
