"""Runs the sandbox on a socket: in a thread for tests, in the foreground for people."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from api_client.sandbox.app import create_app
from api_client.sandbox.auth import ApiKey, default_keys
from api_client.sandbox.clock import Clock, utc_now
from api_client.sandbox.connection_drops import DroppableProtocol
from api_client.sandbox.defaults import DEFAULT_PORT, LOOPBACK
from api_client.sandbox.fleet import Fleet
from api_client.sandbox.remote import SandboxControl
from api_client.sandbox.seed import default_fleet, load_fleet

_START_LIMIT = 10.0
_STOP_LIMIT = 10.0


class _Server(uvicorn.Server):
    """Signals when it accepts connections, and stops without waiting for callers that hang."""

    def __init__(self, app: FastAPI, when_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=DroppableProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then signal that the server listens."""
        await super().startup(sockets)
        self._when_ready()


class SandboxServer:
    """A local WizChat Management API on its own thread, as a context manager.

    Attributes:
        url: The base URL, once started.
        api_key: The first key's value, empty where there are no keys.
        control: The control surface of this server.

    Args:
        fleet: As for ``create_app``.
        keys: As for ``create_app``.
        clock: As for ``create_app``.
        latency: As for ``create_app``, in seconds.
        state_file: As for ``create_app``.
        host: Where to listen.
        port: Where to listen; 0 takes a free port.
    """

    def __init__(
        self,
        *,
        fleet: Fleet | None = None,
        keys: Iterable[ApiKey] | None = None,
        clock: Clock = utc_now,
        latency: float = 0.0,
        state_file: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        all_keys = default_keys() if keys is None else tuple(keys)
        self.api_key = all_keys[0].secret if all_keys else ""
        self._address = (host, port)
        self._ready = threading.Event()
        app = create_app(fleet=fleet, keys=all_keys, clock=clock, latency=latency, state_file=state_file)
        self._server = _Server(app, self._ready.set)
        self._thread = threading.Thread(target=self._run, name="wizchat-sandbox", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._socket = listening_socket(*self._address)
        self.url = _url_of(self._socket)
        self._thread.start()
        if not self._ready.wait(_START_LIMIT):
            self._stop()
            raise TimeoutError(f"the sandbox did not start within {_START_LIMIT:.0f} s")
        self.control = SandboxControl(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self._stop()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_LIMIT)
        self._socket.close()


def serve(
    *,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    keys: Iterable[ApiKey] | None = None,
    seed: Path | None = None,
    state: Path | None = None,
    latency: float = 0.0,
    when_ready: Callable[[str], None] = print,
) -> None:
    """Run the sandbox in the foreground until it is interrupted.

    Args:
        host: Where to listen; the control surface asks for no key, so stay on loopback.
        port: Where to listen; 0 takes a free port.
        keys: The API keys to accept; by default ``DEFAULT_API_KEY`` with every scope.
        seed: A file with the fleet to start with; by default the one that comes with the package.
        state: A file that keeps the fleet; once it exists it wins over ``seed``.
        latency: Seconds that every answer of the API takes longer.
        when_ready: Called with the base URL once connections are accepted.

    Raises:
        SeedError: The seed or the state file cannot be used.
        OSError: The address cannot be listened on.
    """
    fleet = default_fleet() if seed is None else load_fleet(seed)
    app = create_app(fleet=fleet, keys=keys, latency=latency, state_file=state)
    with listening_socket(host, port) as listener:
        url = _url_of(listener)
        asyncio.run(_Server(app, lambda: when_ready(url)).serve(sockets=[listener]))


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises:
        OSError: It cannot; the port is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=512)
    # asyncio sets it only on sockets that name TCP; without it an answer may wait 40 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
