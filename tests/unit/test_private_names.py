"""No private name of a dependency is used: it may be gone, or mean something else, with the next of its releases.

Exceptions are named below with their reason. uvicorn's protocol, whose names are not private and yet no public
interface, is held by docs/decisions/0015.
"""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
OURS = ("api_client", "reconciler")
CHECKED = (*OURS, "benchmarks", "examples", "scripts")
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace", "_value_"}
"""Public names of the standard library: its way to keep named tuples and enums free for others, and `os._exit`."""
EXCEPTIONS: Mapping[str, set[str]] = {
    # httpx has no public way to the network backend of its pools; tests with a trickling server hold that it works
    "api_client/_transport.py": {"http._transport", "http._mounts", "transport._pool", "_pool._network_backend"},
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined(tree: ast.Module) -> set[str]:
    """The private names that a module gives to something of its own."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                names.add(name)
    return {name for name in names if is_private(name)}


def imported(tree: ast.Module) -> Iterator[str]:
    """What is imported from elsewhere under a private name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                paths = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                paths = [f"{module}.{alias.name}" for alias in names]
            case _:
                continue
        yield from (
            path for path in paths if path.split(".")[0] not in CHECKED and any(map(is_private, path.split(".")))
        )


def accessed(tree: ast.Module) -> Iterator[str]:
    """Private attributes that nothing in the module defines."""
    own = defined(tree) | DOCUMENTED
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            holder = ast.unparse(node.value).rpartition(".")[2]
            if holder not in {"self", "cls"}:
                yield f"{holder}.{node.attr}"


def inherited(tree: ast.Module, module: Any) -> Iterator[str]:
    """Private names of a dependency's class that a class of ours overrides or reads."""
    for node in tree.body:
        cls = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if isinstance(cls, type):
            foreign = {name for base in cls.__mro__ if _is_foreign(base) for name in _private_names(base)}
            yield from (f"{cls.__name__}.{name}" for name in sorted(_touched(node) & foreign))


def _is_foreign(cls: type) -> bool:
    package = cls.__module__.split(".")[0]
    return package not in sys.stdlib_module_names and package not in OURS


@cache
def _private_names(cls: type) -> set[str]:
    names = set(vars(cls))
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # compiled
        source = ""
    names |= {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return {name for name in names if is_private(name)}


def _touched(cls: ast.ClassDef) -> set[str]:
    found = {node.name for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    found |= {node.id for node in ast.walk(cls) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return found | {
        node.attr
        for node in ast.walk(cls)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }


@cache
def _modules() -> dict[str, ast.Module]:
    paths = (path for folder in CHECKED for path in sorted((ROOT / folder).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def test_none_is_imported_or_accessed() -> None:
    found = {path: {*imported(tree), *accessed(tree)} for path, tree in _modules().items()}

    assert {path: names for path, names in found.items() if names} == EXCEPTIONS


def test_none_is_overridden_or_read_through_self() -> None:
    found = []
    for path, tree in _modules().items():
        if (
            path.startswith(OURS)
            and "migrations" not in path
            and any(isinstance(node, ast.ClassDef) for node in tree.body)
        ):
            module = importlib.import_module(path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
            found += [f"{path}: {name}" for name in inherited(tree, module)]

    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from git.cmd import _kill_process", ["git.cmd._kill_process"]),
        ("import httpx._client", ["httpx._client"]),
        ("from httpx._models import Response", ["httpx._models.Response"]),
        ("from api_client._wire import Answer\nfrom json import loads", []),
        ("from __future__ import annotations", []),
    ],
)
def test_a_private_import_is_found(source: str, found: list[str]) -> None:
    assert list(imported(ast.parse(source))) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(client): return client._pool", ["client._pool"]),
        ("def f(client): client.inner._pool = 1", ["inner._pool"]),
        ("class A:\n    def f(self, other): self._x = other._x", []),
        ("point._replace(x=1)", []),
    ],
)
def test_a_private_attribute_is_found(source: str, found: list[str]) -> None:
    assert list(accessed(ast.parse(source))) == found


def test_an_overridden_private_name_is_found() -> None:
    source = """
from pydantic_settings import EnvSettingsSource

class Environment(EnvSettingsSource):
    def _load_env_vars(self): return {}

class Calm(EnvSettingsSource):
    def _mine(self): return self.env_vars
"""
    module = type(sys)("reconciler.example")
    exec(source, module.__dict__)  # noqa: S102 - the source stands above

    assert list(inherited(ast.parse(source), module)) == ["Environment._load_env_vars"]
