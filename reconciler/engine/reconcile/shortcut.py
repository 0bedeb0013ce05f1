"""Decides for each tenant whether WizChat's `updatedAt` may spare dry runs.

It may as long as it moves with every edit. A chatbot that changed without it shows that it does not: from then on every
chatbot of the tenant is compared at each pass, until an admin turns the shortcut on again.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.domain.access import Role
from reconciler.domain.comparisons import is_release
from reconciler.domain.tenant import TenantRecord
from reconciler.engine.audit.entries import audit
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.errors import NotFound

log = logging.getLogger(__name__)

CONFIRMED_AFTER: Final = timedelta(seconds=10)
"""A list that is read so long after a dry run shows the `updatedAt` of an edit that the dry run has seen."""


async def suspicions(engine: Engine, source: str, now: datetime) -> int:
    """How many chatbots of a source changed, as a dry run showed, and have the same `updatedAt` still.

    To be asked right after WizChat's list was read.

    Args:
        engine: The ports.
        source: The source's name.
        now: When that was.
    """
    async with engine.store.read() as uow:
        if not await uow.comparisons.has_unexplained(source):
            return 0
    async with engine.store.begin() as uow:
        return await uow.comparisons.unexplained(source, now - CONFIRMED_AFTER)


async def judge(engine: Engine, tenant: str, source: str, unexplained: int, compared: int) -> str | None:
    """Decide what chatbots that changed without their `updatedAt` mean, once the whole source was compared.

    Args:
        engine: The ports.
        tenant: The tenant's name.
        source: The source's name.
        unexplained: How many of its chatbots changed so.
        compared: How many were compared of which nothing says that they changed.

    Returns:
        What the run has to say about it.
    """
    if is_release(unexplained, compared):
        async with engine.store.begin() as uow:
            await uow.comparisons.explain(source)
            detail = {"changed": unexplained, "compared": compared}
            await audit(uow, PROGRAM, "tenant.release", f"tenant/{tenant}", detail=detail)
        log.warning("wizchat shows chatbots otherwise", extra={"tenant": tenant, "source": source, **detail})
        return f"WizChat shows {unexplained} of {compared} chatbots otherwise than before: all of them were compared"
    reason = (
        f"{unexplained} of {compared} chatbots changed at WizChat, and their updatedAt did not: every chatbot is "
        "compared at each pass, until an admin turns the shortcut on again"
    )
    await retry_on_conflict(lambda: _turn_off(engine, tenant, source, reason))
    return reason


async def _turn_off(engine: Engine, tenant: str, source: str, reason: str) -> None:
    async with engine.store.begin() as uow:
        await uow.comparisons.explain(source)
        stored = await uow.tenants.get(tenant)
        record = stored or TenantRecord(name=tenant)
        if record.shortcut_off_since is not None:
            return
        off = replace(record, shortcut_off_since=await uow.now(), shortcut_off_reason=reason)
        await (uow.tenants.add(off) if stored is None else uow.tenants.save(off))
        await audit(uow, PROGRAM, "tenant.shortcut_off", f"tenant/{tenant}", detail={"reason": reason})
    log.warning("updatedAt is not trusted any more", extra={"tenant": tenant, "cause": reason})


async def turn_shortcut_on(engine: Engine, actor: Actor, tenant: str, reason: str) -> TenantRecord:
    """Trust the `updatedAt` of a tenant's chatbots again; nothing changes where it is trusted.

    Args:
        engine: The ports.
        actor: Who; needs the role admin for every source.
        tenant: The tenant's name.
        reason: Why, for the audit log.

    Raises:
        Forbidden: The actor may not.
        NotFound: There is no such tenant.
    """
    actor.require(Role.ADMIN)
    if tenant not in engine.tenants:
        raise NotFound(f"there is no tenant {tenant!r}")
    return await retry_on_conflict(lambda: _turn_on(engine, actor, tenant, reason))


async def _turn_on(engine: Engine, actor: Actor, tenant: str, reason: str) -> TenantRecord:
    async with engine.store.begin() as uow:
        record = await uow.tenants.get(tenant) or TenantRecord(name=tenant)
        if record.shortcut_off_since is None:
            return record
        detail = {"reason": reason, "off_since": record.shortcut_off_since.isoformat()}
        await audit(uow, actor, "tenant.shortcut_on", f"tenant/{tenant}", detail=detail)
        return await uow.tenants.save(replace(record, shortcut_off_since=None, shortcut_off_reason=None))
