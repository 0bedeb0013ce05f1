"""Suspends and resumes for the API and the pages."""

from reconciler.domain.suspensions import Suspension
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import suspension
from reconciler.web.http.problems import Code, Problem
from reconciler.web.suspensions.schemas import ResumeRequest, SuspendRequest, scope_of


async def suspend(engine: Engine, actor: Actor, body: SuspendRequest) -> Suspension:
    """Stop the applies of a scope; raises as `suspension.suspend`.

    Raises:
        Problem: The end has passed.
    """
    # somebody who mistook the year would believe that the applies have stopped
    if body.until is not None and body.until <= engine.clock.now():
        raise Problem(Code.INVALID_REQUEST, "correct until: it has passed, and nothing would be suspended")
    kind, subject = scope_of(body.scope)
    return await suspension.suspend(engine, actor, kind, subject, body.reason, body.until)


async def resume(engine: Engine, actor: Actor, body: ResumeRequest) -> Suspension | None:
    """Let the applies of a scope go on; raises as `suspension.resume`."""
    kind, subject = scope_of(body.scope)
    return await suspension.resume(engine, actor, kind, subject)
