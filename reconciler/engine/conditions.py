"""Derives and saves the conditions (reason, message, suspension) of chatbots and plans: their only writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.domain.condition_rules import ChatbotCircumstances, PlanCircumstances, chatbot_condition, plan_condition
from reconciler.domain.entities import Chatbot, Plan, SourceRecord
from reconciler.domain.history import drifting
from reconciler.domain.lifecycle import DECIDABLE, OPEN, PlanStatus, check_move
from reconciler.domain.policy import ProtectedItem, Requirements, protected_items, requirements
from reconciler.domain.sentences import ended
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.domain.suspensions import Suspension, widest_suspension
from reconciler.domain.write_key import WriteKey
from reconciler.engine.audit.entries import audit
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.reconcile.auto_apply_policy import BreakerCache, auto_apply_verdict
from reconciler.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class ConditionInputs:
    """What the conditions of many chatbots depend on, read once for a transaction.

    Attributes:
        write_keys: Tenant → what is known of its write key.
        brakes: Those that were asked about in it.
    """

    suspensions: Sequence[Suspension]
    sources: dict[str, SourceRecord]
    write_keys: Mapping[str, WriteKey]
    now: datetime
    brakes: BreakerCache = field(default_factory=dict)

    @classmethod
    async def read(cls, uow: UnitOfWork) -> "ConditionInputs":
        """Read the inputs in a transaction."""
        sources = {record.name: record for record in await uow.sources.all()}
        write_keys = {record.name: record.write_key for record in await uow.tenants.all() if record.write_key}
        return cls(await uow.suspensions.active(), sources, write_keys, await uow.now())

    def suspension_of(self, tenant: str, chatbot_id: str, source: str | None) -> Suspension | None:
        """The widest suspension that covers a chatbot now."""
        active = [suspension for suspension in self.suspensions if suspension.is_active(self.now)]
        return widest_suspension(active, tenant, chatbot_id, source)

    def suspension_id_of(self, tenant: str, chatbot_id: str, source: str | None) -> str | None:
        """The id of that suspension, or None."""
        suspension = self.suspension_of(tenant, chatbot_id, source)
        return suspension.id if suspension is not None else None


async def save_chatbot(uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, plan: Plan | None = None) -> Chatbot:
    """Save a chatbot with the reason that follows from everything else; arguments as for `stated`."""
    return await uow.chatbots.save(await with_conditions(uow, inputs, chatbot, plan))


async def with_conditions(
    uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, plan: Plan | None = None
) -> Chatbot:
    """A chatbot with the reason that follows from everything else, to be saved.

    Args:
        uow: The transaction.
        inputs: Suspensions and sources.
        chatbot: The chatbot as it now is; its reason, message and suspension, and since when it drifts, are derived
            here.
        plan: Its open plan, when the caller has it at hand.
    """
    if plan is None and chatbot.plan_id is not None:
        plan = await uow.plans.get(chatbot.plan_id)
    circumstances = ChatbotCircumstances(
        plan=plan if plan is not None and plan.is_open else None,
        source=inputs.sources.get(chatbot.source) if chatbot.source else None,
    )
    reason, message = chatbot_condition(chatbot, circumstances)
    return replace(
        drifting(chatbot, inputs.now),
        reason=reason,
        message=ended(message),
        suspension_id=inputs.suspension_id_of(chatbot.tenant, chatbot.id, chatbot.source),
    )


async def transition_plan(
    uow: UnitOfWork,
    plan: Plan,
    to: PlanStatus,
    *,
    reason: Reason,
    message: str | None = None,
    actor: Actor = PROGRAM,
    apply_id: str | None = None,
) -> Plan:
    """Move a plan to another state, with its audit entry, if the lifecycle allows it.

    Args:
        uow: The transaction.
        plan: The plan as it was read in this transaction.
        to: The new state.
        reason: Why.
        message: One sentence; the reason's own by default.
        actor: Who decided.
        apply_id: The apply that did it, where one did.

    Raises:
        Conflict: ``concurrent_change`` when somebody else was faster.
    """
    check_move(plan.status, to)
    now = await uow.now()
    moved = replace(
        plan,
        status=to,
        reason=reason,
        message=ended(message or EXPLANATIONS[reason]),
        suspension_id=plan.suspension_id if to in DECIDABLE else None,
        closed_at=None if to in OPEN else now,
        apply_id=apply_id or plan.apply_id,
    )
    saved = await uow.plans.save(moved)
    detail = {"from": plan.status, "to": to, "reason": reason, "chatbot": plan.chatbot_id, "tenant": plan.tenant}
    await audit(uow, actor, f"plan.{to.value.lower()}", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
    return saved


async def refresh_plan_conditions(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, plan: Plan) -> Plan:
    """Save what an open plan needs and shows, where that changed: no change of state, so no audit entry."""
    if plan.status not in DECIDABLE:
        return plan
    fitting = await plan_with_conditions(engine, uow, inputs, plan)
    return plan if fitting == plan else await uow.plans.save(fitting)


async def plan_with_conditions(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, plan: Plan) -> Plan:
    """An open plan that nothing was sent for, with what it needs and shows today, to be saved."""
    needs = await current_requirements(engine, plan)
    plan = replace(plan, approvals_required=needs.approvals, delete_override=needs.delete_override, losses=needs.losses)
    pending = plan.status is PlanStatus.PENDING
    circumstances = PlanCircumstances(
        read_only=is_read_only(engine, plan.tenant),
        write_key=inputs.write_keys.get(plan.tenant),
        protected=await currently_protected(engine, plan),
        automatic=await auto_apply_verdict(engine, uow, plan, brakes=inputs.brakes) if pending else None,
    )
    reason, message = plan_condition(plan, circumstances)
    stopped = inputs.suspension_id_of(plan.tenant, plan.chatbot_id, plan.source)
    return replace(plan, reason=reason, message=ended(message), suspension_id=stopped)


async def current_requirements(engine: Engine, plan: Plan) -> Requirements:
    """What the policy asks of a plan today; it may be stricter than on the day the plan was made."""
    return await engine.compute(lambda: requirements(plan.bare_ops, plan.body, engine.policy), plan.ops, plan.body)


async def currently_protected(engine: Engine, plan: Plan) -> tuple[ProtectedItem, ...]:
    """What of a plan the policy protects today."""
    if not engine.policy.protected:
        return ()
    return await engine.compute(lambda: protected_items(plan.chatbot_id, plan.bare_ops, engine.policy), plan.ops)


def is_read_only(engine: Engine, tenant: str) -> bool:
    """Whether nothing can be applied for a tenant; an unknown one counts as read-only."""
    binding = engine.tenants.get(tenant)
    return binding is None or binding.read_only


async def refresh_conditions(engine: Engine, uow: UnitOfWork, chatbots: Sequence[Chatbot]) -> None:
    """Derive anew the reasons of chatbots and their open plans: after a suspension, a resume, a source's change."""
    inputs = await ConditionInputs.read(uow)
    plans = await uow.plans.some({chatbot.plan_id for chatbot in chatbots if chatbot.plan_id})
    plans = {key: await refresh_plan_conditions(engine, uow, inputs, plan) for key, plan in plans.items()}
    stating = [await with_conditions(uow, inputs, chatbot, plans.get(chatbot.plan_id or "")) for chatbot in chatbots]
    # one writes at a time: to stop a large fleet must not hold up the leases of others
    await uow.chatbots.save_all([new for new, old in zip(stating, chatbots, strict=True) if new != old])
