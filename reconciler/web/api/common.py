"""What every route of the API shares: who asks, the engine, the listed problems, and lists in parts."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response

from reconciler.domain.records import Plan, Role
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotFound, NotKept
from reconciler.ports import Page
from reconciler.web.auth import Require
from reconciler.web.histories import chatbot_names, suspensions_of
from reconciler.web.problems import MEDIA_TYPE, Code, Problem
from reconciler.web.rendering import StoredPlan
from reconciler.web.settings import WebSettings
from reconciler.web.shapes import ListShape, ProblemShape, Shape

API = "/api/v1"

T = TypeVar("T")
S = TypeVar("S")


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _settings(request: Request) -> WebSettings:
    settings: WebSettings = request.app.state.settings
    return settings


TheEngine = Annotated[Engine, Depends(_engine)]
TheSettings = Annotated[WebSettings, Depends(_settings)]
Viewer = Annotated[Actor, Depends(Require(Role.VIEWER))]
Operator = Annotated[Actor, Depends(Require(Role.OPERATOR))]
Approver = Annotated[Actor, Depends(Require(Role.APPROVER))]
Admin = Annotated[Actor, Depends(Require(Role.ADMIN))]

_ALWAYS = (Code.UNAUTHORIZED, Code.TOO_MANY_FAILURES, Code.INTERNAL_ERROR, Code.STORE_UNAVAILABLE, Code.BAD_REQUEST)


def refusals(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, described for OpenAPI."""
    by_status: dict[int | str, list[Code]] = {}
    for code in (*_ALWAYS, *codes):
        by_status.setdefault(code.status, []).append(code)
    return {status: _described(listed) for status, listed in sorted(by_status.items())}


def _described(codes: list[Code]) -> dict[str, Any]:
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemShape.__name__}"}}},
    }


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing new since the `If-None-Match` tag."}}


async def checked(part: Awaitable[Page[T]]) -> Page[T]:
    """A part of a list, once it is read.

    Raises:
        Problem: When the cursor was not handed out here.
    """
    try:
        return await part
    except ValueError as error:
        raise Problem(Code.INVALID_CURSOR, "send next_cursor as it was given, or none") from error


def listed(part: Page[T], view: Callable[[T], S]) -> ListShape[S]:
    """A part of a list as an answer."""
    return ListShape(items=[view(item) for item in part.items], next_cursor=part.next_cursor)


async def visible_plan(engine: Engine, actor: Actor, plan_id: str) -> Plan:
    """A plan that the person may see.

    Raises:
        NotFound: When there is none.
    """
    plan = await engine.store.queries.plan(plan_id)
    if plan is None or not actor.sees(plan.source):
        raise NotKept("plan", plan_id)
    return plan


async def answer_about(engine: Engine, make: Callable[[], Shape], *about: Any) -> Response:
    """A shape as an answer; made in a thread where what it tells about is large.

    Args:
        engine: The ports, with the threads.
        make: Makes the shape.
        about: The records, or the large parts of them.
    """
    return await engine.compute(
        lambda: Response(make().model_dump_json(by_alias=True), media_type="application/json"), *about
    )


def check_source(engine: Engine, actor: Actor, name: str) -> None:
    """Refuse a source that is not configured, or that the person may not see.

    Raises:
        NotFound: In both cases, so that nobody can tell them apart.
    """
    if name not in engine.sources or not actor.sees(name):
        raise NotFound(f"there is no source {name!r}")


async def stored_plan(engine: Engine, plan: Plan) -> StoredPlan:
    """A plan with everything that is shown of it besides."""
    queries = engine.store.queries
    return StoredPlan(
        plan=plan,
        policy=engine.policy,
        name=(await chatbot_names(engine, [plan])).get(plan.id),
        approvals=(await queries.approvals_of([plan.id])).get(plan.id, ()),
        apply=(await queries.applies_of([plan.id])).get(plan.id),
        suspension=(await suspensions_of(engine, [plan])).get(plan.suspension_id or ""),
    )
