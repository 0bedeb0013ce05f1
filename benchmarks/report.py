"""How figures are printed: the machine, what was measured, the floor, and whether the goal was reached."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is held against.

    Attributes:
        what: What the figure is, with its unit.
        value: What was measured.
        most: The most that it may be.
    """

    what: str
    value: float
    most: float

    @property
    def reached(self) -> bool:
        """Whether the figure is good enough."""
        return self.value <= self.most

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.what}: {self.value:.4g}, goal at most {self.most:g}: {'reached' if self.reached else 'NOT reached'}"
        )


def machine() -> str:
    """The machine in one line; figures of two machines cannot be compared."""
    implementation = f"{platform.python_implementation()} {platform.python_version()}"
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{os.cpu_count()} cores, {_cpu_model()}, {platform.system()}, {implementation}, {moment}"


def _cpu_model() -> str:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The median, and what lay farthest from it on either side."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def show(*lines: str) -> None:
    """Print at once, also into a pipe."""
    for line in lines:
        print(line, flush=True)
