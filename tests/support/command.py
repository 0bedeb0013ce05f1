"""Commands as people run them: processes of their own, forked from one that has imported the program."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from tests.support.forkserver import LARGEST, READY
from tests.support.waiting import PATIENCE

ROOT: Final = Path(__file__).parents[2]
INHERITED = {name: value for name, value in os.environ.items() if not name.startswith(("WIZCHAT_", "RECONCILER_"))}
"""The environment without this machine's own settings."""
_READ_AT_THE_START: Final = ("PYTHON", "LD_", "DYLD_", "LC_", "LANG")
"""Variables that an interpreter and its loader read once."""


@dataclass(slots=True)
class Forked:
    """A command that was started, as `subprocess.Popen` shows one; one thread at a time may wait for it.

    Attributes:
        returncode: Its exit code, or minus the signal that ended it, once that is known.
    """

    server: "ForkServer"
    pid: int
    end: int
    returncode: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, timeout: float) -> int:
        """Wait for its end.

        Args:
            timeout: Seconds.

        Returns:
            Its exit code.

        Raises:
            subprocess.TimeoutExpired: It goes on.
        """
        if self.returncode is None:
            poller = select.poll()
            poller.register(self.end, select.POLLIN)
            if not poller.poll(timeout * 1000):
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            with self._lock:
                os.close(self.end)
                self.returncode = self.server.reap(self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing, when it has ended."""
        with self._lock:
            if self.returncode is None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As by ``kill -9``."""
        self.send_signal(signal.SIGKILL)


@dataclass(slots=True)
class ForkServer:
    """Starts commands.

    Attributes:
        environ: What the interpreter and its loader are to read at their start.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    _orders: socket.socket = field(init=False)
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.environ = {**INHERITED, **self.environ}
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forkserver", str(theirs.fileno())],
                env=self.environ,
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # an interrupt of the tests is none of the services: their fixtures stop them
                start_new_session=True,
            )
        assert self._orders.recv(LARGEST) == READY, "the fork server did not start"

    def close(self) -> None:
        """End it, and with it whatever still runs."""
        self._orders.close()
        self._process.wait(PATIENCE)

    def start(
        self,
        module: str,
        *arguments: str,
        environ: Mapping[str, str],
        stdout: int,
        stderr: int,
        cwd: Path | None = None,
    ) -> Forked:
        """Start what `python -m` would, with nothing on stdin.

        Args:
            module: Its name.
            arguments: Of the command line.
            environ: All of its environment.
            stdout: A file descriptor.
            stderr: Another.
            cwd: The folder to run it in; this process's own if None.
        """
        late = [name for name, value in environ.items() if self.environ.get(name) != value]
        late = [name for name in late if name.startswith(_READ_AT_THE_START)]
        assert not late, f"an interpreter reads {late} at its start: give it to the fork server"
        folder = str((cwd or Path()).absolute())
        order = {"module": module, "arguments": arguments, "environ": dict(environ), "folder": folder}
        end, held = os.pipe()
        try:
            pid: int = self._ask({"run": order}, stdout, stderr, held)["pid"]
        finally:
            os.close(held)
        return Forked(self, pid, end)

    def reap(self, pid: int) -> int:
        """The exit code of a command that has ended."""
        code: int = self._ask({"wait": pid})["code"]
        return code

    def _ask(self, order: Mapping[str, Any], *descriptors: int) -> dict[str, Any]:
        with self._lock:
            socket.send_fds(self._orders, [json.dumps(order).encode()], descriptors)
            answer: dict[str, Any] = json.loads(self._orders.recv(LARGEST))
        return answer


class Interpreter:
    """Starts each command in an interpreter of its own, as people do: for a second of processor time more."""

    environ: Mapping[str, str] = INHERITED

    def start(
        self,
        module: str,
        *arguments: str,
        environ: Mapping[str, str],
        stdout: int,
        stderr: int,
        cwd: Path | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start `python -m`; see `ForkServer`."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )


@cache
def fork_server() -> ForkServer:
    """The one of this process, which ends with it."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def run_command(
    *arguments: str,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    check: bool = True,
    starter: ForkServer | Interpreter | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `reconciler` to its end, with nothing of this machine's own settings."""
    done = run_module("reconciler", *arguments, environ=environ, cwd=cwd, starter=starter)
    assert "Traceback" not in done.stdout + done.stderr
    assert not check or done.returncode == 0, done.stderr
    return done


def run_module(
    module: str,
    *arguments: str,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    starter: ForkServer | Interpreter | None = None,
    timeout: float = PATIENCE,
) -> subprocess.CompletedProcess[str]:
    """Run what `python -m` would to its end.

    Args:
        module: Its name.
        arguments: Of the command line.
        environ: What is added to the starter's environment.
        cwd: The folder to run it in; this process's own if None.
        starter: The fork server of this process if None.
        timeout: Seconds after which it is killed.
    """
    starter = starter or fork_server()
    with TemporaryFile("w+", encoding="utf-8") as stdout, TemporaryFile("w+", encoding="utf-8") as stderr:
        process = starter.start(
            module,
            *arguments,
            environ={**starter.environ, **environ},
            stdout=stdout.fileno(),
            stderr=stderr.fileno(),
            cwd=cwd,
        )
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait(PATIENCE)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(arguments, code, stdout.read(), stderr.read())
