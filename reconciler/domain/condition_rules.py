"""Derives the reason and message of a chatbot or plan, in one order of precedence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.domain.auto_apply_rules import AutoApplyVerdict
from reconciler.domain.entities import Chatbot, Plan, SourceRecord, SourceState
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.policy import ProtectedItem
from reconciler.domain.sentences import joined
from reconciler.domain.source_causes import explain_source
from reconciler.domain.status import EXPLANATIONS, Reason, Sync
from reconciler.domain.write_key import WriteKey, write_key_sentence

MAX_UNCONVERGED = 2
"""After so many applies in a row that WizChat stored differently, an equal plan is not offered by itself."""

HELD = (
    "WizChat stored this differently from what was sent, twice in a row, so an equal plan is not offered again: "
    "have the document say what WizChat stores, or change it in another way."
)
STORED_OTHERWISE = "The last apply sent this, and WizChat stored it differently: nobody edited it."


def is_held(chatbot: Chatbot) -> bool:
    """Whether a plan equal to what was sent in vain is not offered again."""
    return chatbot.unconverged_ends >= MAX_UNCONVERGED


@dataclass(frozen=True, slots=True)
class ChatbotCircumstances:
    """What a chatbot's reason depends on besides itself.

    Attributes:
        plan: Its open plan.
        source: The source that claims it.
    """

    plan: Plan | None = None
    source: SourceRecord | None = None


def chatbot_condition(chatbot: Chatbot, circumstances: ChatbotCircumstances) -> tuple[Reason, str]:
    """The reason that a chatbot shows, with its message: the first that holds.

    A fault comes first, because nothing else is known then; a source that cannot be read before the state it froze,
    except for an open plan, which people still decide on. A suspension is no reason: it is kept beside it.
    """
    if chatbot.fault is not None:
        return chatbot.fault, chatbot.fault_message or EXPLANATIONS[chatbot.fault]
    return _without_fault(chatbot, circumstances)


def _without_fault(chatbot: Chatbot, circumstances: ChatbotCircumstances) -> tuple[Reason, str]:
    if circumstances.plan is not None:
        return circumstances.plan.reason, circumstances.plan.message
    if circumstances.source is not None and circumstances.source.state is SourceState.UNKNOWN:
        return Reason.SOURCE_UNKNOWN, joined(
            [explain_source(circumstances.source.cause), circumstances.source.message or ""]
        )
    if chatbot.sync is Sync.SYNCED:
        return Reason.IN_SYNC, EXPLANATIONS[Reason.IN_SYNC]
    if is_held(chatbot):
        return Reason.NOT_CONVERGED, HELD
    if chatbot.rejected_fingerprint is not None:
        return Reason.REJECTED, EXPLANATIONS[Reason.REJECTED]
    return Reason.NOT_CHECKED, EXPLANATIONS[Reason.NOT_CHECKED]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCircumstances:
    """What the reason of an open plan depends on besides itself.

    Attributes:
        read_only: Whether its tenant has no write key.
        write_key: What is known of its tenant's write key.
        protected: What it touches of what is protected.
        automatic: What the policy says about applying it without a person; None when the policy never does.
    """

    read_only: bool = False
    write_key: WriteKey | None = None
    protected: Sequence[ProtectedItem] = ()
    automatic: AutoApplyVerdict | None = None


def plan_condition(plan: Plan, circumstances: PlanCircumstances) -> tuple[Reason, str]:
    """The reason of an open plan without a request: what it needs, or what prevents its apply."""
    if circumstances.protected:
        touched = f"It touches {', '.join(map(str, circumstances.protected))}"
        return Reason.PROTECTED, joined([EXPLANATIONS[Reason.PROTECTED], touched])
    if plan.status is PlanStatus.PENDING and plan.delete_override is not None:
        because = f"Because {plan.delete_override}"
        return Reason.BLOCKED_BY_DELETE_GATE, joined([EXPLANATIONS[Reason.BLOCKED_BY_DELETE_GATE], because])
    if circumstances.read_only:
        return Reason.READ_ONLY, EXPLANATIONS[Reason.READ_ONLY]
    if circumstances.write_key is not None and circumstances.write_key.is_refused:
        return Reason.WRITE_KEY_REFUSED, write_key_sentence(plan.tenant, circumstances.write_key)
    reason, message = _deciding(plan, circumstances)
    return reason, joined([message, *_missing_rights(plan, circumstances.write_key)])


def _deciding(plan: Plan, circumstances: PlanCircumstances) -> tuple[Reason, str]:
    """The reason of an open plan that nothing stops."""
    if plan.apply_id is not None:
        return Reason.APPROVED, "The plan is approved and its apply is queued: wait for it."
    if plan.status is PlanStatus.PENDING:
        reason, message = _awaiting(circumstances.automatic)
        return reason, joined([message, STORED_OTHERWISE if plan.stored_otherwise else ""])
    return Reason.APPROVED, EXPLANATIONS[Reason.APPROVED]


def _missing_rights(plan: Plan, key: WriteKey | None) -> Iterator[str]:
    """What the write key was refused for before that the plan's apply needs, too."""
    sections = {op.section for op in plan.bare_ops}
    for right in key.missing_for(plan.chatbot_id, sections) if key is not None else ():
        yield right.sentence(plan.tenant)


def _awaiting(automatic: AutoApplyVerdict | None) -> tuple[Reason, str]:
    """The reason of a plan that waits for a decision, and why the policy does not take it."""
    awaiting = EXPLANATIONS[Reason.AWAITING_APPROVAL]
    if automatic is None:
        return Reason.AWAITING_APPROVAL, awaiting
    if automatic.brake is not None:
        brake = EXPLANATIONS[Reason.BLOCKED_BY_FLEET_BRAKE]
        return Reason.BLOCKED_BY_FLEET_BRAKE, joined([brake, f"Because of {automatic.brake}"])
    return Reason.AWAITING_APPROVAL, f"{awaiting} (auto_apply: {automatic.cause or 'it is applied by itself soon'})"
