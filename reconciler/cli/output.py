"""Prints what commands say: results to stdout, everything else to stderr."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.domain.escaping import escaped
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.engine.concurrency import Progress as Report

_OF_OUTPUT = frozenset({errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT, errno.EFBIG})
"""Errors that a write to stdout ends with; files are named by theirs."""


class NoOutput(ReconcilerError):
    """There is nowhere to print to."""


def prepare() -> None:
    """Make stdout and stderr fit to print to: a terminal that cannot show a character gets its escape.

    Raises:
        NoOutput: stdout is closed, so that a result, or a token that is shown once, would be lost.
    """
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  for as long as the process lives
    if sys.stdout is None:
        raise NoOutput("stdout is closed: give the command somewhere to print, such as > /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out everything that was printed, while a failure can still be reported."""
    sys.stdout.flush()


def close() -> None:
    """Drop what could not be printed, so that the interpreter does not try again when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refusal_of(error: OSError) -> str:
    """What the system refused, and of what, where it says so."""
    cause = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{error.filename}: {cause}"
    if error.errno in _OF_OUTPUT:
        close()
        return f"the result cannot be printed: {cause}"
    return f"the system refused: {cause}"


def show(text: str) -> None:
    """Print a result as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def inform(message: str) -> None:
    """Print one line beside the result that asks for nothing."""
    sys.stderr.write(f"{escaped(message)}\n")


def warn(message: str) -> None:
    """Print one line beside the result."""
    sys.stderr.write(f"warning: {escaped(message)}\n")


def complain(message: str) -> None:
    """Print the one line that says what went wrong and what to change."""
    with suppress(OSError):  # there is nowhere left to report it; the exit code still shows it
        sys.stderr.write(f"error: {escaped(message)}\n")
        sys.stderr.flush()


def in_colour() -> bool:
    """Whether stdout is a terminal that wants colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress_bar(title: str) -> Iterator["Report"]:
    """A progress bar on stderr; nothing when that is no terminal."""
    from rich.console import Console  # noqa: PLC0415  few commands draw one

    console = Console(stderr=True)
    if not console.is_terminal:
        from reconciler.engine.concurrency import no_progress  # noqa: PLC0415  as above

        yield no_progress
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415  as above

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
