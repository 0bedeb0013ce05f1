"""Setting the wall clock of one process, by a library that is loaded before libc; the monotonic clock stays."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.machine import COMPILER

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class WallClock:
    """The wall clock of the processes that are started with `environ`."""

    library: Path
    offset: Path

    @property
    def environ(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.library), "WALL_CLOCK_OFFSET": str(self.offset)}

    def set(self, seconds: int) -> None:
        """Put it so far ahead of the machine's, or behind it."""
        beside = self.offset.with_suffix(".new")
        beside.write_text(f"{seconds}\n")
        # in one step: an unfinished file would read as no offset at all
        beside.replace(self.offset)


def a_wall_clock(folder: Path) -> WallClock:
    """A wall clock, or a skipped test where none can be made."""
    compiler = COMPILER.here()
    library = folder / "wall_clock.so"
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"gcc cannot build what sets the clock of one process: {built.stderr.strip()[-300:]}")
    clock = WallClock(library, folder / "offset")
    clock.set(0)
    return clock
