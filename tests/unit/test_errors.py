"""The error tree is drawn once, and whole."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import reconciler
from reconciler import errors


def test_the_tree_at_the_top_names_every_error_and_no_other() -> None:
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    drawn = re.findall(r"── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(error.__name__ for error in _below(errors.ReconcilerError))


def _below(error: type[Exception]) -> Iterator[type[Exception]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)
