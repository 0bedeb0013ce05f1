"""The driver's side of the fork server: starts services, hears from them, and ends them."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.order import Order
from tests.support.command import INHERITED

START_LIMIT = 60.0
READY_LIMIT = 60.0
_LARGEST = 1 << 16


class Dead(Exception):
    """The service ended."""


@dataclass(slots=True)
class Process:
    """A service that runs.

    Attributes:
        pid: Its process id.
        url: Where it listens; empty until it is ready.
        sprung: Whether its trap sprang.
        status: Its wait status, once it has ended.
    """

    server: "ForkServer"
    pid: int
    pipe: int
    url: str = ""
    sprung: bool = False
    status: int | None = None
    _heard: bytes = b""

    def wait_ready(self, limit: float = READY_LIMIT) -> str:
        """Wait until it listens.

        Raises:
            Dead: It ended before.
        """
        deadline = time.monotonic() + limit
        while not self.url:
            self._hear(deadline - time.monotonic())
            if self.status is not None:
                raise Dead
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"the service was not ready within {limit:g} s")
        return self.url

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if self.status is None:
            self._hear(0)
        return self.status is None

    def wait_end(self, limit: float) -> bool:
        """Wait until it has ended by itself; tell whether it has."""
        deadline = time.monotonic() + limit
        while self.alive and time.monotonic() < deadline:
            self._hear(deadline - time.monotonic())
        return self.status is not None

    def signal(self, number: int) -> None:
        """Send it a signal; nothing, when it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """As by ``kill -9``."""
        if self.status is None:
            self.signal(signal.SIGKILL)
            while self.status is None:
                self._hear(1)

    def _hear(self, seconds: float) -> None:
        ready, _, _ = select.select([self.pipe], [], [], max(0.0, seconds))
        if not ready or self.status is not None:
            return
        piece = os.read(self.pipe, 4096)
        if not piece:
            os.close(self.pipe)
            self.status = self.server.wait(self.pid)
            return
        self._heard += piece
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            if line == b"trap":
                self.sprung = True
            elif line.startswith(b"ready "):
                self.url = line[6:].decode()


@dataclass(slots=True)
class ForkServer:
    """Starts services; a context manager. One thread uses it at a time.

    Attributes:
        tree: The folder whose code is run.
    """

    tree: Path = field(default_factory=lambda: Path(__file__).parents[2])
    _socket: socket.socket = field(init=False)
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _running: list[Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.forkserver", str(theirs.fileno())],
                env={**INHERITED, "PYTHONPATH": str(self.tree), "PYTHONDONTWRITEBYTECODE": "1"},
                cwd=self.tree,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._socket = mine
        mine.settimeout(START_LIMIT)
        assert mine.recv(_LARGEST) == b"{}", "the fork server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
        self._socket.close()
        self._process.wait(START_LIMIT)

    def start(self, order: Order) -> Process:
        """Fork a service."""
        self._running = [process for process in self._running if process.status is None]
        listening, telling = os.pipe()
        try:
            socket.send_fds(self._socket, [json.dumps({"order": asdict(order)}).encode()], [telling])
        finally:
            os.close(telling)
        process = Process(self, self._answer()["pid"], listening)
        self._running.append(process)
        return process

    def wait(self, pid: int) -> int:
        """Reap a service that has ended."""
        self._socket.send(json.dumps({"wait": pid}).encode())
        status: int = self._answer()["status"]
        return status

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._socket.recv(_LARGEST))
        return answer
