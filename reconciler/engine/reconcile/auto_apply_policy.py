"""Whether the policy applies a plan without a person: its limits, its history, and the circuit breaker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.domain.auto_apply_rules import (
    SWITCH,
    AutoApplyHistory,
    AutoApplyVerdict,
    Switch,
    outside_policy,
    refused_by_history,
    switch_value,
)
from reconciler.domain.circuit_breaker import Stake, breaker_reason, cause_of, concerning, place_of
from reconciler.domain.entities import Plan, SourceRecord
from reconciler.domain.policy import AutoApply
from reconciler.domain.status import Direction
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.audit.entries import audit
from reconciler.engine.context import PROGRAM, Engine
from reconciler.storage import UnitOfWork

BreakerReasons = tuple[str | None, str | None]
"""What the plans that are known exceed, and what they would exceed with the chatbots that nobody compared yet."""

BreakerCache = dict[tuple[str, str], BreakerReasons]
"""By source, and what its plans have in common."""


async def breaker_for(engine: Engine, uow: UnitOfWork, plan: Plan, brakes: BreakerCache) -> BreakerReasons:
    """Why nothing that counts together with a plan is applied without a person.

    Args:
        engine: The policy.
        uow: The transaction.
        plan: A plan whose direction is GitAhead or LiveAhead.
        brakes: What was found out in this transaction already.
    """
    key = (plan.source, place_of(plan.revision, plan.direction))
    if key not in brakes:
        brakes[key] = await _breaker_of_group(engine, uow, plan)
    return brakes[key]


async def _breaker_of_group(engine: Engine, uow: UnitOfWork, plan: Plan) -> BreakerReasons:
    stakes = concerning(await uow.plans.stakes(plan.source, plan.revision), plan.revision, plan.direction)
    fleet = await uow.documents.fleet(plan.source, plan.revision)
    place = place_of(plan.revision, plan.direction)
    certain = breaker_reason(stakes, replace(fleet, uncompared=0), engine.policy, place)
    return certain, breaker_reason(stakes, fleet, engine.policy, place)


async def update_breaker(engine: Engine, uow: UnitOfWork, source: str) -> str | None:
    """Put the brake on a source or release it, with its audit entry, and return what it says."""
    record = await uow.sources.get(source)
    if record is None:
        return None
    text = await _breaker_of(engine, uow, record) if engine.policy.auto_apply is not AutoApply.NONE else None
    if text == record.brake:
        return text
    await uow.sources.save(replace(record, brake=text))
    if text is None:
        await audit(uow, PROGRAM, "source.brake_released", f"source/{source}", detail={"brake": record.brake})
    elif cause_of(text) != cause_of(record.brake or ""):
        detail = {"brake": text, "good_revision": record.good_revision}
        await audit(uow, PROGRAM, "source.brake", f"source/{source}", detail=detail)
    return text


async def _breaker_of(engine: Engine, uow: UnitOfWork, record: SourceRecord) -> str | None:
    """The first brake of the good revision, of an older one whose plans are still open, or of live edits."""
    good = record.good_revision or ""
    stakes = await uow.plans.stakes(record.name, good)
    older = sorted({stake.revision for stake in stakes if stake.direction is not Direction.LIVE_AHEAD} - {good})
    fleet = replace(await uow.documents.fleet(record.name, good), uncompared=0)
    groups: list[tuple[str, Direction, Sequence[Stake]]] = [(good, Direction.GIT_AHEAD, stakes)]
    groups += [(revision, Direction.GIT_AHEAD, await uow.plans.stakes(record.name, revision)) for revision in older]
    groups.append((good, Direction.LIVE_AHEAD, stakes))
    found = (
        breaker_reason(concerning(those, revision, direction), fleet, engine.policy, place_of(revision, direction))
        for revision, direction, those in groups
    )
    return next((text for text in found if text is not None), None)


async def auto_apply_verdict(
    engine: Engine, uow: UnitOfWork, plan: Plan, *, own_apply: str | None = None, brakes: BreakerCache | None = None
) -> AutoApplyVerdict | None:
    """Whether the policy applies a plan without a person, and if not, why.

    Args:
        engine: The ports and the policy.
        uow: The transaction.
        plan: The plan.
        own_apply: The plan's own apply, which says nothing about how earlier ones ended.
        brakes: What was found out about brakes in this transaction already.

    Returns:
        None when the policy applies nothing by itself.
    """
    if engine.policy.auto_apply is AutoApply.NONE:
        return None
    within = await engine.compute(lambda: outside_policy(plan, engine.policy), plan.ops, plan.body)
    refusal = within or refused_by_history(await _history_of(engine, uow, plan, own_apply))
    if refusal is not None:
        return AutoApplyVerdict(refusal=refusal)
    brake, wait = await breaker_for(engine, uow, plan, {} if brakes is None else brakes)
    return AutoApplyVerdict(brake=brake, wait=wait)


async def _history_of(engine: Engine, uow: UnitOfWork, plan: Plan, own_apply: str | None) -> AutoApplyHistory:
    switch = await uow.switches.get(SWITCH)
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    same = (plan.tenant, plan.chatbot_id, plan.fingerprint)
    return AutoApplyHistory(
        since=switch.since if switch is not None and switch.value == switch_value(engine.policy) else None,
        synced_at=chatbot.synced_at if chatbot is not None else None,
        not_applied=await uow.applies.fell_short(*same, except_for=own_apply),
        refused=await uow.plans.was_rejected(*same) or await uow.approvals.was_revoked(*same),
    )


async def record_policy_switch(engine: Engine, uow: UnitOfWork) -> None:
    """Note since when the service runs with its present ``auto_apply`` and ``self_heal``.

    Done at the start, and again when the clock was set back behind that moment: nothing would be applied automatically
    until it had caught up.
    """
    switch = await uow.switches.get(SWITCH)
    value, now = switch_value(engine.policy), await uow.now()
    if switch is not None and switch.value == value and switch.since <= now:
        return
    await _clear_future_syncs(uow, now)
    if switch is None:
        await uow.switches.add(Switch(name=SWITCH, value=value, since=now))
    else:
        await uow.switches.save(replace(switch, value=value, since=now))
    before = switch.value if switch is not None else AutoApply.NONE.value
    if value != before:
        await audit(uow, PROGRAM, "policy.switch", f"policy/{SWITCH}", detail={"from": before, "to": value})


async def _clear_future_syncs(uow: UnitOfWork, now: datetime) -> None:
    """A chatbot that was in sync while the clock was ahead must not count as in sync since the switch was set.

    Only the time is wrong: its baseline, and what people rejected, are kept.
    """
    for chatbot in await uow.chatbots.in_scope(ScopeKind.ALL, ""):
        if chatbot.synced_at is not None and chatbot.synced_at > now:
            await uow.chatbots.save(replace(chatbot, synced_at=None))
