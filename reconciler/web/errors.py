"""Every error becomes a problem document, whichever way it arises."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from reconciler.engine import auditing
from reconciler.engine.context import Actor, Engine
from reconciler.errors import Conflict, Forbidden, NotFound, ReconcilerError, SourceUnreadable, StoreError
from reconciler.web import problems, traces
from reconciler.web.auth import SignInFirst
from reconciler.web.dashboard.common import problem_page
from reconciler.web.dashboard.form_pages import page_of_form
from reconciler.web.dashboard.frame import NOBODY, frame_for
from reconciler.web.problems import Code, Problem
from reconciler.web.render_pool import ClientGone

log = logging.getLogger(__name__)

_LONGEST_NAME = 100
_PAGE = "page_"
"""What the names of the pages' routes begin with; what follows is the name of the same call of the API."""
_NO_OBJECT = "send the body as a JSON object, with the header Content-Type: application/json"
_LOADING = ("GET", "HEAD")
_UNKNOWN = (Code.NOT_FOUND.status, Code.METHOD_NOT_ALLOWED.status)
_REFUSALS = (403, 404, 409)
"""What a person may not do, does not see, or comes too late for: the other errors are no answer to a decision."""


def install(app: FastAPI, engine: Engine) -> None:
    """Have an application answer all its errors with problem documents."""
    app.add_exception_handler(RequestValidationError, _invalid_by(engine))
    app.add_exception_handler(HTTPException, _http_by(engine))
    app.add_exception_handler(ReconcilerError, _refused_by(engine))
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(ClientGone, _client_gone)


def code_of(error: ReconcilerError) -> Code:
    """The code of an error that the program raised on purpose."""
    match error:
        case Conflict(code=code):
            return Code.known(code) or Code.CONFLICT
        case NotFound():
            return Code.NOT_FOUND
        case Forbidden():
            return Code.FORBIDDEN
        case SourceUnreadable():
            return Code.SOURCE_UNKNOWN
        case StoreError():
            return Code.STORE_UNAVAILABLE
        case _:
            return Code.INTERNAL_ERROR


def document_of(error: ReconcilerError) -> dict[str, Any]:
    """The problem document of an error that the program raised on purpose."""
    code = code_of(error)
    if code is Code.CONFLICT and isinstance(error, Conflict):
        return problems.document(error.code, code.status, code.heading, str(error))
    return problems.document_of(code, str(error))


def _invalid_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  starlette's signature knows no more
        return await _told(engine, request, _invalid(error))

    return refused


def _invalid(error: RequestValidationError) -> dict[str, object]:
    findings = error.errors()
    if any(finding["type"] == "json_invalid" for finding in findings):
        return problems.document_of(Code.MALFORMED_BODY, "the body is not valid JSON")
    # what was sent is never echoed: it may be a secret in the wrong place
    errors = [{"loc": [_name(part) for part in finding["loc"]], "message": finding["msg"]} for finding in findings]
    places = ", ".join(".".join(str(part) for part in found["loc"]) for found in errors)
    whole = any(finding["loc"] == ("body",) for finding in findings)
    detail = _NO_OBJECT if whole else f"correct these fields: {places}"
    return problems.document_of(Code.INVALID_REQUEST, detail, errors=errors)


async def _sign_in_first(_: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)  # noqa: S101  starlette's signature knows no more
    return RedirectResponse(error.target, 303)


async def _client_gone(_: Request, __: Exception) -> Response:
    """Nobody reads the answer."""
    return Response(status_code=problems.CLIENT_CLOSED_REQUEST)


def _name(part: str | int) -> str | int:
    return part[:_LONGEST_NAME] if isinstance(part, str) else part


def _http_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  starlette's signature knows no more
        if isinstance(error, Problem):
            return await _told(engine, request, await refusal(engine, request, error), error.headers)
        code = Code.of_status(error.status_code)
        return await _told(engine, request, problems.document_of(code, str(error.detail)), error.headers)

    return refused


def _refused_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ReconcilerError)  # noqa: S101  starlette's signature knows no more
        body = await refusal(engine, request, error)
        if body["status"] == Code.INTERNAL_ERROR.status:
            traces.note(log, request.scope, error)
            body = problems.document_of(Code.INTERNAL_ERROR, "the log says more")
        return await _told(engine, request, body)

    return refused


async def _told(
    engine: Engine, request: Request, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a page for whoever looks at pages, and as a document for every program."""
    if body["status"] in _UNKNOWN and request.method in _LOADING and (form_page := page_of_form(request.scope["path"])):
        # an answer to a form stood there, and somebody loads it again
        return RedirectResponse(form_page, 303)
    if not _looks_at_pages(request):
        return problems.answer(body, headers)
    actor: Actor | None = getattr(request.state, "actor", None)
    frame = await frame_for(engine, actor) if actor and body["code"] != Code.STORE_UNAVAILABLE else NOBODY
    page = problem_page(frame, body["status"], body["title"], body["detail"])
    page.headers.update(headers or {})
    return page


def _looks_at_pages(request: Request) -> bool:
    route = request.scope.get("route")
    if route is not None:
        return str(route.name).startswith(_PAGE)
    return "text/html" in request.headers.get("accept", "")


async def refusal(engine: Engine, request: Request, error: ReconcilerError | Problem) -> dict[str, Any]:
    """The problem document of an error; a refused decision leaves its row. For pages that say it themselves, too."""
    if isinstance(error, Problem):
        body = problems.document_of(error.code, error.detail, **error.more)
    else:
        body = document_of(error)
    if body["status"] in _REFUSALS:
        await record(engine, request, error)
    return body


async def record(engine: Engine, request: Request, error: ReconcilerError | Problem) -> None:
    """Leave a row when an authenticated person was refused a decision; reading leaves none."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None or request.method == "GET":
        return
    seen: str | None = getattr(request.state, "fingerprint", None)
    await auditing.record_refusal(engine, actor, _action(request), _subject(request), error, fingerprint=seen)


def _action(request: Request) -> str:
    return str(request.scope["route"].name).removeprefix(_PAGE).replace("_", ".", 1)


def _subject(request: Request) -> str:
    """What the request was about: said by the route where its path does not tell."""
    said: str | None = getattr(request.state, "subject", None)
    if said is not None:
        return said
    match request.path_params:
        case {"plan_id": plan_id}:
            return f"plan/{plan_id}"
        case {"name": name}:
            return f"source/{name}"
        case {"token_id": token_id}:
            return f"token/{token_id}"
        case {"person": person}:
            return f"person/{person}"
        case _:
            return request.url.path
