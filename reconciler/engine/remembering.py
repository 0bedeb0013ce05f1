"""What the policy says about applying a plan without a person, from all that is remembered (rule 10 of the design)."""

from dataclasses import replace
from datetime import datetime

from reconciler.domain.automatic import SWITCH, Memory, Verdict, not_remembered, not_within, switch_value
from reconciler.domain.policy import AutoApply
from reconciler.domain.records import Plan, ScopeKind, Switch
from reconciler.engine.auditing import audit
from reconciler.engine.braking import Brakes, brake_on
from reconciler.engine.context import PROGRAM, Engine
from reconciler.ports import UnitOfWork


async def verdict(
    engine: Engine, uow: UnitOfWork, plan: Plan, *, besides: str | None = None, brakes: Brakes | None = None
) -> Verdict | None:
    """Whether the policy applies a plan without a person, and if not, why.

    Args:
        engine: The ports and the policy.
        uow: The transaction.
        plan: The plan.
        besides: The plan's own apply, which says nothing about how earlier ones ended.
        brakes: What was found out about brakes in this transaction already.

    Returns:
        None when the policy applies nothing by itself.
    """
    if engine.policy.auto_apply is AutoApply.NONE:
        return None
    within = await engine.compute(lambda: not_within(plan, engine.policy), plan.ops, plan.body)
    refusal = within or not_remembered(await _memory(engine, uow, plan, besides))
    if refusal is not None:
        return Verdict(refusal=refusal)
    brake, wait = await brake_on(engine, uow, plan, {} if brakes is None else brakes)
    return Verdict(brake=brake, wait=wait)


async def _memory(engine: Engine, uow: UnitOfWork, plan: Plan, besides: str | None) -> Memory:
    switch = await uow.switches.get(SWITCH)
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    same = (plan.tenant, plan.chatbot_id, plan.fingerprint)
    return Memory(
        since=switch.since if switch is not None and switch.value == switch_value(engine.policy) else None,
        synced_at=chatbot.synced_at if chatbot is not None else None,
        not_applied=await uow.applies.fell_short(*same, besides=besides),
        refused=await uow.plans.was_rejected(*same) or await uow.approvals.was_revoked(*same),
    )


async def set_switch(engine: Engine, uow: UnitOfWork) -> None:
    """Note since when the service runs with its present ``auto_apply`` and ``self_heal``.

    Done at the start, and again when the clock was set back behind that moment: nothing would be applied automatically
    until it had caught up.
    """
    switch = await uow.switches.get(SWITCH)
    value, now = switch_value(engine.policy), await uow.now()
    if switch is not None and switch.value == value and switch.since <= now:
        return
    await _forget_syncs_ahead(uow, now)
    if switch is None:
        await uow.switches.add(Switch(name=SWITCH, value=value, since=now))
    else:
        await uow.switches.save(replace(switch, value=value, since=now))
    before = switch.value if switch is not None else AutoApply.NONE.value
    if value != before:
        await audit(uow, PROGRAM, "policy.switch", f"policy/{SWITCH}", detail={"from": before, "to": value})


async def _forget_syncs_ahead(uow: UnitOfWork, now: datetime) -> None:
    """A chatbot that was in sync while the clock was ahead must not count as in sync since the switch was set.

    Only the time is wrong: what it agreed with, and what people rejected, stands.
    """
    for chatbot in await uow.chatbots.in_scope(ScopeKind.ALL, ""):
        if chatbot.synced_at is not None and chatbot.synced_at > now:
            await uow.chatbots.save(replace(chatbot, synced_at=None))
