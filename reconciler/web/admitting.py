"""Tokens as they are asked for by the API and by the page: the same checks, the same audit entries."""

from fastapi import Request

from reconciler.domain.records import Role
from reconciler.engine.context import Actor, Engine
from reconciler.engine.tokens import NewToken, create_token
from reconciler.web.asks import TokenAsk
from reconciler.web.problems import Code, Problem


async def make_token(request: Request, engine: Engine, actor: Actor, ask: TokenAsk) -> NewToken:
    """Make a token; raises as `create_token`, and a `Problem` for what cannot be meant."""
    # what a refusal's audit entry tells
    request.state.subject = f"token/{ask.name}"
    actor.require(Role.ADMIN)
    unknown = sorted(set(ask.sources or ()) - engine.sources.keys())
    if unknown:
        raise Problem(Code.INVALID_REQUEST, f"correct sources: there is no source {unknown[0]!r}")
    if ask.expires_at is not None and ask.expires_at <= engine.clock.now():
        raise Problem(Code.INVALID_REQUEST, "correct expires_at: it has passed")
    return await create_token(
        engine, actor, ask.name, ask.role, person=ask.person, expires_at=ask.expires_at, sources=ask.sources
    )
