"""Derives and writes the state of tenants from the answers of WizChat: its only writer."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.domain.apply_answers import ApplyAnswer
from reconciler.domain.entities import Plan
from reconciler.domain.suspensions import ScopeKind
from reconciler.domain.tenant import TenantRecord, TenantSignal, TenantState, judge_tenant
from reconciler.domain.write_key import WriteKey
from reconciler.engine.conditions import refresh_conditions
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import Engine
from reconciler.errors import (
    AnotherAccount,
    BadAnswer,
    ChatbotHidden,
    ChatbotNotFound,
    Conflict,
    RequestRefused,
    ScopeMissing,
    TargetError,
    TargetUnauthorized,
    TargetUnreachable,
)
from reconciler.storage import UnitOfWork

log = logging.getLogger(__name__)

ANSWERED = TenantSignal(TenantState.READY)

FEWEST_STATED: Final = 2
"""A single chatbot may just be gone, or its id be wrong."""

_NO_CHATBOT: Final = (
    "the API key may use none of the chatbots that were asked for: add them to the key, or correct metadata.chatbotId"
)
"""Names none of them: not everybody who sees the tenant sees the source that one belongs to."""


def signal_from_list(error: TargetError | None) -> TenantSignal:
    """What the list of chatbots shows. Every key may read it, so a refusal is not from the Management API."""
    if isinstance(error, RequestRefused):
        return TenantSignal(TenantState.MISCONFIGURED, str(error))
    return signal_from_dry_run(error)


def signal_from_ids(tenant: str, claimed: Collection[str], listed: Collection[str]) -> TenantSignal:
    """What the ids in a list show: a list with none of several claimed chatbots is of another account.

    Args:
        tenant: The tenant's name.
        claimed: The ids that documents of the tenant state.
        listed: The ids in WizChat's list.
    """
    if len(claimed) < FEWEST_STATED or not set(claimed).isdisjoint(listed):
        return ANSWERED
    return TenantSignal(
        TenantState.MISCONFIGURED,
        f"WizChat's list names none of the chatbots that documents of tenant {tenant} state: check that "
        "api_key (WIZCHAT_API_KEY) is of the account that has them",
    )


def signal_from_dry_run(error: TargetError | None) -> TenantSignal:
    """What one dry run shows. That the chatbot is missing, or to retry later, shows nothing about the tenant."""
    match error:
        case None | RequestRefused():
            return ANSWERED
        case AnotherAccount() | BadAnswer():
            return TenantSignal(TenantState.MISCONFIGURED, str(error))
        case TargetUnauthorized():
            return TenantSignal(TenantState.UNAUTHORIZED, str(error), is_certain=True)
        case ScopeMissing() | ChatbotHidden():
            return TenantSignal(
                TenantState.UNAUTHORIZED, _NO_CHATBOT if isinstance(error, ChatbotHidden) else str(error)
            )
        case TargetUnreachable():
            return TenantSignal(TenantState.UNREACHABLE, str(error))
        case _:
            return TenantSignal(None, str(error))


async def record_run_signals(
    engine: Engine, tenant: str, listed: TenantSignal | None, compared: Sequence[TenantSignal]
) -> TenantRecord:
    """Record the tenant's state, judged from the calls of one pass.

    Args:
        engine: The ports.
        tenant: The tenant's name.
        listed: How the list of chatbots ended; None when it was not asked for.
        compared: How the dry runs ended; what they show of their chatbots is written down already.

    Returns:
        The tenant as it now is.
    """
    others = False
    if not any(sign.state is TenantState.READY for sign in compared):
        async with engine.store.read() as uow:
            others = await uow.chatbots.is_any_compared(tenant)
    return await _write(engine, tenant, judge_tenant(listed, compared, others_answered=others))


async def signal_from_listed_ids(engine: Engine, tenant: str, listed: Collection[str]) -> TenantSignal:
    """What the ids in a tenant's list show, compared with the ids that documents claim."""
    async with engine.store.read() as uow:
        claimed = await uow.chatbots.claimed_ids(tenant)
    return signal_from_ids(tenant, claimed, listed)


async def explained(engine: Engine, tenant: str, error: TargetError) -> TargetError:
    """What the failure of a call about one chatbot means.

    A key of another account finds no chatbot, and neither does the right key of one that is gone: the tenant's list
    tells them apart. It is read at most once a minute.

    Returns:
        An `AnotherAccount` where the list shows that, otherwise the error.
    """
    if type(error) is not ChatbotNotFound:
        return error

    async def check() -> str | None:
        try:
            listed = {line.id for line in await engine.tenants[tenant].target.chatbots()}
        except TargetError as unread:
            log.info("the account cannot be told", extra={"tenant": tenant, "cause": str(unread)})
            return None
        return (await signal_from_listed_ids(engine, tenant, listed)).cause

    cause = await engine.account_checks.cause(tenant, engine.clock, check)
    return error if cause is None else AnotherAccount(cause)


@asynccontextmanager
async def recording_key_refusals(engine: Engine, tenant: str) -> AsyncIterator[None]:
    """Write down that a tenant's key is refused, where a call outside of a run shows it, and pass its error on.

    Any other error concerns that one call only.

    Raises:
        AnotherAccount: Instead of a chatbot that is not found, where the tenant's list shows that.
    """
    try:
        yield
    except TargetError as error:
        meant = await record_call(engine, tenant, error)
        if meant is error:
            raise
        raise meant from error


async def record_call(engine: Engine, tenant: str, error: TargetError) -> TargetError:
    """Record what the failure of a call outside a run shows, if it is certain by itself.

    Returns:
        The error, or what it means by `explained`.
    """
    meant = await explained(engine, tenant, error)
    sign = signal_from_dry_run(meant)
    # the list was read for another account, which concerns every chatbot
    if sign.is_certain or isinstance(meant, AnotherAccount):
        await _write(engine, tenant, sign)
    return meant


async def check_tenant(engine: Engine, tenant: str) -> None:
    """Read a tenant's list of chatbots, and record the tenant's state; nothing for one not configured."""
    binding = engine.tenants.get(tenant)
    if binding is None:
        return
    error: TargetError | None = None
    try:
        await binding.target.chatbots()
    except TargetError as raised:
        error = raised
    await _write(engine, tenant, judge_tenant(signal_from_list(error), (), others_answered=False))


async def record_write_key(engine: Engine, tenant: str, key_id: str, error: TargetError | None) -> None:
    """Record what a read with the write key shows.

    Args:
        engine: The ports.
        tenant: The tenant's name.
        key_id: Which key it was.
        error: How the read ended; None when it was answered.
    """
    # a key that may not read is no worse for that, and an unanswered call shows nothing about the key
    is_told = error is None or isinstance(error, TargetUnauthorized | ScopeMissing)

    def change(key: WriteKey, now: datetime) -> WriteKey:
        return key.after_read(now, refused=isinstance(error, TargetUnauthorized)) if is_told else key

    await _change_write_key(engine, tenant, key_id, change)


async def record_apply(engine: Engine, plan: Plan, key_id: str, answer: ApplyAnswer) -> None:
    """Record what the answer to an apply shows about the write key."""
    sections = {op.section for op in plan.bare_ops}

    def change(key: WriteKey, now: datetime) -> WriteKey:
        return key.after_apply(plan.chatbot_id, sections, answer, now)

    await _change_write_key(engine, plan.tenant, key_id, change)


async def _change_write_key(
    engine: Engine, tenant: str, key_id: str, change: Callable[[WriteKey, datetime], WriteKey]
) -> None:
    """Change what is known of a write key, again where others write meanwhile, and what open plans say of it."""

    async def keep() -> None:
        async with engine.store.begin() as uow:
            await _keep_write_key(engine, uow, tenant, key_id, change)

    await retry_on_conflict(keep)


async def _keep_write_key(
    engine: Engine, uow: UnitOfWork, tenant: str, key_id: str, change: Callable[[WriteKey, datetime], WriteKey]
) -> None:
    stored = await uow.tenants.get(tenant)
    before = stored or TenantRecord(name=tenant)
    # findings about another key do not apply to this one
    current = before.write_key if before.write_key and before.write_key.key_id == key_id else WriteKey(key_id=key_id)
    key = change(current, await uow.now())
    if key == before.write_key:
        return
    now = replace(before, write_key=key)
    await (uow.tenants.add(now) if stored is None else uow.tenants.save(now))
    await refresh_conditions(engine, uow, await uow.chatbots.in_scope(ScopeKind.TENANT, tenant))
    level = logging.WARNING if key.is_refused or key.missing else logging.INFO
    log.log(level, "write key", extra={"tenant": tenant, "state": key.state, "missing": len(key.missing)})


async def _write(engine: Engine, tenant: str, signal: TenantSignal | None) -> TenantRecord:
    """Record a new state of a tenant. When another process was faster, its record is as recent as this one."""
    try:
        async with engine.store.begin() as uow:
            stored = await uow.tenants.get(tenant)
            before = stored or TenantRecord(name=tenant)
            if signal is None or signal.state is None or (before.state, before.cause) == (signal.state, signal.cause):
                return before
            since = before.since if before.state is signal.state else await uow.now()
            now = replace(before, state=signal.state, cause=signal.cause, since=since)
            if stored is None:
                await uow.tenants.add(now)
            else:
                now = await uow.tenants.save(now)
    except Conflict as error:
        log.info("tenant state left to another process", extra={"tenant": tenant, "cause": str(error)})
        async with engine.store.read() as uow:
            return await uow.tenants.get(tenant) or TenantRecord(name=tenant)
    if before.state is not now.state:
        level = logging.INFO if now.state is TenantState.READY else logging.WARNING
        log.log(level, "tenant state", extra={"tenant": tenant, "state": now.state, "cause": now.cause})
    return now
