"""Forgets sources and tenants that left the settings, and chatbots that no document states.

Only rows of this program go. Nothing is changed at WizChat or in git; plans, applies, runs and the audit log stay as
long as they are kept anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.domain.access import Role
from reconciler.domain.entities import Apply, Chatbot, SourceRecord
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import EXPLANATIONS, Direction, Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.access.tokens import remove_source_from_tokens
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, save_chatbot, transition_plan
from reconciler.engine.context import Actor, Engine
from reconciler.engine.reconcile.claims import without_agreement
from reconciler.engine.reconcile.diff import close_open_plan
from reconciler.engine.tenant_state import recording_key_refusals, signal_from_listed_ids
from reconciler.errors import Conflict, NotFound, SourceCause, TargetError
from reconciler.storage import UnitOfWork

MAX_NAMED: Final = 20
"""The largest number of forgotten chatbots that the audit log names; their total is always logged."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        subject: ``source/NAME``, ``tenant/NAME`` or ``chatbot/ID``.
        chatbots: The ids of the chatbots that nobody has any more.
    """

    subject: str
    chatbots: tuple[str, ...]


async def forget_source(engine: Engine, actor: Actor, name: str, reason: str) -> Forgotten:
    """Forget a source that is no longer configured, with its documents and suspensions, and what tokens may do there.

    Its chatbots are those of nobody: the next list of their tenant shows them as Unmanaged, or they go.

    Args:
        engine: The ports.
        actor: Who; needs the role admin for every source.
        name: The source's name.
        reason: Why, for the audit log.

    Raises:
        Forbidden: The actor may not.
        NotFound: There is no such source.
        Conflict: ``still_configured``, or ``apply_in_progress``.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        record = await uow.sources.get(name)
        if name in engine.sources or (record is not None and not is_gone(record)):
            raise _configured(f"the source {name}", "[[sources]]")
        if record is None:
            raise NotFound(f"there is no source {name!r}")
        chatbots = await uow.chatbots.of_source(name)
        await _end_applies(engine, uow, chatbots)
        await _drop_source(engine, uow, actor, record)
        inputs = await ConditionInputs.read(uow)
        for chatbot in chatbots:
            await _make_unmanaged(engine, uow, inputs, chatbot)
        detail = {"url": record.url, "branch": record.branch, "tenant": record.tenant}
        return await _record(uow, actor, "source.forget", f"source/{name}", reason, chatbots, detail)


async def forget_tenant(engine: Engine, actor: Actor, name: str, reason: str) -> Forgotten:
    """Forget a tenant that is no longer configured, with its chatbots, baselines, sources and suspensions.

    Args:
        engine: The ports.
        actor: Who; needs the role admin for every source.
        name: The tenant's name.
        reason: Why, for the audit log.

    Raises:
        Forbidden: The actor may not.
        NotFound: There is no such tenant.
        Conflict: ``still_configured``, or ``apply_in_progress``.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        sources = [record for record in await uow.sources.all() if record.tenant == name]
        if name in engine.tenants or not all(map(is_gone, sources)):
            raise _configured(f"the tenant {name}", "[[tenants]]")
        chatbots, record = await uow.chatbots.of_tenant(name), await uow.tenants.get(name)
        if not sources and not chatbots and record is None:
            raise NotFound(f"there is no tenant {name!r}")
        await _end_applies(engine, uow, chatbots)
        for source in sources:
            await _drop_source(engine, uow, actor, source)
        for chatbot in chatbots:
            await _drop_chatbot(uow, chatbot)
        if record is not None:
            await uow.tenants.remove(record)
        await _end_suspensions(uow, actor, ScopeKind.TENANT, name)
        detail = {"sources": [source.name for source in sources]}
        return await _record(uow, actor, "tenant.forget", f"tenant/{name}", reason, chatbots, detail)


async def forget_chatbot(engine: Engine, actor: Actor, tenant: str, chatbot_id: str, reason: str) -> Forgotten:
    """Forget a chatbot that no document states any more and that WizChat does not have.

    Args:
        engine: The ports.
        actor: Who; needs the role admin for every source.
        tenant: Its tenant.
        chatbot_id: Its id.
        reason: Why, for the audit log.

    Raises:
        Forbidden: The actor may not.
        NotFound: There is no such chatbot.
        Conflict: ``still_claimed``, ``chatbot_exists`` or ``apply_in_progress``; ``conflict`` when WizChat cannot be
            asked.
    """
    actor.require(Role.ADMIN)
    await _check_gone_at_wizchat(engine, tenant, chatbot_id)
    async with engine.store.begin() as uow:
        chatbot = await uow.chatbots.get(tenant, chatbot_id)
        if chatbot is None:
            raise NotFound(f"there is no chatbot {chatbot_id!r} of tenant {tenant!r}")
        await _give_up_claims(uow, chatbot)
        await _end_applies(engine, uow, [chatbot])
        await _drop_chatbot(uow, chatbot)
        return await _record(
            uow, actor, "chatbot.forget", f"chatbot/{chatbot_id}", reason, [chatbot], {"tenant": tenant}
        )


def is_gone(record: SourceRecord) -> bool:
    """Whether the service last started without the source.

    A command does not know by its own environment alone what the running service has.
    """
    return record.cause == SourceCause.NOT_CONFIGURED


def _configured(subject: str, table: str) -> Conflict:
    return Conflict(
        "still_configured",
        f"{subject} is configured: take it out of {table} and start the service again, then forget it",
    )


async def _check_gone_at_wizchat(engine: Engine, tenant: str, chatbot_id: str) -> None:
    binding = engine.tenants.get(tenant)
    if binding is None:
        return
    try:
        async with recording_key_refusals(engine, tenant):
            live = await binding.target.chatbots()
    except TargetError as error:
        raise Conflict("conflict", f"nobody can tell whether WizChat has the chatbot {chatbot_id}: {error}") from error
    listed = {line.id for line in live}
    if (cause := (await signal_from_listed_ids(engine, tenant, listed)).cause) is not None:
        raise Conflict("conflict", f"nobody can tell whether WizChat has the chatbot {chatbot_id}: {cause}")
    if chatbot_id in listed:
        raise Conflict(
            "chatbot_exists", f"WizChat has the chatbot {chatbot_id}: it would be listed again, so let it be"
        )


async def _give_up_claims(uow: UnitOfWork, chatbot: Chatbot) -> None:
    """Refuse when a source states the chatbot, and drop the claims of those that are gone.

    A source that comes back to the settings, at the revision that it had, must find what it states to be new: else
    nothing would ever be known of the chatbot again.
    """
    for record in await uow.sources.all():
        found = await uow.documents.outlines(record.name, [chatbot.id])
        claim = next((claim for claim in found if claim.tenant == chatbot.tenant), None)
        if claim is None:
            continue
        if not is_gone(record):
            raise Conflict(
                "still_claimed",
                f"the source {record.name} states the chatbot {chatbot.id} in {claim.path}: remove that document first",
            )
        await uow.documents.give_up(record.name, [chatbot.id])


async def _end_applies(engine: Engine, uow: UnitOfWork, chatbots: Sequence[Chatbot]) -> None:
    """End applies of chatbots; one whose outcome a tenant that is gone can no longer show ends as undetermined."""
    keys = {(chatbot.tenant, chatbot.id) for chatbot in chatbots}
    for apply in await uow.applies.unfinished():
        if (apply.tenant, apply.chatbot_id) not in keys:
            continue
        if apply.tenant in engine.tenants or apply.status is ApplyStatus.APPLYING:
            raise Conflict(
                "apply_in_progress", f"the apply {apply.id} of {apply.chatbot_id} has not ended: wait for it"
            )
        await _end_apply(uow, apply)


async def _end_apply(uow: UnitOfWork, apply: Apply) -> None:
    is_sent = apply.status is ApplyStatus.OUTCOME_UNKNOWN
    status, reason = (ApplyStatus.FAILED, Reason.UNDETERMINED) if is_sent else (ApplyStatus.STALE, Reason.STALE)
    now, message = await uow.now(), EXPLANATIONS[reason]
    await uow.applies.save(replace(apply, status=status, finished_at=now, reason=reason, message=message))
    plan = await uow.plans.get(apply.plan_id)
    if plan is not None and plan.is_open:
        await transition_plan(uow, plan, PlanStatus.FAILED if is_sent else PlanStatus.STALE, reason=reason)


async def _drop_source(engine: Engine, uow: UnitOfWork, actor: Actor, record: SourceRecord) -> None:
    await uow.documents.give_up(record.name)
    await uow.sources.remove(record)
    await remove_source_from_tokens(engine, uow, actor, record.name)
    await _end_suspensions(uow, actor, ScopeKind.SOURCE, record.name)


async def _end_suspensions(uow: UnitOfWork, actor: Actor, kind: ScopeKind, subject: str) -> None:
    for suspension in await uow.suspensions.active():
        if (suspension.kind, suspension.subject) == (kind, subject):
            await uow.suspensions.save(replace(suspension, ended_at=await uow.now(), ended_by=actor.name))
            await audit(uow, actor, "resume", suspension.scope)


async def _make_unmanaged(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot) -> None:
    """A chatbot without a source: the next list of its tenant keeps it as Unmanaged, or it goes."""
    if chatbot.tenant not in engine.tenants:
        await _drop_chatbot(uow, chatbot)
        return
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.UNMANAGED)
    await uow.documents.unsettle(chatbot.tenant, chatbot.id)
    unmanaged = replace(
        without_agreement(chatbot),
        source=None,
        path=None,
        labels={},
        sync=Sync.UNKNOWN,
        direction=Direction.UNKNOWN,
        fault=Reason.UNMANAGED,
        fault_message=None,
    )
    await save_chatbot(uow, inputs, unmanaged)


async def _drop_chatbot(uow: UnitOfWork, chatbot: Chatbot) -> None:
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.ORPHANED)
    await uow.chatbots.remove(chatbot)
    await uow.baselines.remove(chatbot.tenant, chatbot.id)


async def _record(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    subject: str,
    reason: str,
    chatbots: Sequence[Chatbot],
    detail: Mapping[str, object],
) -> Forgotten:
    ids = tuple(sorted(chatbot.id for chatbot in chatbots))
    lost = {"forgotten": len(ids), "chatbots": list(ids[:MAX_NAMED])}
    await audit(uow, actor, action, subject, detail={**detail, "reason": reason, **lost})
    return Forgotten(subject, ids)
