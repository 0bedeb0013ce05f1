"""The benchmarks run: with a fleet of a few chatbots, so that they cannot rot. Nothing is timed here."""

from pathlib import Path

import pytest

from benchmarks import conditional, memory, page, parses, sweep
from benchmarks.report import Goal, machine

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="costs are read from Linux's /proc")


def test_the_parses_of_a_small_fleet_are_counted() -> None:
    assert all(goal.reached for goal in parses.main(chatbots=5))


def test_a_small_fleet_is_swept(capsys: pytest.CaptureFixture[str]) -> None:
    (goal,) = sweep.main(chatbots=5, latency_ms=0, rounds=2)
    assert goal.value > 0
    assert "5 dry runs" in capsys.readouterr().out


def test_conditional_reads_are_compared() -> None:
    assert [goal.most for goal in conditional.main(chatbots=5, requests=1_000, rounds=1)] == [2, 2]


def test_memory_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert memory.main(chatbots=5) == []
    assert "after two more full refreshes" in capsys.readouterr().out


def test_the_fleet_page_is_timed_and_weighed(capsys: pytest.CaptureFixture[str]) -> None:
    _, weight = page.main(chatbots=5, requests=1, rounds=1)
    assert 10 < weight.value <= weight.most == 150
    assert "5 chatbots, the page has" in capsys.readouterr().out


def test_a_goal_says_whether_it_was_reached() -> None:
    assert Goal("ratio", 1.2, 1.25).line() == "ratio: 1.2, goal at most 1.25: reached"
    assert Goal("ratio", 1.3, 1.25).line() == "ratio: 1.3, goal at most 1.25: NOT reached"


def test_the_machine_is_named() -> None:
    assert "cores" in machine()
