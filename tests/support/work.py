"""How much work something takes, told apart from how fast the machine is: the lines of Python that it executes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(slots=True)
class Work:
    """What has been done so far.

    Attributes:
        lines: How many lines were executed.
    """

    lines: int = 0


class TooMuchWork(AssertionError):
    """More lines were executed than may be; what was under way is broken off."""


@contextmanager
def counted(most: int) -> Iterator[Work]:
    """Count the lines that this thread executes below a block, and break it off after so many.

    What C code does within one line counts as that line.
    """
    work = Work()

    def on_line(_: FrameType, event: str, __: Any) -> Callable[..., Any]:
        if event == "line":
            work.lines += 1
            if work.lines > most:
                raise TooMuchWork(f"more than {most} lines were executed")
        return on_line

    before = sys.gettrace()
    sys.settrace(lambda *_: on_line)
    try:
        yield work
    finally:
        sys.settrace(before)
