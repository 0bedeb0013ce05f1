"""The preflight of an apply (guarantees 1 and 3): approvals, git and the live side, checked right before the intent."""

import asyncio
from dataclasses import dataclass, field, replace

from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.entities import Approval, Claim, Plan
from reconciler.domain.plan import Op, body_for, propose
from reconciler.domain.sentences import joined
from reconciler.domain.source_causes import explain_source
from reconciler.domain.status import Reason
from reconciler.engine.apply.request import require_applicable
from reconciler.engine.context import Engine, SourceBinding
from reconciler.engine.decide.approvals import are_enough, weigh_approvals
from reconciler.engine.reconcile.fetch import FetchedRevision, fetch_revision
from reconciler.errors import Conflict, SourceUnreadable
from reconciler.storage import UnitOfWork


class ApplyBlocked(Exception):
    """The apply ends Failed without a write; the plan stays Approved."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PlanOutdated(Exception):
    """The apply ends Stale without a write, and so does the plan."""


class ApprovalsLapsed(Exception):
    """Not enough approvals are valid; the plan goes back to Pending. The message says why each lapsed."""


async def check_permission(engine: Engine, uow: UnitOfWork, plan: Plan, apply_id: str) -> list[Approval]:
    """The approvals that the apply spends, when everything still permits it.

    Raises:
        NotNow: A suspension, a missing write key, an unknown source, or what is protected by now.
        NoLonger: The plan ran out.
        ApprovalsLapsed: Not enough approvals are valid.
    """
    if plan.expires_at <= await uow.now():
        raise PlanOutdated("the plan expired before it was applied")
    try:
        await require_applicable(engine, uow, plan)
    except Conflict as error:
        raise ApplyBlocked(_BLOCKED_BY[error.code], str(error)) from error
    weighed = await weigh_approvals(engine, uow, plan, apply_id)
    valid = [approval for approval, cause in weighed if cause is None]
    if not await are_enough(engine, plan, valid):
        raise ApprovalsLapsed(
            "; ".join(f"{approval.actor}: {cause}" for approval, cause in weighed if cause is not None)
        )
    return valid


_BLOCKED_BY = {
    "read_only": Reason.READ_ONLY,
    "write_key_refused": Reason.WRITE_KEY_REFUSED,
    "suspended": Reason.SUSPENDED,
    "source_unknown": Reason.SOURCE_UNKNOWN,
    "protected": Reason.PROTECTED,
}


FetchTask = asyncio.Task[FetchedRevision | None]


@dataclass(slots=True)
class SharedFetch:
    """One look at a source for all the applies of a batch.

    A look that began after the question answers it, so the applies that ask while one is under way share the next.
    """

    engine: Engine
    _under_way: dict[str, FetchTask] = field(default_factory=dict)
    _waiting: dict[str, FetchTask] = field(default_factory=dict)

    async def document(self, binding: SourceBinding, chatbot_id: str) -> Claim | None:
        """What a source states of a chatbot, as the remote has it now.

        Raises:
            SourceUnreadable: With the exact cause.
        """
        fetched = await self._shared_fetch(binding)
        snapshot = fetched.snapshot if fetched is not None else None
        if fetched is None or snapshot is None or not (snapshot.about is None or chatbot_id in snapshot.about):
            async with self.engine.store.read() as uow:
                return await uow.documents.get(binding.name, chatbot_id)
        claim = next((claim for claim in fetched.claims if claim.chatbot_id == chatbot_id), None)
        if claim is None or claim.body is not None or claim.digest is None:
            return claim
        async with self.engine.store.read() as uow:
            return replace(claim, body=await uow.documents.body(binding.name, claim.digest))

    async def _shared_fetch(self, binding: SourceBinding) -> FetchedRevision | None:
        task = self._waiting.get(binding.name)
        if task is None:
            task = asyncio.create_task(self._fetch_after(self._under_way.get(binding.name), binding))
            self._waiting[binding.name] = task
        return await asyncio.shield(task)

    async def _fetch_after(self, before: FetchTask | None, binding: SourceBinding) -> FetchedRevision | None:
        if before is not None:
            await asyncio.wait([before])
        this = self._waiting.pop(binding.name)
        self._under_way[binding.name] = this
        try:
            return await self._fetch(binding)
        finally:
            if self._under_way.get(binding.name) is this:
                del self._under_way[binding.name]

    async def _fetch(self, binding: SourceBinding) -> FetchedRevision | None:
        async with self.engine.store.read() as uow:
            record = await uow.sources.get(binding.name)
        # what it finds out about files is not kept, because it is not promoted
        return await fetch_revision(self.engine, binding, record, keeps=False) if record is not None else None


async def check_document(engine: Engine, shared: SharedFetch, plan: Plan) -> None:
    """See that git still says what the plan was made of, in the sections that it writes.

    Raises:
        NotNow: Git cannot be read, or is not trusted.
        NoLonger: The document says something else, is gone or refused, or the chatbot belongs to another source.
    """
    try:
        document = await shared.document(engine.source(plan.source), plan.chatbot_id)
    except SourceUnreadable as error:
        explanation = joined([f"{error.cause}: {explain_source(error.cause)}", str(error)])
        raise ApplyBlocked(Reason.SOURCE_UNKNOWN, explanation) from error
    if document is None or document.body is None:
        message = document.refusal_message if document else None
        raise PlanOutdated(message or "the document is gone from git")
    async with engine.store.read() as uow:
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    if chatbot is None or chatbot.source != plan.source:
        raise PlanOutdated("the chatbot belongs to another source by now")
    if plan.prune and not document.body.get("prune", True):
        raise PlanOutdated("the document no longer lets anything be deleted: it says prune: false")
    if not await engine.compute(lambda: _is_stated(plan, document), plan.body, plan.ops, document.body):
        raise PlanOutdated("the document says something else by now")


def _is_stated(plan: Plan, document: Claim) -> bool:
    """Whether a document says what a plan's body does."""
    return canonical_bytes(body_for(document.body or {}, plan.bare_ops)) == canonical_bytes(plan.body)


async def check_ops(engine: Engine, plan: Plan, ops: tuple[Op, ...]) -> None:
    """See that a dry run of the very body to be sent does exactly the approved ops.

    Raises:
        NoLonger: It does something else.
    """
    proposal = await engine.compute(lambda: propose(plan.tenant, plan.chatbot_id, plan.body, ops), plan.body, ops)
    if proposal is None:
        raise PlanOutdated("the difference is gone by itself")
    if proposal.fingerprint != plan.fingerprint:
        raise PlanOutdated("a dry run of the approved body would now do something else")


async def spend_approvals(uow: UnitOfWork, approvals: list[Approval], apply_id: str) -> None:
    """Spend approvals on an apply: none of them is valid for another."""
    now = await uow.now()
    for approval in approvals:
        await uow.approvals.save(replace(approval, spent_at=now, spent_by=apply_id))
