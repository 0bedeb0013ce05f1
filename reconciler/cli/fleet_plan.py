"""From what the dry runs gave to what is shown of it."""

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import NO_BASELINE, direct
from reconciler.domain.document import Document
from reconciler.domain.plan import Proposal
from reconciler.engine.local_plan import LocalPlan
from reconciler.errors import ChatbotNotFound, TargetError
from reconciler.render.model import FleetPlan, PlanView, Unplanned


def fleet_plan(made: LocalPlan, tenant: str) -> FleetPlan:
    """Sort the outcomes of dry runs into what is shown.

    Args:
        made: The outcomes.
        tenant: The tenant's name.
    """
    proposed = [(one.document, one.outcome) for one in made.planned if isinstance(one.outcome, Proposal)]
    failed = [(one.document, one.outcome) for one in made.planned if isinstance(one.outcome, TargetError)]
    return FleetPlan(
        plans=tuple(_view(document, proposal, tenant) for document, proposal in proposed),
        in_sync=sum(one.outcome is None for one in made.planned),
        missing=tuple(_unplanned(*pair) for pair in failed if isinstance(pair[1], ChatbotNotFound)),
        errors=tuple(_unplanned(*pair) for pair in failed if not isinstance(pair[1], ChatbotNotFound)),
        refused=_findings(made),
        refused_documents=len(made.refusals),
    )


def _view(document: Document, proposal: Proposal, tenant: str) -> PlanView:
    return PlanView(
        chatbot_id=document.chatbot_id,
        name=document.name,
        tenant=tenant,
        path=document.path,
        ops=tuple(direct(op, NO_BASELINE) for op in proposal.ops),
        noops=proposal.noops,
        prune=proposal.prune,
        fingerprint=proposal.fingerprint,
    )


def _unplanned(document: Document, error: TargetError) -> Unplanned:
    return Unplanned(chatbot_id=document.chatbot_id, name=document.name, path=document.path, message=str(error))


def _findings(made: LocalPlan) -> tuple[Diagnostic, ...]:
    """Every error found, and each refusal that no finding speaks of."""
    found = tuple(one for one in made.diagnostics if one.severity is Severity.ERROR)
    spoken_of = {one.path for one in found}
    silent = (refusal for refusal in made.refusals if refusal.path not in spoken_of)
    return (*found, *(Diagnostic(Severity.ERROR, refusal.message, refusal.path) for refusal in silent))
