"""Markdown in which nothing that people wrote links, mentions or marks up."""

import re

import pytest

from reconciler.render.model import NOTHING_WRITTEN, FleetPlan
from reconciler.render.plan_markdown import fleet_markdown

ACTING = (
    "@acme/everybody must look",
    "see https://evil.example/x",
    "fixes #1 and GH-2",
    "[click](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "_up_ **to** `here` ```` and on",
    "<img src=x>",
    "two\nlines",
    "`",
)
_SPAN = re.compile(r"(`+)(?!`)(.*?)(?<!`)\1(?!`)")


def _outside_of_code(line: str) -> str:
    """What of a line is read as markup: as CommonMark has it, a code span ends at as many backticks as begin it."""
    return _SPAN.sub("", line)


@pytest.mark.parametrize("message", ACTING)
def test_what_the_closing_line_quotes_stands_in_code(message: str) -> None:
    closing = fleet_markdown(FleetPlan(closing=f"Rejected: {message}")).splitlines()[-1]
    assert _outside_of_code(closing) == ""
    assert message.splitlines()[0].replace("`", "") in closing.replace("`", "")


def test_the_programs_own_closing_line_is_plain() -> None:
    assert fleet_markdown(FleetPlan()).splitlines()[-1] == f"_{NOTHING_WRITTEN}_"
