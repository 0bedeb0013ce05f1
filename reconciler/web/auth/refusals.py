"""The answer to a refused call, and the audit entry that a refused decision leaves."""

from typing import Any

from fastapi import Request

from reconciler.engine.audit import entries
from reconciler.engine.context import Actor, Engine
from reconciler.errors import ReconcilerError
from reconciler.web.http import problems
from reconciler.web.http.problems import Problem, problem_of_error

_PAGE = "page_"
"""What the names of the pages' routes begin with; what follows is the name of the same call of the API."""
_REFUSALS = (403, 404, 409)
"""What a person may not do, does not see, or comes too late for: the other errors are no answer to a decision."""


async def refusal_document(engine: Engine, request: Request, error: ReconcilerError | Problem) -> dict[str, Any]:
    """The problem document of an error; a refused decision leaves its row. For pages that say it themselves, too."""
    if isinstance(error, Problem):
        body = problems.document_of(error.code, error.detail, **error.more)
    else:
        body = problem_of_error(error)
    if body["status"] in _REFUSALS:
        await audit_refusal(engine, request, error)
    return body


async def audit_refusal(engine: Engine, request: Request, error: ReconcilerError | Problem) -> None:
    """Leave a row when an authenticated person was refused a decision; reading leaves none."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None or request.method == "GET":
        return
    seen: str | None = getattr(request.state, "fingerprint", None)
    await entries.record_refusal(engine, actor, _action(request), _subject(request), error, fingerprint=seen)


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
