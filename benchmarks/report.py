"""How figures are printed and kept: the machine, what was measured, the floor, and whether the goal was reached."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is held against.

    Attributes:
        what: What the figure is, with its unit.
        value: What was measured: a ratio to a floor of the same run, or a count.
        most: The most that it may be.
        floor: What the floor was, in the unit that it was measured in; empty for a count.
    """

    what: str
    value: float
    most: float
    floor: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is good enough."""
        return self.value <= self.most

    def line(self) -> str:
        """One line for people."""
        verdict = "reached" if self.reached else "NOT reached"
        beside = f" (floor {self.floor})" if self.floor else ""
        return f"{self.what}: {self.value:.4g}{beside}, goal at most {self.most:g}: {verdict}"

    def as_json(self) -> dict[str, Any]:
        """For programs that compare runs."""
        return {**asdict(self), "reached": self.reached}


def commit() -> str:
    """The commit that is measured, marked when files differ from it."""
    described = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(described, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() or "unknown"


_VERDICTS = {True: "yes", False: "**no**"}
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def table(where: str, measured: Mapping[str, Sequence[Goal]]) -> str:
    """The figures of a run as a table in markdown."""
    rows = [
        f"| `{name}` | {goal.what} | {goal.value:.3g} | {goal.most:g} | {goal.floor} | {_VERDICTS[goal.reached]} |"
        for name, goals in measured.items()
        for goal in goals
    ]
    head = ["| benchmark | figure | measured | goal at most | its floor | reached |", "|---|---|---|---|---|---|"]
    return "\n".join([f"{where}:", "", *head, *rows, ""])


def with_table(page: str, figures: str) -> str:
    """A page with its table made anew.

    Raises:
        ValueError: The page has no place for it.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {_BEGIN.strip()} and {_END.strip()} to put the table between")
    return f"{before}{begin}\n{figures}\n{end}{after}"


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
