"""Where a command's words go: results to stdout, everything else to stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reconciler.domain.visible import visible
from reconciler.engine.each import Progress as Report
from reconciler.engine.each import no_progress


def show(text: str) -> None:
    """Print a result as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def warn(message: str) -> None:
    """Print one line beside the result."""
    sys.stderr.write(f"warning: {visible(message)}\n")


def complain(message: str) -> None:
    """Print the one line that says what went wrong and what to change."""
    sys.stderr.write(f"error: {visible(message)}\n")
    sys.stderr.flush()


def in_colour() -> bool:
    """Whether stdout is a terminal that wants colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A progress bar on stderr; nothing when that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield no_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
