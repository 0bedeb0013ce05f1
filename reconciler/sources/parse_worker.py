"""Reads and judges files in a process of its own: what computes for long there keeps no thread of the service waiting.

Run by `parse_process`, with which it speaks over one connection, and whose end it does not outlive.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from typing import Final, NoReturn

from reconciler.domain.document import ParsedFile
from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import Entry
from reconciler.sources.loader import parse_files

MEMORY_BYTES: Final = 1024**3
"""What the process may hold for itself, where the system limits that."""
OUT_OF_MEMORY: Final = 3
"""Its exit status then."""
ALARM_S: Final = 90
"""When it ends by itself, should nobody else end it."""


@dataclass(frozen=True, slots=True)
class EntryAsked:
    """The worker asks what stands at a path."""

    path: str


@dataclass(frozen=True, slots=True)
class BlobsAsked:
    """The worker asks for contents."""

    blob_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failed:
    """Files could not be parsed, and why."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Parsed:
    """All files of a batch were given."""


Message = ParsedFile | EntryAsked | BlobsAsked | Failed | Parsed
"""What the worker sends."""


class AskedFiles:
    """The files of a tree, asked for over a connection."""

    def __init__(self, link: Connection) -> None:
        self._link = link
        self._entries: dict[str, Entry | None] = {}

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        if path not in self._entries:
            self._link.send(EntryAsked(path))
            self._entries[path] = self._link.recv()
        return self._entries[path]

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id."""
        self._link.send(BlobsAsked(frozenset(blob_ids)))
        contents: Mapping[str, bytes] = self._link.recv()
        return contents


Parse = Callable[[Connection, Sequence[Entry], DocumentContract], None]


def parse_batch(link: Connection, batch: Sequence[Entry], contract: DocumentContract) -> None:
    """Send what each file says, and then that this was all, or why it cannot be told."""
    try:
        for file in parse_files(AskedFiles(link), batch, contract):
            for document in file.documents:
                document.digest  # noqa: B018  it is kept, and goes with the file
            link.send(file)
    except (MemoryError, EOFError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  it is raised where the files were asked for
        link.send(Failed(error))
    else:
        link.send(Parsed())


def main() -> NoReturn:
    """What the process does."""
    serve(parse_batch)


def serve(parse: Parse) -> NoReturn:
    """Parse batches of files, until the connection or the standard input ends.

    Args:
        parse: Parses one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever is served decides when to end
    Thread(target=_end_with_the_service, daemon=True).start()
    _limit_memory()
    link = Connection(int(sys.argv[1]))
    try:
        contract: DocumentContract = link.recv()
        while True:
            batch: Sequence[Entry] = link.recv()
            signal.alarm(ALARM_S)
            parse(link, batch, contract)
            signal.alarm(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (EOFError, OSError):
        os._exit(0)


def _end_with_the_service() -> None:
    """The standard input ends with the process that holds its other end, however that one ends."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


def _limit_memory() -> None:
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
