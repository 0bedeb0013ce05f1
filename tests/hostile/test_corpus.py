"""Every repository of the corpus, loaded the real way, within limits: a named error there, and nowhere else."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.hostile.corpus.limit_cases import cases as limit_cases
from tests.hostile.corpus.make import MANIFEST, kept_cases, manifest_text
from tests.hostile.corpus.recipes import GOOD, Case, Fault
from tests.hostile.repository import HostileRepository
from tests.support.command import run_module

MOST_SECONDS: Final = 60.0
"""Of processor time, git's included: what ends a hang. A case takes a second or two where nothing else goes on."""
MOST_KIB: Final = 512 * 1024
MOST_SECONDS_OF_ALL_VALUES: Final = 600.0
"""Of a source that holds all the values that it may: each of its files keeps to the other limit."""
LARGE: Final = frozenset(case.name for case in limit_cases())
DENSE: Final = frozenset({"200-documents-of-33000-labels"})
CASES: Final = {case.name: case for case in kept_cases()}


@dataclass(frozen=True)
class Hit:
    path: str
    line: int | None
    column: int | None
    pointer: str | None
    message: str


def run(cases: Sequence[Case], folder: Path) -> list[dict[str, Any]]:
    """What a process of its own says about each case."""
    repository = HostileRepository(folder / "hostile.git")
    work = [[case.name, repository.add(case), ["".join(parts) for parts in case.secrets]] for case in cases]
    repository.publish()
    orders = folder / "work.json"
    orders.write_text(json.dumps(work))
    mirror = folder / "data" / "mirror.git"
    done = run_module(
        "tests.hostile.child", f"file://{repository.folder}", str(mirror), str(orders), environ={}, timeout=600
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"ended after {results[-1]['name'] if results else 'nothing'}: {done.stderr[-4000:]}"
    assert len(results) == len(cases)
    return results


def complaints(case: Case, result: dict[str, Any]) -> list[str]:
    """What is not as it must be."""
    hits = [Hit(*error) for error in result["errors"]]
    found = []
    if result["leaked"]:
        found.append("a key can be read in what is kept or shown")
    if result["seconds"] > (MOST_SECONDS_OF_ALL_VALUES if case.name in DENSE else MOST_SECONDS):
        found.append(f"it took {result['seconds']:.1f} s")
    if result["peak_kib"] > MOST_KIB:
        found.append(f"it took {result['peak_kib']} KiB")
    if result["cause"] != case.cause:
        found.append(f"the source's cause is {result['cause']}")
    if case.cause is None:
        found += _of_documents(case, result["documents"])
        found += [
            f"there is no such error: {fault}" for fault in case.faults if not any(_is(fault, hit) for hit in hits)
        ]
        found += [
            f"another file is blamed: {hit}" for hit in hits if not any(_blames(fault, hit) for fault in case.faults)
        ]
    return [f"{case.name}: {complaint}" for complaint in found]


def _of_documents(case: Case, documents: list[str]) -> list[str]:
    if "*" in case.accepted:
        return [] if "good" in documents else ["the healthy document is not planned"]
    return [] if sorted(documents) == sorted({"good", *case.accepted}) else [f"planned would be {documents}"]


def _blames(fault: Fault, hit: Hit) -> bool:
    return fault.path == "*" or hit.path.startswith(fault.path)


def _is(fault: Fault, hit: Hit) -> bool:
    return _blames(fault, hit) and fault.line == hit.line and fault.part in hit.message


def test_the_corpus_is_what_its_generator_makes() -> None:
    assert MANIFEST.read_text() == manifest_text(), "run python -m tests.hostile.corpus.make"
    assert len(CASES) >= 200
    assert sum(name.startswith("include-") for name in CASES) >= 60
    assert sum(name.startswith("secret-") and name.endswith("-included") for name in CASES) >= 30


def test_each_case_is_refused_where_it_is_wrong_and_harms_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [case for case in CASES.values() if case.name not in LARGE]
    results = run(cases, tmp_path)
    wrong = [complaint for result in results for complaint in complaints(CASES[result["name"]], result)]
    assert wrong == []
    slowest = max(results, key=lambda result: result["seconds"])
    with capsys.disabled():
        sys.stdout.write(
            f"\nhostile: {len(results)} cases, slowest {slowest['name']} {slowest['seconds']:.2f} s, "
            f"all {sum(result['seconds'] for result in results):.0f} s, peak {results[-1]['peak_kib'] // 1024} MiB\n"
        )


@pytest.mark.parametrize("name", sorted(LARGE))
def test_a_repository_of_great_size_is_borne_or_refused(name: str, tmp_path: Path) -> None:
    (result,) = run([CASES[name]], tmp_path)
    assert complaints(CASES[name], result) == []


def test_a_wrong_outcome_is_noticed() -> None:
    case = Case("x", (), (Fault("chatbots/bad.yaml", 3, "twice"),))
    right = {
        "errors": [["chatbots/bad.yaml", 3, 1, None, "stands twice"]],
        "documents": ["good"],
        "leaked": [],
        "seconds": 1.0,
        "peak_kib": 1000,
        "cause": None,
    }
    assert complaints(case, right) == []
    for wrong in (
        {"errors": []},
        {"errors": [["chatbots/bad.yaml", 4, 1, None, "stands twice"]]},
        {"errors": [*right["errors"], [GOOD, 1, 1, None, "x"]]},
        {"documents": []},
        {"documents": ["bad", "good"]},
        {"leaked": ["k"]},
        {"seconds": 60.1},
        {"peak_kib": 513 * 1024},
        {"cause": "TooLarge"},
    ):
        assert complaints(case, {**right, **wrong}), wrong
