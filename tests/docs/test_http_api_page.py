"""docs/http-api.md has every call, and every code of a problem."""

from typing import Any, cast

from reconciler.domain.access import Role
from reconciler.engine.context import Engine
from reconciler.web.app import create_app
from reconciler.web.http.problems import Code
from reconciler.web.http.web_settings import WebSettings
from tests.docs.pages import page
from tests.fakes.clock import FakeClock

PAGE = page("http-api.md")
PREFIX = "/api/v1"


def calls() -> set[str]:
    # the description of the API needs no store: nothing is asked of it
    nothing = cast("Any", None)
    engine = Engine(store=nothing, clock=FakeClock(), dispatcher=nothing, new_id=str)
    paths = create_app(engine, settings=WebSettings()).openapi()["paths"]
    return {f"{method.upper()} {path.removeprefix(PREFIX)}" for path, methods in paths.items() for method in methods}


def test_every_call_is_described() -> None:
    described = PAGE.replace(PREFIX, "")

    assert sorted(call for call in calls() if f"`{call}" not in described) == []


def test_every_problem_code_is_described() -> None:
    assert [code.value for code in Code if f"`{code.value}`" not in PAGE] == []


def test_every_role_is_described() -> None:
    assert [role for role in Role if role not in PAGE] == []
