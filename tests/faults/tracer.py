"""Names every step of I/O that a process takes, and breaks it before a chosen one. Nothing is patched.

A step is seen where the libraries offer it: SQLite's trace callback, SQLAlchemy's events for PostgreSQL, httpcore's
debug log, Python's audit hook. Its name says what is done and who asks:
``sql INSERT audit | executor:_intend < executor:_attempt``. A kill before step k+1 is a kill after step k, so killing
before each covers every moment between two steps.
"""

import logging
import os
import re
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, Final

import greenlet  # type: ignore[import-untyped]  # it comes without types
from sqlalchemy import Engine, Pool, event

from reconciler.storage.sqlite_driver import SqliteConnection
from tests.faults.order import Trap

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FILE_STEPS: Final = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.link", "os.symlink"}
)
_OURS: Final = ("reconciler.", "api_client.")
_RETRIES: Final = "reconciler.engine.conflicts"
"""What it calls again and again is a part of whoever asked it to."""
_PLUMBING: Final = ("reconciler.storage.", "reconciler.targets.", "api_client.")
_EXCHANGES: Final = frozenset((("api_client._transport", "_exchange"), ("api_client._transport", "_exchange_alone")))
"""The functions of the SDK that have one request under way."""
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE|TABLE|INDEX)\s+\"?(\w+)", re.IGNORECASE)
_ID: Final = re.compile(r"/chatbots/[^/?]+")
_RANDOM: Final = re.compile(r"tmp\w{8}|(?<=^\.link-key-)\w+|[0-9a-f]{38,64}|\d+(?=\.json)|\bpack-\w+|\bprocess_\w+")
_UNSEEN: Final = ("PRAGMA data_version",)
"""Asked at every look at an ETag: it reads a counter in memory, and would be most of the list."""


@dataclass(slots=True)
class Tracer:
    """Counts steps, writes them down, and springs the trap.

    Attributes:
        trap: Where to break.
        told: A file descriptor that gets a line when the trap springs.
        record: A file descriptor that gets the name of every step; None records nothing.
    """

    trap: Trap | None = None
    told: int | None = None
    record: int | None = None
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _inside: threading.local = field(default_factory=threading.local)

    def install(self) -> None:
        """See the steps of this process from now on; there is no way back."""
        event.listen(Pool, "connect", self._connected)
        event.listen(Engine, "before_cursor_execute", self._told_statement)
        for end in ("commit", "rollback"):
            event.listen(Engine, end, partial(self._told, end.upper()))
        event.listen(Engine, "begin", self._told_begin)
        log = logging.getLogger("httpcore")
        log.handlers, log.propagate = [_HttpSteps(self)], False
        log.setLevel(logging.DEBUG)
        sys.addaudithook(self._audited)

    def step(self, what: str, who: str) -> None:
        """A step that is about to be taken."""
        name = f"{what} | {who}"
        with self._lock:
            self._counts[name] += 1
            if self.record is not None:
                os.write(self.record, f"{name}\n".encode())
            trap = self.trap
            if trap is None or name != trap.name or self._counts[name] != trap.occurrence:
                return
            self.trap = None
            if self.told is not None:
                os.write(self.told, b"trap\n")
        if trap.delay_ms:
            timer = threading.Timer(trap.delay_ms / 1000, os.kill, (os.getpid(), trap.signal))
            timer.daemon = True
            timer.start()
        else:
            os.kill(os.getpid(), trap.signal)

    def _connected(self, connection: Any, record: Any) -> None:
        """Have SQLite tell every statement of a new connection; an asynchronous one lives on a thread of its own."""
        info = record.info
        driver = getattr(connection, "driver_connection", connection)
        if not isinstance(driver, SqliteConnection | sqlite3.Connection):
            return  # no SQLite: SQLAlchemy's events tell

        def told(statement: str) -> None:
            if not statement.startswith(_UNSEEN):
                self.step(f"sql {shape_of(statement)}", info.get("asks", "-"))

        if isinstance(driver, SqliteConnection):
            connection.run_async(lambda raw: raw.run(lambda inner: inner.set_trace_callback(told)))
        else:
            driver.set_trace_callback(told)

    def _told_statement(self, connection: Any, _: Any, statement: str, *__: Any) -> None:
        self._told(shape_of(statement), connection)

    def _told_begin(self, connection: Any) -> None:
        if connection.dialect.name != "sqlite":
            self._told("BEGIN", connection)

    def _told(self, what: str, connection: Any) -> None:
        """SQLite tells by itself what is done, and is only told who asks."""
        if connection.invalidated:
            return  # cut off: nothing is told to the database any more
        connection.info["asks"] = who = asker()
        if connection.dialect.name != "sqlite":
            self.step(f"sql {what}", who)

    def _audited(self, name: str, given: tuple[Any, ...]) -> None:
        if name == "open":
            flags = given[2]
            if not isinstance(flags, int) or not flags & _WRITES or getattr(self._inside, "yes", False):
                return
            what = f"file open {_file(given[0])}"
        elif name in _FILE_STEPS:
            what = f"file {name.removeprefix('os.')} {_file(given[0])}"
        elif name == "subprocess.Popen":
            what = f"git {_subcommand(given[1])}"
        elif name == "socket.connect":
            what = "socket connect"
        elif name == "sqlite3.connect":
            what = f"sqlite connect {_file(given[0])}"
        else:
            return
        self._inside.yes = True
        try:
            self.step(what, asker())
        finally:
            self._inside.yes = False


class _HttpSteps(logging.Handler):
    """What httpcore does, a line for each step."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def emit(self, record: logging.LogRecord) -> None:
        what = str(record.msg).split(" ", 1)[0]
        self._tracer.step(f"http {what} {_request()}", asker())


def shape_of(statement: str) -> str:
    """The verb and the table of a statement."""
    text = statement.lstrip()
    verb = text.split(None, 1)[0].upper()
    if verb == "PRAGMA":
        return f"PRAGMA {text.split()[1].split('=')[0]}"
    table = _TABLE.search(text)
    return f"{verb} {table.group(1)}" if table else verb


def frames() -> Iterator[FrameType]:
    """The frames of whoever asks, across the greenlets that SQLAlchemy runs drivers in."""
    frame: FrameType | None = sys._getframe(1)
    lets: Any = greenlet.getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and lets is not None and lets.parent is not None:
            lets = lets.parent
            frame = lets.gr_frame


def asker() -> str:
    """The nearest two functions of this program that are no plumbing; of the plumbing where there are none."""
    near: list[str] = []
    plumbing: list[str] = []
    for frame in frames():
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_OURS):
            continue
        if module == _RETRIES:
            del near[-1:]
            continue
        where = f"{module.rpartition('.')[2]}:{frame.f_code.co_name}"
        (plumbing if module.startswith(_PLUMBING) else near).append(where)
        if len(near) == 2:
            break
    return " < ".join(near or plumbing[:2]) or "-"


def _request() -> str:
    """Which request of the SDK is under way."""
    for frame in frames():
        if (
            frame.f_code.co_name in {"_exchange", "_exchange_alone"}
            and frame.f_globals.get("__name__") == "api_client._transport"
        ):
            request = frame.f_locals["request"]
            return f"{request.method} {_ID.sub('/chatbots/ID', request.target)}"
    return "-"


def _file(path: Any) -> str:
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "fd"
    return _RANDOM.sub("*", name.rstrip("/").rpartition("/")[2])


def _subcommand(arguments: Any) -> str:
    """Of a git command line, its subcommand."""
    words = [os.fsdecode(word) for word in arguments] if not isinstance(arguments, str) else arguments.split()
    if not any(word.rpartition("/")[2] == "git" for word in words):
        return words[0].rpartition("/")[2]
    words = words[next(i for i, word in enumerate(words) if word.rpartition("/")[2] == "git") + 1 :]
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] == "-c" else words[1:]
    return " ".join(_RANDOM.sub("*", word) for word in words[:1])
