"""Writes audit entries, each in the transaction of the change that it is about (guarantee 8)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from reconciler.domain.audit import AuditEntry
from reconciler.domain.identity import person_key
from reconciler.domain.secrets import redacted
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.errors import Conflict, Forbidden, NotFound, SourceUnreadable
from reconciler.storage import UnitOfWork

OMITTED: Final = "audit.omitted"
"""The action of an entry that says how many more there were."""


async def audit(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    subject: str,
    *,
    fingerprint: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Append one entry.

    Args:
        uow: The transaction of the change itself.
        actor: Who did it.
        action: What was done, such as ``plan.approve``.
        subject: To what, such as ``plan/plan_01``.
        fingerprint: The plan's, where there is one.
        detail: What else a reader of the log must know; JSON values; keys in it are left out.
    """
    return await uow.audit.append(
        at=await uow.now(),
        actor=actor.name,
        action=action,
        subject=redacted(subject),
        fingerprint=fingerprint,
        detail=_without_secrets({**(detail or {}), **_origin_of(actor)}),
    )


async def audit_limited(
    engine: Engine,
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    subject: str,
    *,
    fingerprint: str | None = None,
    detail: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """Append an entry for what somebody causes without deciding anything, unless they caused very many.

    Args:
        engine: The ports, and how many are very many.
        uow: A transaction.
        actor: Who.
        action: What for.
        subject: About what.
        fingerprint: The plan's, where there is one.
        detail: What else a reader of the log must know.
        key: What is the same for the same person, where the log has no name for them.
    """
    limits, now, moment = engine.entry_limits, engine.clock.monotonic(), engine.clock.now()
    if limits.take(key or person_key(actor.name), actor.name, action, now=now, at=moment):
        await audit(uow, actor, action, subject, fingerprint=fingerprint, detail=detail)


async def record_omitted(engine: Engine, *, at_stop: bool = False) -> None:
    """Append the numbers of omitted entries, one entry for each person and window.

    Args:
        engine: The ports.
        at_stop: Whether the service stops: windows that are not over are recorded, too.
    """
    for omitted in engine.entry_limits.ended(engine.clock.monotonic(), all_of_them=at_stop):
        many = sum(omitted.counts.values())
        parts = ", ".join(f"{count:,} {action}" for action, count in sorted(omitted.counts.items()))
        message = f"and {many:,} more since {omitted.since:%Y-%m-%d %H:%M} UTC: {parts}"
        detail = {"message": message, "since": omitted.since.isoformat(), "omitted": dict(omitted.counts)}
        async with engine.store.begin() as uow:
            await audit(uow, PROGRAM, OMITTED, f"person/{omitted.person}", detail=detail)
        engine.entry_limits.forget(omitted)


def _origin_of(actor: Actor) -> dict[str, str]:
    """From where and by which credential it was done: ids, never what opens anything."""
    of_token = actor.token_id if actor.session_id else None
    origin = {"origin": actor.origin, "credential": actor.session_id or actor.token_id, "of_token": of_token}
    return {name: value for name, value in origin.items() if value}


def _without_secrets(value: Any) -> Any:
    """A person's text with its keys redacted: an entry can never be removed, and every viewer may read it."""
    match value:
        case str():
            return redacted(value)
        case Mapping():
            return {name: _without_secrets(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_without_secrets(inner) for inner in value]
        case _:
            return value


async def record_refusal(
    engine: Engine, actor: Actor, action: str, subject: str, error: Exception, *, fingerprint: str | None = None
) -> None:
    """Leave a row for what an authenticated person asked and did not get, in a transaction of its own.

    Of very many, only the number is recorded.

    Args:
        engine: The ports.
        actor: Who asked.
        action: What for.
        subject: About what.
        error: The refusal.
        fingerprint: What the person saw, where they named it.
    """
    message = str(getattr(error, "detail", error))
    detail = {"refused": type(error).__name__, "code": getattr(error, "code", None), "message": message}
    async with engine.store.begin() as uow:
        refused = f"{action}.refused"
        await audit_limited(engine, uow, actor, refused, subject, fingerprint=fingerprint, detail=detail)


@asynccontextmanager
async def recording_refusals(engine: Engine, actor: Actor, action: str, subject: str) -> AsyncIterator[None]:
    """Leave a row when what is done within is refused: for those who ask without the web, which does it by itself."""
    try:
        yield
    except (Forbidden, NotFound, Conflict, SourceUnreadable) as error:
        await record_refusal(engine, actor, action, subject, error)
        raise
