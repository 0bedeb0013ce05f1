"""What docs/architecture.md says of the code is there: each name in the file that it links to."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, page

LINK = re.compile(r"\[((?:`\w+`(?:, | or )?)+)\]\(([^)]+\.py)\)")
LINKS = [
    (name, DOCS / file) for names, file in LINK.findall(page("architecture.md")) for name in re.findall(r"\w+", names)
    if name != "or"
]  # fmt: skip
FLOWS = ("From a commit to a plan", "From an approval to the write, and back", "From a setting to its use")


def defined_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("name", "path"), LINKS, ids=[f"{path.stem}.{name}" for name, path in LINKS])
def test_a_name_of_the_walks_is_defined_where_its_link_leads(name: str, path: Path) -> None:
    assert name in defined_in(path)


def test_the_page_has_its_walks() -> None:
    text = page("architecture.md")
    assert [flow for flow in FLOWS if f"\n## {flow}\n" not in text] == []
    assert len(LINKS) > 40, "the pattern of links finds them"
