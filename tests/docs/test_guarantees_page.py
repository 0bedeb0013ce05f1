"""Each promise names tests that are there."""

import re

from tests.docs.pages import ROOT, page

NAMED = re.compile(r"tests/[\w/.]+")


def test_every_promise_names_tests_that_exist_and_hold_something() -> None:
    promises = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", page("guarantees.md"), flags=re.MULTILINE)

    assert [int(number) for number, _ in promises] == list(range(1, len(promises) + 1))
    for number, tests in promises:
        named = [ROOT / name for name in NAMED.findall(tests)]
        assert named, f"promise {number} names no test"
        assert all(path.exists() for path in named), f"promise {number}"
        files = [file for path in named for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
        assert any("def test_" in file.read_text(encoding="utf-8") for file in files), f"promise {number}"


def test_the_last_long_run_is_one_without_a_broken_promise_and_can_be_repeated() -> None:
    rows = dict(
        re.findall(r"^\| ([^|]+) \| (.*) \|$", page("guarantees.md").partition("## The last long run")[2], re.MULTILINE)
    )

    assert {rows[rule] for rule in ("lost approvals", "double applies", "unapproved writes", "wrong verdicts")} == {"0"}
    assert "--seed" in rows["command"]
    assert rows["commit"]
