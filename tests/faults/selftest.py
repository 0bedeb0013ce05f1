"""Proves the harness: plants each bug in a copy of the tree, and demands that the judge objects."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.lane import Lane
from tests.faults.mutants import BY_NAME, MUTANTS
from tests.faults.planting import Mismatch, Mutant, plant
from tests.support.command import INHERITED

ROOT: Final = Path(__file__).parents[2]
_PARTS: Final = ("reconciler", "api_client", "tests", "pyproject.toml")
_LIMIT: Final = 240.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        objections: What the judge said, by rule.
        trouble: Why it could not be tried.
    """

    mutant: Mutant
    objections: tuple[tuple[str, str], ...] = ()
    trouble: str = ""
    seconds: float = 0.0

    @property
    def is_caught(self) -> bool:
        """Whether the judge objected on a ground that fits."""
        return any(rule in self.mutant.rules for rule, _ in self.objections)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every mutant, or show one in this tree; tell whether all were caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.selftest")
    parser.add_argument("--show", help="run what shows this bug in the tree as it is, and print what the judge says")
    parser.add_argument("--only", help="try only the mutants whose name holds this")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    if given.show:
        print(json.dumps(show(BY_NAME[given.show])))
        return 0
    chosen = [mutant for mutant in MUTANTS if (given.only or "") in mutant.name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(given.workers) as workers:
        verdicts = list(workers.map(lambda mutant: attempt(mutant, Path(folder)), chosen))
        control = _control(Path(folder), chosen)
    for verdict in verdicts:
        print(_line(verdict))
    print(*(f"OBJECTED WITHOUT A BUG: {what}" for what in control), sep="\n", end="" if not control else "\n")
    caught = sum(verdict.is_caught for verdict in verdicts)
    print(f"{caught} of {len(verdicts)} planted bugs caught in {time.monotonic() - began:.0f} s")
    return 0 if caught == len(verdicts) and not control else 1


def attempt(mutant: Mutant, folder: Path) -> Verdict:
    """Plant a bug in a copy, and run what shows it."""
    began = time.monotonic()
    tree = folder / mutant.name.replace(" ", "-").replace("'", "")
    copy_tree(tree)
    try:
        plant(mutant, tree)
    except Mismatch as error:
        return Verdict(mutant, trouble=str(error))
    said, trouble = _shown(mutant, tree)
    shutil.rmtree(tree, ignore_errors=True)
    return Verdict(mutant, said, trouble, time.monotonic() - began)


def copy_tree(to: Path) -> None:
    """Copy what a trial needs."""
    to.mkdir()
    for part in _PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, to / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, to / part)


def _control(folder: Path, mutants: Sequence[Mutant]) -> tuple[str, ...]:
    """The same trials without any bug: the judge must be silent."""
    tree = folder / "control"
    copy_tree(tree)
    found = []
    with Lane(folder / "control-lane", tree) as lane:
        for mutant in mutants:
            report = mutant.show(lane, random.Random(mutant.name))
            found += [f"{mutant.name}: {violation}" for violation in report.violations]
    return tuple(found)


def _shown(mutant: Mutant, tree: Path) -> tuple[tuple[tuple[str, str], ...], str]:
    command = [sys.executable, "-m", "tests.faults.selftest", "--show", mutant.name]
    environment = {**INHERITED, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT
        )
    except subprocess.TimeoutExpired:
        return (), f"it took longer than {_LIMIT:g} s"
    if done.returncode:
        return (), done.stderr.strip().rpartition("\n")[2]
    return tuple((rule, what) for rule, what in json.loads(done.stdout.splitlines()[-1])), ""


def show(mutant: Mutant) -> list[tuple[str, str]]:
    """Run what shows a bug in this tree, until the judge objects on a ground that fits."""
    said: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder, Lane(Path(folder), ROOT) as lane:
        for number in range(mutant.tries):
            report = mutant.show(lane, random.Random(f"{mutant.name}:{number}"))
            said += [(violation.rule.value, violation.what) for violation in report.violations]
            if any(violation.rule in mutant.rules for violation in report.violations):
                break
    return said


def _line(verdict: Verdict) -> str:
    by = sorted({rule for rule, _ in verdict.objections})
    outcome = (
        f"caught by {', '.join(by)}" if verdict.is_caught else f"SURVIVED ({verdict.trouble or by or 'no objection'})"
    )
    return f"{verdict.mutant.name:55} {outcome} ({verdict.seconds:.0f} s)"


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
