"""Few functions stand between a browser's decision and the database, and all of them do something."""

import inspect
from collections.abc import Iterator
from types import FrameType

import greenlet
import pytest
from sqlalchemy import Engine, event

from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

MOST = 8


def frames() -> Iterator[FrameType]:
    """Whatever is under way, innermost first. SQLAlchemy calls the driver in a greenlet, which has its own stack."""
    frame, current = inspect.currentframe(), greenlet.getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and current.parent is not None:
            current = current.parent
            frame = current.gr_frame


def of_the_route() -> list[str]:
    """The program's functions from the route's own to here, outermost first."""
    found: list[str] = []
    for frame in frames():
        name = frame.f_globals.get("__name__", "")
        if name == "fastapi.routing" and frame.f_code.co_name == "run_endpoint_function":
            return found[::-1]
        if name.startswith("reconciler."):
            found.append(f"{name}.{frame.f_code.co_qualname}")
    raise AssertionError("this was not done by a route")


async def test_an_approval_passes_few_functions_on_its_way_from_the_form_to_the_database(house: House) -> None:
    ways: list[list[str]] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO approvals"):
            ways.append(of_the_route())

    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with house.client("wzr_approver") as client:
            answer = await client.post("/plans/plan_1/approve", data={"fingerprint": "f" * 64})
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert answer.status_code == 303
    (way,) = ways
    assert way[0].endswith("web.plans.page.approve")
    assert len(way) <= MOST, "\n".join(way)
