"""docs/git.md names what git is given of the environment, and every row of its failures is understood."""

import re

import pytest

from reconciler.sources.git_command import INHERITED
from reconciler.sources.git_failure import is_explained
from tests.docs.pages import page, table_rows

PAGE = page("git.md")
FAILURES = [words for row in table_rows(PAGE, "What a failure says") for words in row[0].split(", ")]


def test_the_page_names_each_variable_that_git_is_given() -> None:
    section = PAGE.partition("## What git is given of the environment")[2]
    named = set(re.findall(r"`([A-Za-z_0-9]+)`", section))
    assert {name for name in INHERITED if name not in named and name.lower() not in named} == set()
    assert named <= INHERITED


@pytest.mark.parametrize("words", FAILURES)
def test_a_failure_that_the_page_names_is_understood(words: str) -> None:
    assert is_explained(f"fatal: {words}".replace("…", "x"))
