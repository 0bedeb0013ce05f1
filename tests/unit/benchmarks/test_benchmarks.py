"""The benchmarks run: with a fleet of a few chatbots, so that they cannot rot. Nothing is timed here."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Goal, commit, machine, table, with_table

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="costs are read from Linux's /proc")

SMALL: dict[str, dict[str, Any]] = {
    "quiet": {"chatbots": 5, "rounds": 2},
    "changed": {"chatbots": 5, "rounds": 2},
    "parses": {"chatbots": 5},
    "calls": {"chatbots": 20, "intervals": 2},
    "sweep": {"chatbots": 5, "latency_ms": 0, "rounds": 2},
    "pacing": {"chatbots": 8, "rate": 1_000, "burst": 8},
    "webhook": {"chatbots": 5, "rounds": 1},
    "conditional": {"chatbots": 5, "requests": 1_000, "rounds": 1},
    "status": {"chatbots": 5, "per_second": 20, "seconds": 0.5},
    "footprint": {"chatbots": 5},
    "first_run": {"chatbots": 5},
    "page": {"chatbots": 5, "requests": 1, "rounds": 1},
    "scaling": {"chatbots": 5, "rounds": 1},
}
COUNTS = {
    "files parsed",
    "calls",
    "tables that quiet runs changed",
    "runs that 50 deliveries",
    "dry runs for each chatbot",
}
"""What is counted, not timed, is the same on every machine."""


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_measures_a_small_fleet(name: str) -> None:
    goals = BENCHMARKS[name].main(**SMALL[name])
    assert goals
    assert all(goal.value >= 0 for goal in goals)
    counted = [goal for goal in goals if any(goal.what.startswith(what) for what in COUNTS)]
    assert [goal.line() for goal in counted if not goal.reached] == []


def test_a_goal_says_whether_it_was_reached() -> None:
    assert Goal("ratio", 1.2, 1.25).line() == "ratio: 1.2, goal at most 1.25: reached"
    assert Goal("ratio", 1.3, 1.25, "9 ms").line() == "ratio: 1.3 (floor 9 ms), goal at most 1.25: NOT reached"


def test_the_table_of_a_page_is_made_anew() -> None:
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"
    renewed = with_table(page, table("here", {"sweep": [Goal("ratio", 1.3, 1.25, "9 ms")]}))
    assert "| `sweep` | ratio | 1.3 | 1.25 | 9 ms | **no** |" in renewed
    assert renewed.startswith("before\n")
    assert renewed.endswith("after\n")
    assert "old" not in renewed


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no lines <!-- figures -->"):
        with_table("a page", "a table")


def test_the_machine_and_the_commit_are_named() -> None:
    assert "cores" in machine()
    assert commit()
