"""The default of a setting is written once: what takes the value has no default of its own beside it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent.parent.parent / "reconciler"
TABLES = ("settings/sections.py", "settings/model.py", "domain/policy.py")
NOTHING = {"None", "()", "False", "DEFAULT_PATHS"}


def tables() -> dict[str, set[str]]:
    """Setting → its defaults, as they are written; but for what is nothing, and for constants, which are shared."""
    found: dict[str, set[str]] = {}
    for path in TABLES:
        for node in ast.walk(ast.parse((PROGRAM / path).read_text(encoding="utf-8"))):
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name("Field"), args=[default])):
                    found.setdefault(name, set()).add(ast.unparse(default))
    return {name: defaults - NOTHING for name, defaults in found.items()}


def repeated(source: str, known: Mapping[str, set[str]]) -> Iterator[str]:
    """Fields and parameters that are called as a setting, and have its default."""
    for node in ast.walk(ast.parse(source)):
        for name, default in defaults_of(node):
            if default is not None and ast.unparse(default) in known.get(name, ()):
                yield f"{name} = {ast.unparse(default)}"


def defaults_of(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            yield name, value
        case ast.arguments(posonlyargs=first, args=args, defaults=defaults, kwonlyargs=named, kw_defaults=more):
            positional = [*first, *args]
            yield from zip((arg.arg for arg in positional[len(positional) - len(defaults) :]), defaults, strict=True)
            yield from zip((arg.arg for arg in named), more, strict=True)


def test_no_default_of_a_setting_is_repeated() -> None:
    known = tables()
    assert known["session_ttl"] == {"timedelta(hours=8)"}
    found = {
        path.relative_to(PROGRAM).as_posix(): [*repeated(path.read_text(encoding="utf-8"), known)]
        for path in sorted(PROGRAM.rglob("*.py"))
    }

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "class Rules:\n    session_ttl: timedelta = timedelta(hours=8)",
        "def budget(tenant, concurrency: int = 8): pass",
        "async def budget(tenant, *, other, concurrency: int = 8): pass",
    ],
)
def test_a_second_default_is_found(source: str) -> None:
    assert list(repeated(source, tables()))


@pytest.mark.parametrize(
    "source",
    [
        "class Rules:\n    session_ttl: timedelta",
        "def budget(concurrency: int, other: int = 8): pass",
        "def budget(concurrency: int | None = None): pass",
    ],
)
def test_another_default_is_none(source: str) -> None:
    assert not list(repeated(source, tables()))
