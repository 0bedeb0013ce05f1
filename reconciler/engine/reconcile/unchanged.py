"""What stands of a source at its good revision: a run that finds the same has nothing to write but itself."""

from dataclasses import dataclass
from typing import Self

from reconciler.domain.entities import Run, SourceRecord, SourceState
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.engine.context import Engine, SourceBinding
from reconciler.engine.reconcile.carried_diagnostics import last_run_about
from reconciler.engine.reconcile.fetch import FetchedRevision


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """What is known of a source at one moment.

    Attributes:
        generation: Of the store, before it was read.
        record: The source; None where it is gone.
        last_run: The newest run that tells of the good revision.
        tenant: Its tenant; None where nothing is known of it.
        documents: How many chatbots it states.
        is_settled: Whether every chatbot that it states follows it.
        is_compared: Whether none of its chatbots waits to be compared.
    """

    generation: str
    record: SourceRecord | None
    last_run: Run | None
    tenant: TenantRecord | None
    documents: int
    is_settled: bool
    is_compared: bool

    @classmethod
    async def read(cls, engine: Engine, binding: SourceBinding) -> Self:
        """Read it in one transaction."""
        name, generation = binding.name, engine.store.generation
        async with engine.store.read() as uow:
            record = await uow.sources.get(name)
            return cls(
                generation=generation,
                record=record,
                last_run=await last_run_about(uow, name, record.good_revision if record is not None else None),
                tenant=await uow.tenants.get(binding.tenant),
                documents=await uow.documents.count(name),
                is_settled=not await uow.documents.is_any_unsettled(name),
                is_compared=not await uow.comparisons.is_any_pending(name),
            )

    def holds_still(self, engine: Engine) -> bool:
        """Whether it is certain that nothing was committed since it was read."""
        return engine.store.sees_commits_at_once and engine.store.generation == self.generation

    def stands_at(self, fetched: FetchedRevision) -> bool:
        """Whether promoting a revision changes nothing: it is the good one, was not read again, and is undisputed."""
        record = self.record
        return (
            fetched.snapshot is None
            and record is not None
            and record.good_revision == fetched.revision
            and record.state is SourceState.READY
            and self.is_settled
        )

    @property
    def needs_no_call(self) -> bool:
        """Whether nothing has to be asked of WizChat, unless changes there are looked for."""
        return self.is_compared and self.tenant is not None and self.tenant.state is TenantState.READY
