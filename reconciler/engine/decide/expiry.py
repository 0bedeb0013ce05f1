"""Expires plans that nobody decided in time."""

from dataclasses import replace

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import Reason, Sync
from reconciler.engine.conditions import ConditionInputs, save_chatbot
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.diff import close_open_plan


async def expire_plans(engine: Engine) -> None:
    """Close the plans that nobody decided in time. The next dry run offers the same again, without approvals."""
    async with engine.store.begin() as uow:
        inputs = await ConditionInputs.read(uow)
        for plan in await uow.plans.undecided_before(inputs.now):
            chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
            if chatbot is None or chatbot.plan_id != plan.id:
                continue
            uow.history.because(f"plan/{plan.id}")
            chatbot = await close_open_plan(uow, chatbot, PlanStatus.EXPIRED, Reason.EXPIRED)
            unchecked = replace(chatbot, sync=Sync.OUT_OF_SYNC, checked_digest=None)
            await save_chatbot(uow, inputs, unchecked)
