"""The planted bugs of `make faults-selftest` still fit the source that they are planted in."""

import ast
from collections import Counter

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.planting import Mutant
from tests.faults.selftest import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_fits_its_source(mutant: Mutant) -> None:
    sources = {edit.file: (ROOT / edit.file).read_text(encoding="utf-8") for edit in mutant.edits}
    for edit in mutant.edits:
        assert sources[edit.file].count(edit.old) == 1, f"bring the mutant in step with {edit.file}: {edit.old!r}"
        sources[edit.file] = sources[edit.file].replace(edit.old, edit.new)
    for source in sources.values():
        ast.parse(source)


def test_there_are_enough_planted_bugs_with_names_of_their_own() -> None:
    assert len(MUTANTS) >= 12
    assert set(Counter(mutant.name for mutant in MUTANTS).values()) == {1}
    assert all(mutant.rules for mutant in MUTANTS)
