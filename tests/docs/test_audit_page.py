"""docs/audit.md has every action that leaves an entry."""

import ast
from collections.abc import Iterator

from reconciler.domain.auto_apply_rules import ACTOR
from tests.docs.pages import ROOT, page

PAGE = page("audit.md")


def actions() -> Iterator[str]:
    """The actions that the source names; those that it makes up of a state begin with ``plan.`` or ``apply.``."""
    for path in (ROOT / "reconciler").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name("audit"), args=[_, _, ast.Constant(str(action)), *_]):
                    yield action
                case _:
                    continue


def test_every_action_is_described() -> None:
    found = set(actions())
    assert len(found) >= 20
    assert sorted(action for action in found if f"`{action}`" not in PAGE) == []


def test_the_policy_is_called_by_its_name() -> None:
    assert f"`{ACTOR}`" in PAGE
