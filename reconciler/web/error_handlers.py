"""Answers every error with a problem document, or with a page for browsers."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from reconciler.engine.context import Actor, Engine
from reconciler.errors import ReconcilerError
from reconciler.web.auth.gate import SignInRequired
from reconciler.web.auth.refusals import refusal_document
from reconciler.web.auth.route_policies import is_page
from reconciler.web.http import error_log, problems
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.render_pool import ClientGone
from reconciler.web.ui.form_pages import page_of_form
from reconciler.web.ui.layout import SIGNED_OUT, layout_for
from reconciler.web.ui.problem_page import problem_page

log = logging.getLogger(__name__)

_LONGEST_NAME = 100
_NO_OBJECT = "send the body as a JSON object, with the header Content-Type: application/json"
_LOADING = ("GET", "HEAD")
_UNKNOWN = (Code.NOT_FOUND.status, Code.METHOD_NOT_ALLOWED.status)


def install(app: FastAPI, engine: Engine) -> None:
    """Have an application answer all its errors with problem documents."""
    app.add_exception_handler(RequestValidationError, _invalid_by(engine))
    app.add_exception_handler(HTTPException, _http_by(engine))
    app.add_exception_handler(ReconcilerError, _refused_by(engine))
    app.add_exception_handler(SignInRequired, _sign_in_first)
    app.add_exception_handler(ClientGone, _client_gone)


def _invalid_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  starlette's signature knows no more
        return await _answer(engine, request, _invalid(error))

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
    assert isinstance(error, SignInRequired)  # noqa: S101  starlette's signature knows no more
    return RedirectResponse(error.target, 303)


async def _client_gone(_: Request, __: Exception) -> Response:
    """The client has hung up: nobody reads the answer."""
    return Response(status_code=problems.CLIENT_CLOSED_REQUEST)


def _name(part: str | int) -> str | int:
    return part[:_LONGEST_NAME] if isinstance(part, str) else part


def _http_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  starlette's signature knows no more
        if isinstance(error, Problem):
            return await _answer(engine, request, await refusal_document(engine, request, error), error.headers)
        code = Code.of_status(error.status_code)
        return await _answer(engine, request, problems.document_of(code, str(error.detail)), error.headers)

    return refused


def _refused_by(engine: Engine) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ReconcilerError)  # noqa: S101  starlette's signature knows no more
        body = await refusal_document(engine, request, error)
        if body["status"] == Code.INTERNAL_ERROR.status:
            error_log.log_unexpected(log, request.scope, error)
            body = problems.document_of(Code.INTERNAL_ERROR, "the log says more")
        return await _answer(engine, request, body)

    return refused


async def _answer(
    engine: Engine, request: Request, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a page for browsers, and as a document for programs."""
    if body["status"] in _UNKNOWN and request.method in _LOADING and (form_page := page_of_form(request.scope["path"])):
        # it was the answer to a form, and somebody reloads it
        return RedirectResponse(form_page, 303)
    if not _wants_a_page(request):
        return problems.answer(body, headers)
    actor: Actor | None = getattr(request.state, "actor", None)
    frame = await layout_for(engine, actor) if actor and body["code"] != Code.STORE_UNAVAILABLE else SIGNED_OUT
    page = problem_page(frame, body["status"], body["title"], body["detail"])
    page.headers.update(headers or {})
    return page


def _wants_a_page(request: Request) -> bool:
    route = request.scope.get("route")
    if route is not None:
        return is_page(route)
    return "text/html" in request.headers.get("accept", "")
