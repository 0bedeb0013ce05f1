"""The page about the sandbox is in step with the sandbox."""

from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute

from api_client.sandbox import create_app
from api_client.sandbox.__main__ import _parser
from api_client.sandbox.control import control_routes
from api_client.sandbox.faults import Fault

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def control_calls() -> list[str]:
    routes = control_routes(create_app().state.sandbox).routes
    return [
        f"{method} {route.path}" for route in routes if isinstance(route, APIRoute) for method in route.methods or ()
    ]


@pytest.mark.parametrize("call", control_calls())
def test_every_control_call_is_described(call: str) -> None:
    assert f"| `{call}` |" in PAGE


@pytest.mark.parametrize("fault", get_args(get_args(Fault)[0]))
def test_every_fault_and_each_of_its_fields_is_described(fault: type) -> None:
    fields = fault.model_fields  # type: ignore[attr-defined]  # get_args is untyped
    (kind,) = get_args(fields["kind"].annotation)
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
    for name in fields.keys() - {"kind", "times", "match"}:
        assert f"`{name}`" in row


def test_every_option_is_described() -> None:
    for action in _parser()._actions:
        assert action.dest == "help" or f"| `{action.option_strings[-1]} " in PAGE
