"""Suspends and resumes applies: approved and queued ones stop, dry runs go on."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.domain.access import Role
from reconciler.domain.clock_tolerance import has_elapsed
from reconciler.domain.entities import Chatbot
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import refresh_conditions
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.reconcile.auto_apply import schedule_auto_apply
from reconciler.errors import Forbidden, NotFound
from reconciler.storage import UnitOfWork

log = logging.getLogger(__name__)


async def suspend(
    engine: Engine, actor: Actor, kind: ScopeKind, subject: str, reason: str, until: datetime | None = None
) -> Suspension:
    """Stop the applies of a scope.

    Args:
        engine: The ports.
        actor: Who; needs the role operator for what is stopped.
        kind: Chatbot, source, tenant, or all.
        subject: Which one; empty for all.
        reason: Why, shown to everybody who meets it.
        until: When it ends by itself; None means when somebody resumes it.

    Returns:
        The suspension; a repeated call returns the active one.

    Raises:
        NotFound: There is no such chatbot, source or tenant.
        Forbidden: The actor may not.
    """
    async with engine.store.begin() as uow:
        await _check(engine, uow, actor, kind, subject)
        existing = await _active_suspension(uow, kind, subject)
        if existing is not None and (existing.reason, existing.until) == (reason, until):
            return existing
        if existing is not None:
            suspension = await uow.suspensions.save(replace(existing, reason=reason, until=until))
        else:
            suspension = Suspension(
                id=engine.new_id("suspension"),
                kind=kind,
                subject=subject,
                reason=reason,
                actor=actor.name,
                created_at=await uow.now(),
                until=until,
            )
            await uow.suspensions.add(suspension)
        detail = {"reason": reason, "until": until.isoformat() if until else None}
        await audit(uow, actor, "suspend", suspension.scope, detail=detail)
        await refresh_conditions(engine, uow, await uow.chatbots.in_scope(kind, subject))
    return suspension


async def resume(engine: Engine, actor: Actor, kind: ScopeKind, subject: str) -> Suspension | None:
    """Let the applies of a scope go on.

    Returns:
        The suspension that ended; None when nothing was suspended.

    Raises:
        NotFound: There is no such chatbot, source or tenant.
        Forbidden: The actor may not.
    """
    async with engine.store.begin() as uow:
        await _check(engine, uow, actor, kind, subject)
        existing = await _active_suspension(uow, kind, subject)
        if existing is None:
            return None
        ended = await _end(engine, uow, actor, existing)
    schedule_auto_apply(engine)
    return ended


async def end_expired_suspensions(engine: Engine) -> None:
    """End the suspensions whose time has come; what they held up goes on."""
    async with engine.store.begin() as uow:
        now = await uow.now()
        over = [suspension for suspension in await uow.suspensions.active() if not suspension.is_active(now)]
        for suspension in over:
            await _end(engine, uow, PROGRAM, suspension)
    if over:
        schedule_auto_apply(engine)


async def remind_of_suspensions(engine: Engine) -> None:
    """Remind people periodically of active suspensions."""
    async with engine.store.read() as uow:
        due = _to_remind_of(engine, await uow.suspensions.active(), await uow.now())
    if not due:
        return
    async with engine.store.begin() as uow:
        now = await uow.now()
        due = _to_remind_of(engine, await uow.suspensions.active(), now)
        for suspension in due:
            await uow.suspensions.save(replace(suspension, reminded_at=now))
            await audit(uow, PROGRAM, "suspension.remind", suspension.scope, detail=_facts(suspension))
    for suspension in due:
        log.warning("suspension still stands", extra={"scope": suspension.scope, **_facts(suspension)})


def _to_remind_of(engine: Engine, active: Sequence[Suspension], now: datetime) -> list[Suspension]:
    patience = engine.policy.suspension_reminder
    return [s for s in active if s.is_active(now) and has_elapsed(s.reminded_at or s.created_at, patience, now)]


def _facts(suspension: Suspension) -> dict[str, str | None]:
    return {
        "reason": suspension.reason,
        "by": suspension.actor,
        "since": suspension.created_at.isoformat(),
        "until": suspension.until.isoformat() if suspension.until else None,
    }


async def _end(engine: Engine, uow: UnitOfWork, actor: Actor, suspension: Suspension) -> Suspension:
    ended = await uow.suspensions.save(replace(suspension, ended_at=await uow.now(), ended_by=actor.name))
    await audit(uow, actor, "resume", ended.scope)
    await refresh_conditions(engine, uow, await uow.chatbots.in_scope(ended.kind, ended.subject))
    return ended


async def _active_suspension(uow: UnitOfWork, kind: ScopeKind, subject: str) -> Suspension | None:
    active = await uow.suspensions.active()
    return next((s for s in active if (s.kind, s.subject) == (kind, subject)), None)


async def _check(engine: Engine, uow: UnitOfWork, actor: Actor, kind: ScopeKind, subject: str) -> None:
    """Refuse an unknown subject, one that the actor may not see alike, and an actor who may not stop all of it."""
    match kind:
        case ScopeKind.ALL:
            actor.require(Role.OPERATOR)
        case ScopeKind.TENANT:
            actor.require(Role.OPERATOR)
            if subject not in engine.tenants:
                raise NotFound(f"there is no tenant {subject!r}")
        case ScopeKind.SOURCE:
            if subject not in engine.sources or not actor.sees(subject):
                raise NotFound(f"there is no source {subject!r}")
            actor.require(Role.OPERATOR, subject)
        case ScopeKind.CHATBOT:
            _check_chatbots(actor, subject, await uow.chatbots.in_scope(kind, subject))


def _check_chatbots(actor: Actor, subject: str, chatbots: Sequence[Chatbot]) -> None:
    visible = [chatbot for chatbot in chatbots if actor.sees(chatbot.source)]
    if not visible:
        raise NotFound(f"there is no chatbot {subject!r}")
    for chatbot in visible:
        actor.require(Role.OPERATOR, chatbot.source)
    if len(visible) < len(chatbots):
        raise Forbidden(f"another tenant has a chatbot {subject!r} too: suspend the source instead")
