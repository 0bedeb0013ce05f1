"""Suspending and resuming as asked for by the API and by the pages: the same checks, the same audit entries."""

from fastapi import Request

from reconciler.domain.records import Suspension
from reconciler.engine import suspending
from reconciler.engine.context import Actor, Engine
from reconciler.web.asks import ResumeAsk, SuspendAsk, scope_of
from reconciler.web.problems import Code, Problem


async def suspend(request: Request, engine: Engine, actor: Actor, ask: SuspendAsk) -> Suspension:
    """Stop the applies of a scope; raises as `suspending.suspend`.

    Raises:
        Problem: The end has passed.
    """
    request.state.subject = ask.scope
    # somebody who mistook the year would believe that the applies have stopped
    if ask.until is not None and ask.until <= engine.clock.now():
        raise Problem(Code.INVALID_REQUEST, "correct until: it has passed, and nothing would be suspended")
    kind, subject = scope_of(ask.scope)
    return await suspending.suspend(engine, actor, kind, subject, ask.reason, ask.until)


async def resume(request: Request, engine: Engine, actor: Actor, ask: ResumeAsk) -> Suspension | None:
    """Let the applies of a scope go on; raises as `suspending.resume`."""
    request.state.subject = ask.scope
    kind, subject = scope_of(ask.scope)
    return await suspending.resume(engine, actor, kind, subject)
