"""The error tree is drawn once, and whole."""

import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator

import pytest

import reconciler
from reconciler import errors


def test_the_tree_at_the_top_names_every_error_and_no_other() -> None:
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    drawn = re.findall(r"── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(error.__name__ for error in _below(errors.ReconcilerError))


MADE = (
    errors.SourceUnreadable(errors.SourceCause.TOO_LARGE, "too large", "a" * 40),
    errors.ScopeMissing("no scope", "skills:read"),
    errors.TargetRateLimited("slower", 2.5),
    errors.Conflict("PlanStale", "stale"),
    errors.NotKept("run", "run_1"),
    errors.LoginRefused("Expired", "too late", is_audited=True),
)


def test_every_error_with_arguments_of_its_own_is_among_those_that_are_made() -> None:
    assert {type(error) for error in MADE} == {
        error for error in vars(errors).values() if isinstance(error, type) and "__init__" in vars(error)
    }


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_comes_whole_from_another_process(error: errors.ReconcilerError) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - what this test made
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


def _below(error: type[Exception]) -> Iterator[type[Exception]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)
