"""Responses that API routes share: documented refusals, and pages of lists."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from fastapi import Response

from reconciler.domain.listing import Page
from reconciler.engine.context import Engine
from reconciler.web.http.problems import MEDIA_TYPE, Code, Problem
from reconciler.web.http.schemas import ListResponse, ProblemResponse, ResponseModel

API = "/api/v1"

T = TypeVar("T")
S = TypeVar("S")

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
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemResponse.__name__}"}}},
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


def listed(part: Page[T], view: Callable[[T], S]) -> ListResponse[S]:
    """A part of a list as an answer."""
    return ListResponse(items=[view(item) for item in part.items], next_cursor=part.next_cursor)


def whole_list(items: Iterable[S]) -> ListResponse[S]:
    """A list that is never cut into parts, as an answer."""
    return ListResponse(items=list(items), next_cursor=None)


async def answer_about(engine: Engine, make: Callable[[], ResponseModel], *inputs: Any) -> Response:
    """A response model as an answer; built in a thread where its inputs are large.

    Args:
        engine: The ports, with the threads.
        make: Makes the model.
        inputs: The records, or the large parts of them.
    """
    return await engine.compute(
        lambda: Response(make().model_dump_json(by_alias=True), media_type="application/json"), *inputs
    )
