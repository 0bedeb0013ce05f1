"""What a planted bug is, and how it is planted in a copy of the tree."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.judge import Rule
from tests.faults.lane import Lane
from tests.faults.trial import Report

Show = Callable[[Lane, random.Random], Report]


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement; the old text stands exactly once in the file."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted bug.

    Attributes:
        name: What it does.
        edits: How.
        show: A trial that lets it do harm.
        rules: What the judge may object to, of which one is enough.
        tries: How often the trial may be repeated, where it depends on who is faster.
    """

    name: str
    edits: tuple[Edit, ...]
    show: Show
    rules: frozenset[Rule]
    tries: int = 2


class Mismatch(Exception):
    """The text to replace does not stand exactly once in its file."""


def plant(mutant: Mutant, tree: Path) -> None:
    """Break a tree.

    Raises:
        Mismatch: The source has changed: bring the mutant in step with it.
    """
    for edit in mutant.edits:
        path = tree / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise Mismatch(f"{mutant.name}: its text stands {text.count(edit.old)} times in {edit.file}: {edit.old!r}")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
