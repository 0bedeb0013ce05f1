"""Builds the view model of `reconciler plan` from the results of the dry runs."""

from collections.abc import Iterator, Sequence

from reconciler.domain.circuit_breaker import Fleet, Stake, breaker_reason
from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import NO_BASELINE, direct
from reconciler.domain.document import Document
from reconciler.domain.losses import losses, total
from reconciler.domain.plan import Proposal
from reconciler.domain.policy import AutoApply, Policy, protected_items, requirements
from reconciler.domain.sentences import joined
from reconciler.domain.status import Direction
from reconciler.engine.local_plan import LocalPlan
from reconciler.errors import ChatbotNotFound, TargetError
from reconciler.render.model import NOTHING_WRITTEN, FleetPlan, PlanView, Unplanned
from reconciler.render.requirements_text import requirements_text


def fleet_plan(made: LocalPlan, tenant: str, policy: Policy) -> FleetPlan:
    """Sort the outcomes of dry runs into what is shown.

    Args:
        made: The outcomes.
        tenant: The tenant's name.
        policy: What it takes to apply a plan, by the settings at hand.
    """
    proposed = [
        (planned.document, planned.outcome) for planned in made.planned if isinstance(planned.outcome, Proposal)
    ]
    failed = [
        (planned.document, planned.outcome) for planned in made.planned if isinstance(planned.outcome, TargetError)
    ]
    return FleetPlan(
        plans=tuple(_view(document, proposal, tenant, policy) for document, proposal in proposed),
        in_sync=sum(planned.outcome is None for planned in made.planned),
        missing=tuple(_unplanned(*pair) for pair in failed if isinstance(pair[1], ChatbotNotFound)),
        errors=tuple(_unplanned(*pair) for pair in failed if not isinstance(pair[1], ChatbotNotFound)),
        refused=_findings(made),
        refused_documents=len(made.refusals),
        closing=joined((NOTHING_WRITTEN, *_braked([proposal for _, proposal in proposed], made, policy))),
    )


def _braked(proposals: Sequence[Proposal], made: LocalPlan, policy: Policy) -> Iterator[str]:
    """That no policy would apply all of this without a person."""
    if policy.auto_apply is AutoApply.NONE:
        return
    stakes = [
        Stake(proposal.chatbot_id, "", Direction.GIT_AHEAD, total(losses(proposal.ops)), is_open=True)
        for proposal in proposals
    ]
    if (braked := breaker_reason(stakes, Fleet(len(made.planned)), policy, "for this plan")) is not None:
        yield f"A person would have to approve it: {braked}."


def _view(document: Document, proposal: Proposal, tenant: str, policy: Policy) -> PlanView:
    required = requirements(proposal.ops, proposal.body, policy)
    return PlanView(
        chatbot_id=document.chatbot_id,
        name=document.name,
        tenant=tenant,
        path=document.path,
        ops=tuple(direct(op, NO_BASELINE) for op in proposal.ops),
        noops=proposal.noops,
        prune=proposal.prune,
        fingerprint=proposal.fingerprint,
        notes=tuple(requirements_text(required, protected_items(document.chatbot_id, proposal.ops, policy))),
    )


def _unplanned(document: Document, error: TargetError) -> Unplanned:
    return Unplanned(chatbot_id=document.chatbot_id, name=document.name, path=document.path, message=str(error))


def _findings(made: LocalPlan) -> tuple[Diagnostic, ...]:
    """Every error found, and each refusal that no finding speaks of."""
    found = tuple(diagnostic for diagnostic in made.diagnostics if diagnostic.severity is Severity.ERROR)
    spoken_of = {diagnostic.path for diagnostic in found}
    silent = (refusal for refusal in made.refusals if refusal.path not in spoken_of)
    return (*found, *(Diagnostic(Severity.ERROR, refusal.message, refusal.path) for refusal in silent))
