"""Both clients behind one face, and servers that misbehave on a real socket."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api_client import AsyncWizChatClient, WizChatClient
from tests.support.waiting import PATIENCE

KEY = "wpk_live_test_0123456789"
Caller = Callable[..., Any]
Behaviour = Callable[[socket.socket, int], None]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    """`call("get_chatbot", "bot_1", transport=…)`: one call of a fresh client of either kind."""

    def sync_call(method: str, *args: Any, options: dict[str, Any], **kwargs: Any) -> Any:
        with WizChatClient(KEY, **options) as client:
            return getattr(client, method)(*args, **kwargs)

    async def async_call(method: str, *args: Any, options: dict[str, Any], **kwargs: Any) -> Any:
        async with AsyncWizChatClient(KEY, **options) as client:
            return await getattr(client, method)(*args, **kwargs)

    def caller(method: str, *args: Any, apply: dict[str, Any] | None = None, **options: Any) -> Any:
        options = {"backoff": 0.0, **options}
        if request.param == "sync":
            return sync_call(method, *args, options=options, **(apply or {}))
        return asyncio.run(async_call(method, *args, options=options, **(apply or {})))

    return caller


@dataclass
class Script:
    """A transport that gives its answers in turn (the last one for ever) and keeps the requests."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


@pytest.fixture
def script() -> Callable[..., Script]:
    return lambda *answers: Script(list(answers))


@dataclass
class RawServer:
    """Reads each request whole and leaves the answer to a function that is given the socket."""

    behaviour: Behaviour
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with connection:
            try:
                while self._read_request(connection):
                    self.behaviour(connection, len(self.bodies))
                    if self.released.is_set():
                        return
            except OSError:
                return

    def _read_request(self, connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(65536)
            if not chunk:
                return False
            head += chunk
        head, _, body = head.partition(b"\r\n\r\n")
        sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        while len(body) < sum(sizes):
            chunk = connection.recv(65536)
            if not chunk:
                return False
            body += chunk
        self.heads.append(head)
        self.bodies.append(body)
        return True


@contextmanager
def _running(behaviour: Behaviour) -> Iterator[RawServer]:
    server = RawServer(behaviour)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(PATIENCE)


@pytest.fixture
def raw_server() -> Callable[[Behaviour], Any]:
    return _running


@pytest.fixture
def unused_url() -> Iterator[str]:
    """A port that is bound and not listening, so that it refuses and nobody else gets it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
