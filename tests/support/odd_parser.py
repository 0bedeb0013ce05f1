"""The worker that parses files, with an odd way for each file whose name asks for it."""

import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import NoReturn

from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import Entry
from reconciler.sources.parse_worker import MEMORY_BYTES, parse_batch, serve


def parse(link: Connection, batch: Sequence[Entry], contract: DocumentContract) -> None:
    """Die, hang, or ask for too much memory on a file that is named so."""
    names = {entry.path.rpartition("/")[2] for entry in batch}
    if "dies.yaml" in names:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exits.yaml" in names:
        os._exit(7)
    if "hangs.yaml" in names:
        signal.pause()  # until it is ended
    if "grows.yaml" in names:
        bytearray(2 * MEMORY_BYTES)
    parse_batch(link, batch, contract)


def main() -> NoReturn:
    """What the process does."""
    serve(parse)
