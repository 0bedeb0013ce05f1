"""Browser sessions, kept in the database: a restart ends none, and a logout ends one everywhere."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.domain.access import Role, Session
from reconciler.domain.identity import same_person
from reconciler.engine.access.tokens import hash_of
from reconciler.engine.audit.entries import audit_limited
from reconciler.engine.context import Actor, Engine
from reconciler.storage import UnitOfWork

MAX_OPEN = 50
"""Of one person; a further one ends the oldest."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session at the only moment at which its cookie's value is known."""

    session: Session
    secret: str = field(repr=False)


async def begin_session(engine: Engine, actor: Actor, ttl: timedelta, *, instead_of: str | None = None) -> NewSession:
    """Sign a browser in, always with a value of its own, so that nobody can hand one in beforehand.

    Args:
        engine: The ports.
        actor: Who was identified, by a token or by a login.
        ttl: How long it is valid.
        instead_of: What the browser's cookie held until now: that session ends.
    """
    secret = secrets.token_urlsafe(32)
    # by the clock that judges it at each request, which may not be the database's
    now = engine.clock.now()
    async with engine.store.begin() as uow:
        if instead_of is not None:
            await _end(uow, await uow.sessions.by_hash(hash_of(instead_of.encode())))
        await _make_room(uow, actor.name)
        session = Session(
            id=engine.new_id("session"),
            hash=hash_of(secret.encode()),
            person=actor.name,
            token_id=actor.token_id,
            created_at=now,
            expires_at=now + ttl,
        )
        await uow.sessions.add(session)
        detail = {"session": session.id, "token": actor.token_id, "role": actor.role}
        await audit_limited(engine, uow, actor, "login", f"person/{actor.name}", detail=detail)
    return NewSession(session, secret)


async def end_session(engine: Engine, secret: str, origin: str | None) -> None:
    """Sign a browser out: whoever has a copy of its cookie is out, too."""
    async with engine.store.begin() as uow:
        session = await uow.sessions.by_hash(hash_of(secret.encode()))
        if session is None or not await _end(uow, session):
            return
        actor = Actor(session.person, Role.VIEWER, session.token_id, origin=origin, session_id=session.id)
        await audit_limited(engine, uow, actor, "logout", f"person/{session.person}", detail={"session": session.id})


async def end_sessions_of(uow: UnitOfWork, person: str) -> int:
    """Sign a person out everywhere, and say from how many browsers."""
    return sum([await _end(uow, session) for session in await _open_of(uow, person)])


async def _make_room(uow: UnitOfWork, person: str) -> None:
    for session in (await _open_of(uow, person))[MAX_OPEN - 1 :]:
        await _end(uow, session)


async def _open_of(uow: UnitOfWork, person: str) -> Sequence[Session]:
    return [session for session in await uow.sessions.open() if same_person(session.person, person)]


async def _end(uow: UnitOfWork, session: Session | None) -> bool:
    if session is None or session.ended_at is not None:
        return False
    await uow.sessions.save(replace(session, ended_at=await uow.now()))
    return True
