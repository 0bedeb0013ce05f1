"""A process that has imported the program once and forks for every command: a start costs a fork, not the imports.

It runs alone in an interpreter of its own with one thread, because only such a one may be forked safely.
"""

import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TextIO

LARGEST: Final = 1 << 17
"""Bytes of a message, most of which are an environment."""
READY: Final = b"{}"
"""The first message, once everything is imported."""
PRELOADED: Final = (
    "alembic.command",
    "git.cmd",
    "psycopg",
    "reconciler.cli.main",
    "reconciler.runtime.serve",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What commands import at some time."""


def main(descriptor: int) -> None:
    """Serve orders from a socket until it closes: ``{"run": …}`` forks, ``{"wait": pid}`` reaps."""
    preload()
    freeze()
    with socket.socket(fileno=descriptor) as orders:
        orders.send(READY)
        while True:
            message, descriptors, _, _ = socket.recv_fds(orders, LARGEST, 3)
            if not message:
                return
            order = json.loads(message)
            if "wait" in order:
                _, status = os.waitpid(order["wait"], 0)
                orders.send(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())
                continue
            pid = os.fork()
            if pid == 0:
                orders.close()
                become(order["run"], descriptors)
                return
            for given in descriptors:
                os.close(given)
            orders.send(json.dumps({"pid": pid}).encode())


def preload() -> None:
    """Load whatever a service or a command loads at some time, so that it is loaded before the fork."""
    for name in PRELOADED:
        import_module(name)
    tempfile.gettempdir()  # it tries folders out, once


def freeze() -> None:
    """Leave what is loaded by now out of every collection, which would write into memory that forks share."""
    assert threading.active_count() == 1, "a process with threads must not be forked"
    gc.collect()
    gc.freeze()


def become(order: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Be another command from here on, as if `python -m` had started it."""
    end_with_parent()
    stdout, stderr, until_the_end = descriptors
    # whoever listens at the other end hears that this process has ended, and its children must not keep that open
    os.set_inheritable(until_the_end, False)  # noqa: FBT003  the standard library's signature
    sys.stdout = _opened_anew(sys.stdout, stdout)
    sys.stderr = _opened_anew(sys.stderr, stderr)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = [order["module"], *order["arguments"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _opened_anew(stream: TextIO, descriptor: int) -> TextIO:
    """Put another file where a stream writes, whose buffers were made for the former one."""
    number = stream.fileno()
    os.dup2(descriptor, number)
    os.close(descriptor)
    line_by_line = 1 if number == sys.__stderr__.fileno() else -1
    return os.fdopen(number, "w", line_by_line, encoding=stream.encoding, errors=stream.errors, closefd=False)


def end_with_parent() -> None:
    """Have the kernel end this process when its parent ends, where it can."""
    if Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
