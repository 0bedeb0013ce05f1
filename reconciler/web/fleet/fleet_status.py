"""Builds the fleet's overview for `/status`, `/metrics` and the fleet page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.entities import Run, SourceRecord
from reconciler.domain.listing import FleetCounts
from reconciler.domain.pass_forecast import PassForecast
from reconciler.domain.suspensions import Suspension, shown_source, suspended_sources
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKey
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.full_pass import forecast_of_documents
from reconciler.ports import Budget
from reconciler.web.auth.visibility import visible_among, visible_suspensions
from reconciler.web.fleet.fleet_records import FleetReads, read_fleet


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """The fleet at a glance.

    Attributes:
        counts: Chatbots and open plans, counted.
        sources: The sources, each with the state that people are shown.
        runs: Source → its last run.
        budgets: Tenant → what is left of its call budget, by the calls for sources that may be seen.
        full_passes: Tenant → what comparing every document of the sources that may be seen would take.
        suspensions: What is stopped now, newest first.
        suspended_sources: Source → the widest suspension that stops the applies of all of it.
        tenants: The configured tenants by name, also those that were not asked anything yet. Those with a write key
            say what is known of it.
        checks: Source → how its chatbots were last compared, of those that were.
        warnings: Which sources of a tenant may claim each other's chatbots.
        finding_runs: Source → the run with the findings of its last good revision.
        documents: Source → how many documents a full pass compares.
    """

    counts: FleetCounts
    sources: Sequence[SourceRecord]
    runs: Mapping[str, Run]
    budgets: Mapping[str, Budget]
    full_passes: Mapping[str, PassForecast] = field(default_factory=dict)
    suspensions: Sequence[Suspension] = ()
    suspended_sources: Mapping[str, Suspension] = field(default_factory=dict)
    tenants: Sequence[TenantRecord] = ()
    checks: Mapping[str, CheckCounts] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    finding_runs: Mapping[str, Run] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)


async def fleet_status(
    engine: Engine, visible: Collection[str] | None = None, *, reads: FleetReads | None = None
) -> FleetStatus:
    """The overview.

    Args:
        engine: Whose.
        visible: Only these sources and what belongs to them; None means all.
        reads: Where what is in the database is kept between requests; None has it read.
    """
    read = await (reads.get(visible) if reads else read_fleet(engine, visible))
    now = engine.clock.now()
    suspensions = [suspension for suspension in read.records.suspensions if suspension.is_active(now)]
    records = visible_among(engine, read.records.sources, visible)
    stopped = suspended_sources(records, suspensions)
    sources = [shown_source(record, stopped.get(record.name)) for record in records]
    shown = {source.name for source in sources}
    tenant_records = {record.name: record for record in read.records.tenants}
    tenants = set(engine.tenants) if visible is None else {source.tenant for source in sources} & set(engine.tenants)
    budgets = {name: visible_budget(engine, visible, name) for name in sorted(tenants)}
    return FleetStatus(
        counts=read.records.counts,
        sources=sources,
        runs={run.source: run for run in read.records.runs.values() if run.source in shown},
        budgets=budgets,
        full_passes={
            name: forecast_of_documents(
                budget, [read.documents.get(source, 0) for source in _sources_of(engine, sources, name)]
            )
            for name, budget in budgets.items()
        },
        suspensions=await visible_suspensions(engine, visible, suspensions),
        suspended_sources=stopped,
        tenants=[
            await shown_tenant(engine, visible, tenant_records.get(name) or TenantRecord(name=name))
            for name in sorted(tenants)
        ],
        checks=read.checks,
        warnings=engine.open_claims(visible),
        finding_runs=read.finding_runs,
        documents=read.documents,
    )


async def newest_runs(engine: Engine, records: Sequence[SourceRecord]) -> Mapping[str, Run]:
    """Source → its newest run, of those that had one."""
    runs = await engine.store.queries.runs_with([record.last_run_id for record in records if record.last_run_id])
    return {run.source: run for run in runs.values()}


def _sources_of(engine: Engine, sources: Sequence[SourceRecord], tenant: str) -> list[str]:
    """The names of a tenant's sources that the settings still name."""
    return [source.name for source in sources if source.tenant == tenant and source.name in engine.sources]


def visible_budget(engine: Engine, visible: Collection[str] | None, tenant: str) -> Budget:
    """What a tenant's calls were used for, without the calls for sources that the person may not see."""
    budget = engine.tenants[tenant].target.budget()
    others = {source.name for source in engine.sources.values() if source.tenant == tenant} - set(visible or ())
    return budget if visible is None or not others else budget.of_sources(visible)


async def shown_tenant(engine: Engine, visible: Collection[str] | None, record: TenantRecord) -> TenantRecord:
    """A tenant with what is known of its write key, if it has one, without chatbots that the person may not see."""
    if engine.tenants[record.name].read_only:
        return replace(record, write_key=None)
    key = record.write_key or WriteKey()
    chatbot_ids = [right.chatbot_id for right in key.missing if right.chatbot_id is not None]
    if visible is None or not chatbot_ids:
        return replace(record, write_key=key)
    chatbots = await engine.store.queries.chatbots_with(chatbot_ids)
    visible_ids = {None, *(item.id for item in chatbots if item.tenant == record.name and item.source in visible)}
    return replace(
        record, write_key=replace(key, missing=tuple(right for right in key.missing if right.chatbot_id in visible_ids))
    )
