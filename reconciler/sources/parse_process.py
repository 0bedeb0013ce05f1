"""Has files parsed by a process beside the service: bounded in time and memory, and gone with whoever started it.

A thread that parses holds Python's lock for milliseconds at a time, in which no request is answered.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from types import TracebackType
from typing import Final, Self

from reconciler.domain.document import ParsedFile
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources import parse_worker
from reconciler.sources.contract import DocumentContract
from reconciler.sources.document_parser import refuse_file
from reconciler.sources.file_tree import Entry, Files
from reconciler.sources.parse_worker import (
    MEMORY_BYTES,
    OUT_OF_MEMORY,
    BlobsAsked,
    EntryAsked,
    Failed,
    Message,
    Parsed,
)

SILENT_S: Final = 60.0
"""How long the process may say nothing: it tells of each file, and a batch holds a megabyte."""
_TICK_S: Final = 0.5
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
"""What it sees of the service's environment: no secrets."""


class WorkerEnded(Exception):
    """The process ended before it had parsed what it was asked for; the message says why."""


class ParseProcess:
    """Parses files in a process that is started when it is needed, and again when it has died.

    For one thread at a time.

    Args:
        contract: What a document may state.
        stopped: Once set, nothing is waited for any more.
        silent_seconds: How long the process may say nothing.
        worker: The module whose `main` it runs.
    """

    def __init__(
        self,
        contract: DocumentContract,
        stopped: threading.Event,
        *,
        silent_seconds: float = SILENT_S,
        worker: str = parse_worker.__name__,
    ) -> None:
        # without what it has worked out by now, some of which cannot be handed over
        owned = {section: tuple(paths) for section, paths in contract.server_owned.items()}
        self._contract = DocumentContract(contract.schema, dict(contract.list_sections), owned)
        self._stopped = stopped
        self._silent_seconds = silent_seconds
        self._worker = worker
        self._running: tuple[Popen[bytes], Connection] | None = None
        self._ended = threading.Event()
        self._in_use = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.end()

    def parse(self, tree: Files, batch: Sequence[Entry]) -> list[ParsedFile]:
        """What files say, in their order; one on which the process dies twice is refused, and no other.

        Args:
            tree: The revision; whatever it raises is raised.
            batch: The files.

        Raises:
            SourceUnreadable: The files ask for more than a source may, or the service stops.
        """
        try:
            with self._in_use:
                return self._parse(tree, batch)
        finally:
            if self._ended.is_set():
                self.end()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._running[0].pid if self._running is not None else None

    def end(self) -> None:
        """End the process, also while another thread has it parse; none is started from now on."""
        self._ended.set()
        running = self._running
        if running is not None:
            running[0].kill()
        # whoever has it parse closes the connection: its number must not mean another one meanwhile
        if self._in_use.acquire(blocking=False):
            self._close()
            self._in_use.release()

    def _parse(self, tree: Files, batch: Sequence[Entry]) -> list[ParsedFile]:
        done: list[ParsedFile] = []
        try:
            self._ask(tree, batch, done.append)
        except WorkerEnded:
            # each by itself, to find out which one it was
            for entry in batch[len(done) :]:
                try:
                    self._ask(tree, [entry], done.append)
                except WorkerEnded as ended:
                    done.append(_refused(entry, str(ended)))
        return done

    def _close(self) -> None:
        if self._running is not None:
            (process, link), self._running = self._running, None
            link.close()
            process.kill()
            process.communicate()

    def _ask(self, tree: Files, batch: Sequence[Entry], take: Callable[[ParsedFile], object]) -> None:
        self._refuse_when_stopped()
        try:
            link = self._running[1] if self._running is not None else self._start()
            link.send(batch)
            while not isinstance(message := self._next(link), Parsed):
                _answer(message, link, tree, take)
        except (EOFError, ConnectionError) as error:
            raise WorkerEnded(self._why_ended()) from error
        except BaseException:
            self._close()  # it may be in the midst of something
            raise

    def _refuse_when_stopped(self) -> None:
        if self._stopped.is_set() or self._ended.is_set():
            raise SourceUnreadable(SourceCause.GIT_FAILED, "nothing is parsed any more: the service stops")

    def _next(self, link: Connection) -> Message:
        ends = time.monotonic() + self._silent_seconds
        while not link.poll(_TICK_S):
            self._refuse_when_stopped()
            if time.monotonic() >= ends:
                self._close()
                raise WorkerEnded(f"reading it takes longer than {self._silent_seconds:g} s")
        message: Message = link.recv()
        return message

    def _start(self) -> Connection:
        link, of_worker = Pipe()
        with of_worker:
            process = Popen(  # noqa: S603  a module of ours
                # the path of Python's own modules alone: what lies in the working directory is not run
                [sys.executable, "-P", "-c", f"from {self._worker} import main; main()", str(of_worker.fileno())],
                stdin=PIPE,  # ends with this process
                stdout=DEVNULL,
                stderr=DEVNULL,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                pass_fds=(of_worker.fileno(),),
            )
        self._running = process, link
        link.send(self._contract)
        return link

    def _why_ended(self) -> str:
        """Why the process ended by itself; it is gone afterwards."""
        self._refuse_when_stopped()
        process = self._running[0] if self._running is not None else None
        if process is not None:
            with suppress(TimeoutExpired):
                process.wait(_TICK_S)
        self._close()
        status = process.returncode if process is not None else None
        if status == OUT_OF_MEMORY:
            return f"reading it takes more than {MEMORY_BYTES // 1024**2} MiB of memory"
        if status is not None and status < 0:
            return f"the process that read it was ended ({signal.Signals(-status).name})"
        return f"the process that read it ended (status {status})"


def _answer(message: Message, link: Connection, tree: Files, take: Callable[[ParsedFile], object]) -> None:
    match message:
        case ParsedFile():
            take(message)
        case EntryAsked(path):
            link.send(tree.entry(path))
        case BlobsAsked(blob_ids):
            link.send(tree.read(blob_ids))
        case Failed(error):
            raise error
        case Parsed():
            pass


def _refused(entry: Entry, why: str) -> ParsedFile:
    return refuse_file(entry, f"the file cannot be read: {why}: make it simpler, or split it")
