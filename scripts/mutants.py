"""Plants small slips in a copy of the code, one at a time, and counts those that a test notices (``make mutants``).

mutmut makes the mutants and runs the tests that reach each of them; this chooses a random sample, prints its seed,
sets mutants aside that are known to change nothing, and counts by package. docs/mutants.md says how to read it.
"""

import argparse
import json
import os
import random
import re
import secrets
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
EQUIVALENTS: Final = ROOT / "tests" / "mutants.toml"
STATS: Final = ROOT / "mutants" / "mutmut-stats.json"
MUTMUT: Final = Path(sys.executable).parent / "mutmut"

DEFAULT_MINUTES: Final = 10.0
PART_OF_ESTIMATE: Final = 0.25
"""A mutant is killed after a part of its tests, so that most take less than the time that all its tests take."""
MUTANT_OVERHEAD_S: Final = 1.0
"""What a mutant takes beside its tests: a process, and pytest's start."""

_KILLED: Final = frozenset({"killed", "timeout", "caught by type check", "segfault"})
_WARM_UP: Final = "api_client._wire.x_get_call*"
"""Asked for when mutmut is only to make the mutants and learn which tests reach them: few tests reach these."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A slip.

    Attributes:
        name: As mutmut names it: module, function, number.
        seconds: How long all tests take that reach it.
    """

    name: str
    seconds: float

    @property
    def package(self) -> str:
        """What its score is counted under: the package that it lies in, or a module of the SDK."""
        return ".".join(self.name.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change of the source that changes nothing that can be seen.

    Attributes:
        module: Where.
        removed: A line as it was.
        added: The line as it became.
        reason: Why nothing shows.
    """

    module: str
    removed: str
    added: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unplantable:
    """A function that mutmut cannot change, because it has run before mutmut comes.

    Attributes:
        function: As mutmut names it, without the number.
        reason: Why.
    """

    function: str
    reason: str


def main() -> int:
    """Run a sample, print the survivors and the score, and return the exit code: 1 below the threshold."""
    options = _arguments()
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
    print(f"seed {seed}", flush=True)
    _mutmut("run", _WARM_UP, "--max-children", str(options.children))
    chosen = choose(
        list(_estimates()),
        random.Random(seed),
        count=options.count,
        seconds=options.minutes * 60,
        children=options.children,
    )
    print(f"{len(chosen)} mutants", flush=True)
    _mutmut("run", *(mutant.name for mutant in chosen), "--max-children", str(options.children))
    return report(chosen, _statuses(), known_equivalents(), least=options.least)


def choose(
    mutants: Sequence[Mutant], rng: random.Random, *, count: int | None, seconds: float, children: int
) -> list[Mutant]:
    """Draw a sample.

    Args:
        mutants: All there are.
        rng: What draws.
        count: How many; None means as many as probably fit into `seconds`.
        seconds: How long the sample may probably take.
        children: How many are tried at once.
    """
    shuffled = rng.sample(mutants, len(mutants))
    if count is not None:
        return shuffled[:count]
    left = seconds * children
    chosen = []
    for mutant in shuffled:
        left -= MUTANT_OVERHEAD_S + PART_OF_ESTIMATE * mutant.seconds
        if left < 0:
            break
        chosen.append(mutant)
    return chosen


def report(
    chosen: Iterable[Mutant], statuses: Mapping[str, str], equivalents: Sequence[Equivalent], *, least: float
) -> int:
    """Print each survivor with its change, and the score by package.

    Returns:
        0 when the score of all reaches `least` (a share, 0 to 1), else 1.
    """
    killed: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for mutant in chosen:
        status = statuses[mutant.name]
        change = "" if status in _KILLED else _diff(mutant.name)
        if change and (known := _known(mutant, change, equivalents)) is not None:
            print(f"\nequivalent: {mutant.name}: {known.reason}")
            continue
        counted[mutant.package] += 1
        killed[mutant.package] += not change
        if change:
            print(f"\n{status}: {mutant.name}\n{change}")
    print(f"\n{'package':<30}{'mutants':>9}{'killed':>9}{'score':>8}")
    for package in sorted(counted):
        _row(package, killed[package], counted[package])
    _row("all", killed.total(), counted.total())
    return int(killed.total() < least * counted.total())


def _row(name: str, killed: int, counted: int) -> None:
    print(f"{name:<30}{counted:>9}{killed:>9}{killed / counted if counted else 1:>8.1%}")


def _known(mutant: Mutant, change: str, equivalents: Sequence[Equivalent]) -> Equivalent | None:
    lines = {(line[0], line[1:].strip()) for line in change.splitlines() if line[:1] in {"-", "+"}}
    return next(
        (
            known
            for known in equivalents
            if mutant.name.startswith(f"{known.module}.") and {("-", known.removed), ("+", known.added)} <= lines
        ),
        None,
    )


def known_equivalents() -> list[Equivalent]:
    """The mutants that are known to change nothing."""
    return [Equivalent(**each) for each in _set_aside("equivalent")]


def unplantable() -> list[Unplantable]:
    """The functions that mutmut cannot change."""
    return [Unplantable(**each) for each in _set_aside("unplantable")]


def _set_aside(table: str) -> list[dict[str, str]]:
    with EQUIVALENTS.open("rb") as file:
        found: list[dict[str, str]] = tomllib.load(file)[table]
    return found


def _estimates() -> Iterator[Mutant]:
    """Every mutant that can be planted, with the time that its tests take; one that no test reaches takes none.

    mutmut's own command for this forgets in passing which tests reach what, so its file is read.
    """
    stats = json.loads(STATS.read_text(encoding="utf-8"))
    reaching, durations = stats["tests_by_mangled_function_name"], stats["duration_by_test"]
    left_out = {each.function for each in unplantable()}
    for name in _statuses():
        function = name.rpartition("__mutmut_")[0]
        if function not in left_out:
            yield Mutant(name, sum(durations.get(test, 0.0) for test in reaching.get(function, ())))


def _statuses() -> dict[str, str]:
    lines = _mutmut("results", "--all", "true", quiet=True).splitlines()
    return dict(line.strip().split(": ", 1) for line in lines if ": " in line)


def _diff(name: str) -> str:
    """What a mutant changes: the lines that left and came."""
    lines = _mutmut("show", name, quiet=True).splitlines()
    return "\n".join(line for line in lines if re.match(r"[-+](?![-+])", line))


def _mutmut(*arguments: str, quiet: bool = False) -> str:
    """Run mutmut; its progress is for nobody, its complaints are ours.

    Raises:
        SystemExit: When it fails.
    """
    done = subprocess.run(
        [MUTMUT, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutmut {arguments[0]} failed:\n{done.stdout[-4000:]}")
    if not quiet:
        print(f"mutmut {arguments[0]}: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ''}"[:200])
    return done.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat a sample")
    parser.add_argument("--count", type=int, help="how many mutants; by default as many as fit into the time")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="how long the sample may take")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many are tried at once")
    parser.add_argument("--least", type=float, default=0.9, help="the score to reach, 0 to 1")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
