"""Requests an apply: checks that the plan may be applied, and queues it. The executor does the rest."""

from dataclasses import replace

from reconciler.domain.access import Role
from reconciler.domain.entities import Apply, Plan, SourceState
from reconciler.domain.lifecycle import DECIDABLE, ApplyStatus, PlanStatus
from reconciler.domain.sentences import joined, listed
from reconciler.domain.source_causes import explain_source
from reconciler.domain.write_key import write_key_sentence
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, currently_protected, is_read_only, refresh_plan_conditions
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.decide.approvals import recount
from reconciler.errors import Conflict, NotKept, SourceCause
from reconciler.ports import Job, JobKind
from reconciler.storage import UnitOfWork


async def request_apply(engine: Engine, actor: Actor, plan_id: str, fingerprint: str) -> Apply:
    """Queue the apply of an approved plan.

    Args:
        engine: The ports.
        actor: Who; needs the role approver for the plan's source.
        plan_id: The plan.
        fingerprint: What the person saw.

    Returns:
        The apply; a repeated call returns the same one.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
        Conflict: ``fingerprint_mismatch``, ``plan_not_approved``, ``plan_closed``, ``protected``, ``read_only``,
            ``write_key_refused``, ``suspended`` or ``source_unknown``.
    """
    async with engine.store.begin() as uow:
        plan = await get_plan_by_fingerprint(uow, actor, plan_id, fingerprint)
        if plan.status is PlanStatus.APPROVED and plan.apply_id is None:
            # committed also where it leads to a refusal: the plan is shown as it now is
            plan = await recount(engine, uow, PROGRAM, plan)
        refusal = await _refusal(engine, plan)
        queued = None if refusal else (await queue_apply(engine, uow, actor, plan))[1]
    if queued is None:
        raise refusal or plan_closed(plan)
    submit_apply(engine, queued)
    return queued


async def _refusal(engine: Engine, plan: Plan) -> Conflict | None:
    """Why an apply of the plan cannot be requested now, or None."""
    try:
        if plan.status in DECIDABLE:
            await require_unprotected(engine, plan)
        if plan.apply_id is None:
            _require_approved(plan)
    except Conflict as refused:
        return refused
    return None


async def get_decidable_plan(uow: UnitOfWork, actor: Actor, plan_id: str) -> Plan:
    """The plan, when the actor may decide about it.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
    """
    plan = await uow.plans.get(plan_id)
    if plan is None or not actor.sees(plan.source):
        raise NotKept("plan", plan_id)
    actor.require(Role.APPROVER, plan.source)
    return plan


async def get_plan_by_fingerprint(uow: UnitOfWork, actor: Actor, plan_id: str, fingerprint: str) -> Plan:
    """The plan, when the actor may decide about it and saw what it is.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
        Conflict: ``fingerprint_mismatch``.
    """
    plan = await get_decidable_plan(uow, actor, plan_id)
    if plan.fingerprint != fingerprint:
        raise Conflict(
            "fingerprint_mismatch", f"plan {plan.id} has another fingerprint than the one given: read the plan again"
        )
    return plan


def plan_closed(plan: Plan) -> Conflict:
    """The refusal for a plan that is no longer open to a decision."""
    return Conflict("plan_closed", f"plan {plan.id} is {plan.status}: {plan.message}")


async def queue_apply(engine: Engine, uow: UnitOfWork, actor: Actor, plan: Plan) -> tuple[Plan, Apply]:
    """Queue an apply within a transaction; it is submitted after the commit."""
    queued = await uow.applies.get(plan.apply_id) if plan.apply_id else None
    if queued is not None:
        return plan, queued
    _require_approved(plan)
    await require_applicable(engine, uow, plan)
    apply = Apply(
        id=engine.new_id("apply"),
        plan_id=plan.id,
        tenant=plan.tenant,
        chatbot_id=plan.chatbot_id,
        fingerprint=plan.fingerprint,
        status=ApplyStatus.QUEUED,
        requested_by=actor.name,
        created_at=await uow.now(),
    )
    await uow.applies.add(apply)
    plan = await uow.plans.save(replace(plan, apply_id=apply.id))
    plan = await refresh_plan_conditions(engine, uow, await ConditionInputs.read(uow), plan)
    detail = {"apply": apply.id, "chatbot": plan.chatbot_id, "tenant": plan.tenant}
    await audit(uow, actor, "plan.apply", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
    return plan, apply


def _require_approved(plan: Plan) -> None:
    if plan.status is PlanStatus.PENDING:
        raise Conflict("plan_not_approved", f"plan {plan.id} is not approved: approve it first")
    if plan.status is not PlanStatus.APPROVED:
        raise plan_closed(plan)


async def require_applicable(engine: Engine, uow: UnitOfWork, plan: Plan) -> None:
    """Refuse what must not be written now.

    That is what is protected, or suspended, what has no write key that WizChat takes, and what an Unknown source says.

    Raises:
        Conflict: ``protected``, ``read_only``, ``write_key_refused``, ``suspended`` or ``source_unknown``.
    """
    await require_unprotected(engine, plan)
    if is_read_only(engine, plan.tenant):
        raise Conflict("read_only", f"the tenant {plan.tenant} has no write key: set write_api_key to apply")
    inputs = await ConditionInputs.read(uow)
    write_key = inputs.write_keys.get(plan.tenant)
    if write_key is not None and write_key.is_refused:
        raise Conflict("write_key_refused", write_key_sentence(plan.tenant, write_key))
    suspension = inputs.suspension_of(plan.tenant, plan.chatbot_id, plan.source)
    if suspension is not None:
        raise Conflict(
            "suspended", f"applies of {suspension.subject_words} are suspended ({suspension.reason}): resume them first"
        )
    source = inputs.sources.get(plan.source)
    if source is None or source.state is SourceState.UNKNOWN:
        explained = explain_source(source.cause if source is not None else SourceCause.NOT_CONFIGURED)
        message = source.message if source is not None else None
        raise Conflict("source_unknown", joined([f"{plan.source}: {explained}", message or ""]))


async def require_unprotected(engine: Engine, plan: Plan) -> None:
    """Refuse a plan that changes or deletes what is protected; no override lets it pass.

    Raises:
        Conflict: ``protected``, naming the items and the patterns.
    """
    protected = await currently_protected(engine, plan)
    if protected:
        items = listed(list(map(str, protected)))
        raise Conflict(
            "protected",
            f"plan {plan.id} changes or deletes what policy.protected covers: {items}: take that out of the document, "
            "or change policy.protected on the server",
        )


def submit_apply(engine: Engine, apply: Apply | None) -> None:
    """Have a queued apply run soon; anything else needs nothing."""
    if apply is not None and apply.status is ApplyStatus.QUEUED:
        engine.dispatcher.submit(Job(JobKind.APPLY, apply.id))
