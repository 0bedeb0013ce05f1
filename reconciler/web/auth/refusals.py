"""Answers refused calls, and writes the audit entry of a refused decision."""

from typing import Any

from fastapi import Request

from reconciler.engine.audit import entries
from reconciler.engine.context import Actor, Engine
from reconciler.errors import ReconcilerError
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.route_policies import audit_policy_of
from reconciler.web.http import problems
from reconciler.web.http.problems import Problem, problem_of_error

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
    """Leave the entry that the route declares when an authenticated person was refused a decision."""
    actor: Actor | None = getattr(request.state, "actor", None)
    route = request.scope.get("route")
    policy = audit_policy_of(route) if route is not None else None
    if actor is not None and isinstance(policy, Audited):
        await entries.record_refusal(
            engine,
            actor,
            policy.action,
            policy.subject_of(request),
            error,
            fingerprint=policy.fingerprint_of(request),
        )
