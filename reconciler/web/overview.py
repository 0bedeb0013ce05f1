"""What `/status`, `/metrics` and the page show of the whole fleet, read once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.domain.records import Run, ScopeKind, SourceRecord, Suspension
from reconciler.domain.suspensions import shown_source, suspended_sources
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKey
from reconciler.engine.context import Engine
from reconciler.ports import Budget, FleetCounts


@dataclass(frozen=True, slots=True)
class Overview:
    """The fleet at a glance.

    Attributes:
        counts: Chatbots and open plans, counted.
        sources: The sources, each with the state that people are shown.
        runs: Source → its last run.
        budgets: Tenant → what is left of its call budget, by the calls for sources that may be seen.
        suspensions: What is stopped now, newest first.
        suspended_sources: Source → the widest suspension that stops the applies of all of it.
        tenants: The configured tenants by name, also those that were not asked anything yet. Those with a write key
            say what is known of it.
        warnings: Which sources of a tenant may claim each other's chatbots.
    """

    counts: FleetCounts
    sources: Sequence[SourceRecord]
    runs: Mapping[str, Run]
    budgets: Mapping[str, Budget]
    suspensions: Sequence[Suspension] = ()
    suspended_sources: Mapping[str, Suspension] = field(default_factory=dict)
    tenants: Sequence[TenantRecord] = ()
    warnings: Sequence[str] = ()


async def overview(engine: Engine, visible: Collection[str] | None = None) -> Overview:
    """Read the overview.

    Args:
        engine: Whose.
        visible: Only these sources and what belongs to them; None means all.
    """
    suspensions = await _standing(engine)
    records = await _sources(engine, visible)
    stopped = suspended_sources(records, suspensions)
    sources = [shown_source(each, stopped.get(each.name)) for each in records]
    runs = await newest_runs(engine, sources)
    known = {record.name: record for record in await engine.store.queries.tenants()}
    tenants = set(engine.tenants) if visible is None else {source.tenant for source in sources} & set(engine.tenants)
    return Overview(
        counts=await engine.store.queries.counts(visible),
        sources=sources,
        runs=runs,
        budgets={name: _budget(engine, visible, name) for name in sorted(tenants)},
        suspensions=await _among(engine, visible, suspensions),
        suspended_sources=stopped,
        tenants=[
            await _with_write_key(engine, visible, known.get(name) or TenantRecord(name=name))
            for name in sorted(tenants)
        ],
        warnings=engine.open_claims(visible),
    )


async def newest_runs(engine: Engine, records: Sequence[SourceRecord]) -> Mapping[str, Run]:
    """Source → its newest run, of those that had one."""
    found = await engine.store.queries.runs_with([each.last_run_id for each in records if each.last_run_id])
    return {run.source: run for run in found.values()}


def _budget(engine: Engine, visible: Collection[str] | None, tenant: str) -> Budget:
    """What a tenant's calls were used for, without the calls for sources that the person may not see."""
    budget = engine.tenants[tenant].target.budget()
    others = {source.name for source in engine.sources.values() if source.tenant == tenant} - set(visible or ())
    return budget if visible is None or not others else budget.of_sources(visible)


async def _with_write_key(engine: Engine, visible: Collection[str] | None, record: TenantRecord) -> TenantRecord:
    """A tenant with what is known of its write key, if it has one, without chatbots that the person may not see."""
    if engine.tenants[record.name].read_only:
        return replace(record, write_key=None)
    key = record.write_key or WriteKey()
    named = [right.chatbot_id for right in key.missing if right.chatbot_id is not None]
    if visible is None or not named:
        return replace(record, write_key=key)
    known = await engine.store.queries.chatbots_with(named)
    seen = {None, *(each.id for each in known if each.tenant == record.name and each.source in visible)}
    return replace(
        record, write_key=replace(key, missing=tuple(right for right in key.missing if right.chatbot_id in seen))
    )


async def standing_suspensions(engine: Engine, visible: Collection[str] | None = None) -> Sequence[Suspension]:
    """What is stopped now, newest first; of limited visibility, what stops anything of these sources."""
    return await _among(engine, visible, await _standing(engine))


async def _standing(engine: Engine) -> Sequence[Suspension]:
    now = engine.clock.now()
    return [each for each in await engine.store.queries.suspensions() if each.stands(now)]


async def _among(
    engine: Engine, visible: Collection[str] | None, standing: Sequence[Suspension]
) -> Sequence[Suspension]:
    if visible is None:
        return standing
    named = [each.subject for each in standing if each.kind is ScopeKind.CHATBOT]
    known = await engine.store.queries.chatbots_with(named) if named else ()
    subjects = {
        ScopeKind.ALL: {each.subject for each in standing},
        ScopeKind.SOURCE: set(visible),
        ScopeKind.TENANT: {each.tenant for each in engine.sources.values() if each.name in visible},
        ScopeKind.CHATBOT: {chatbot.id for chatbot in known if chatbot.source in visible},
    }
    return [each for each in standing if each.subject in subjects[each.kind]]


async def all_sources(
    engine: Engine, visible: Collection[str] | None = None
) -> Sequence[tuple[SourceRecord, Suspension | None]]:
    """Every source by name as people are shown it, and what stops the applies of all of it.

    Those are included that are configured but were not looked at yet.
    """
    records = await _sources(engine, visible)
    stopped = suspended_sources(records, await _standing(engine))
    return [(shown_source(each, stop), stop) for each in records for stop in (stopped.get(each.name),)]


async def _sources(engine: Engine, visible: Collection[str] | None) -> Sequence[SourceRecord]:
    records = {record.name: record for record in await engine.store.queries.sources()}
    unseen = (binding for name, binding in engine.sources.items() if name not in records)
    records |= {
        each.name: SourceRecord(name=each.name, tenant=each.tenant, url=each.url, branch=each.branch) for each in unseen
    }
    return [record for name, record in sorted(records.items()) if visible is None or name in visible]
