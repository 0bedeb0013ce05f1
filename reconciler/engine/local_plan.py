"""Dry-runs documents on disk for `reconciler plan`. Reads only; there is no baseline and no store."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.plan import Proposal, propose
from reconciler.domain.setting_values import MOST_CALLS_AT_ONCE
from reconciler.engine.concurrency import Progress, gather_bounded, no_progress
from reconciler.errors import NotFound, TargetError
from reconciler.ports import Target


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """What a dry run of one document gave.

    Attributes:
        document: The document.
        outcome: What it proposes; None when everything is noop; an error when it could not be asked.
    """

    document: Document
    outcome: Proposal | TargetError | None


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """What the dry runs of a folder's documents gave.

    Attributes:
        planned: The documents that were dry-run, in the snapshot's order.
        refusals: The documents that were not, and why.
        diagnostics: What was found in the files of all these.
    """

    planned: tuple[PlannedDocument, ...]
    refusals: tuple[Refusal, ...]
    diagnostics: tuple[Diagnostic, ...]


async def plan_locally(
    target: Target,
    snapshot: Snapshot,
    *,
    tenant: str,
    chatbots: Collection[str] = (),
    concurrency: int = MOST_CALLS_AT_ONCE,
    progress: Progress = no_progress,
) -> LocalPlan:
    """Dry-run the documents of a folder.

    Args:
        target: The tenant's side of WizChat.
        snapshot: What the folder says.
        tenant: The tenant's name, which is part of each fingerprint.
        chatbots: The chatbots to plan; all when empty.
        concurrency: How many dry runs may be open at a time; the tenant's own limit holds as well.
        progress: Called after each.

    Raises:
        NotFound: No document claims a chatbot that was asked for.
        TargetError: The first dry run already shows that every other would fail alike.
    """
    documents, refusals, diagnostics = _chosen(snapshot, chatbots)

    async def dry_run(document: Document) -> Proposal | None:
        ops = await target.dry_run(document.chatbot_id, document.body)
        return propose(tenant, document.chatbot_id, document.body, ops)

    outcomes = await gather_bounded(documents, dry_run, target=target, concurrency=concurrency, progress=progress)
    planned = tuple(PlannedDocument(*pair) for pair in zip(documents, outcomes, strict=True))
    return LocalPlan(planned, refusals, diagnostics)


def _chosen(
    snapshot: Snapshot, chatbots: Collection[str]
) -> tuple[tuple[Document, ...], tuple[Refusal, ...], tuple[Diagnostic, ...]]:
    if not chatbots:
        return snapshot.documents, snapshot.refusals, snapshot.diagnostics
    documents = tuple(document for document in snapshot.documents if document.chatbot_id in chatbots)
    refusals = tuple(refusal for refusal in snapshot.refusals if refusal.chatbot_id in chatbots)
    claims: tuple[Document | Refusal, ...] = (*documents, *refusals)
    all_claims: tuple[Document | Refusal, ...] = (*snapshot.documents, *snapshot.refusals)
    unclaimed = sorted(set(chatbots) - {claim.chatbot_id for claim in claims})
    if unclaimed:
        claimed_ids = [claim.chatbot_id for claim in all_claims if claim.chatbot_id is not None]
        close = get_close_matches(unclaimed[0], claimed_ids, n=1)
        near = f"; did you mean {close[0]}?" if close else ""
        raise NotFound(
            f"no document claims chatbot {unclaimed[0]}: check the id, or name the folder that holds it{near}"
        )
    paths = {claim.path for claim in claims}
    return documents, refusals, tuple(diagnostic for diagnostic in snapshot.diagnostics if diagnostic.path in paths)
