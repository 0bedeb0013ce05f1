"""Creates tokens for the API and the page: the same checks for both."""

from reconciler.domain.access import Role
from reconciler.engine.access.tokens import NewToken, create_token
from reconciler.engine.context import Actor, Engine
from reconciler.web.access.schemas import TokenRequest
from reconciler.web.http.problems import Code, Problem


async def make_token(engine: Engine, actor: Actor, body: TokenRequest) -> NewToken:
    """Make a token; raises as `create_token`, and a `Problem` for what cannot be meant."""
    actor.require(Role.ADMIN)
    unknown = sorted(set(body.sources or ()) - engine.sources.keys())
    if unknown:
        raise Problem(Code.INVALID_REQUEST, f"correct sources: there is no source {unknown[0]!r}")
    if body.expires_at is not None and body.expires_at <= engine.clock.now():
        raise Problem(Code.INVALID_REQUEST, "correct expires_at: it has passed")
    return await create_token(
        engine, actor, body.name, body.role, person=body.person, expires_at=body.expires_at, sources=body.sources
    )
