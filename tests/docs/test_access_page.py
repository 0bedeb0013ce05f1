"""docs/access.md explains every refused login."""

import ast
from collections.abc import Iterator

from tests.docs.pages import ROOT, page

PAGE = page("access.md")
REFUSING = {"LoginRefused", "refused"}


def codes() -> Iterator[str]:
    """The codes that the source refuses logins with."""
    for path in (ROOT / "reconciler").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name(name), args=[ast.Constant(str(code)), _]) if name in REFUSING:
                    yield code
                case _:
                    continue


def test_every_code_of_a_refused_login_is_explained() -> None:
    found = set(codes())
    assert len(found) >= 20
    assert sorted(code for code in found if f"`{code}`" not in PAGE) == []
