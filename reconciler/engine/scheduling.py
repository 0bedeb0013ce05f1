"""What is due: computed from the database at every tick, so that a missed tick loses nothing."""

from dataclasses import replace
from datetime import datetime

from reconciler.domain.automatic import SWITCH
from reconciler.domain.records import SourceRecord, Trigger
from reconciler.engine.adopting import distrust
from reconciler.engine.approvals import settle_approvals
from reconciler.engine.auditing import audit
from reconciler.engine.claims import release, take_free
from reconciler.engine.context import PROGRAM, Engine, SourceBinding
from reconciler.engine.deadlines import LARGEST_JITTER
from reconciler.engine.recovering import expire_plans
from reconciler.engine.refresh import fail_interrupted, request_refresh
from reconciler.engine.remembering import set_switch
from reconciler.engine.standings import Surroundings
from reconciler.engine.suspending import end_expired, remind
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.ports import Job, JobKind, UnitOfWork


async def tick(engine: Engine) -> None:
    """Ask for the runs that are due, end what ran out, and have what is unfinished looked at."""
    await end_expired(engine)
    await remind(engine)
    await expire_plans(engine)
    await settle_approvals(engine)
    async with engine.store.read() as uow:
        now = await uow.now()
        records = {record.name: record for record in await uow.sources.all()}
        switch = await uow.switches.get(SWITCH)
    for binding in engine.sources.values():
        record = records.get(binding.name)
        if record is None or record.next_run_at is None:
            continue
        # both at every tick: a moment that is met late is waited for by a clock that may have been set
        drift_due = _is_drift_due(engine, binding, record, now)
        if _is_run_due(engine, binding, record.next_run_at, now):
            await request_refresh(engine, PROGRAM, binding.name, Trigger.SCHEDULE, full=drift_due)
    if switch is not None and switch.since > now:
        async with engine.store.begin() as uow:
            await set_switch(engine, uow)
    engine.dispatcher.submit(Job(JobKind.RECOVER))


def _is_run_due(engine: Engine, binding: SourceBinding, moment: datetime, now: datetime) -> bool:
    longest = binding.interval * (1 + LARGEST_JITTER)
    return engine.deadlines.has_come(("run", binding.name), moment, longest, engine.clock, now)


def _is_drift_due(engine: Engine, binding: SourceBinding, record: SourceRecord, now: datetime) -> bool:
    if record.drift_checked_at is None:
        return True
    moment, what = record.drift_checked_at + binding.drift_interval, ("drift check", binding.name)
    return engine.deadlines.has_come(what, moment, binding.drift_interval, engine.clock, now)


async def start_up(engine: Engine, *, only_process: bool) -> None:
    """Bring the database in step with the configuration, and begin with a run of every source.

    Args:
        engine: The ports.
        only_process: Whether no other process works on this database: then every old lease is void.
    """
    async with engine.store.begin() as uow:
        if only_process:
            await uow.leases.void_all()
        await set_switch(engine, uow)
        known = {record.name: record for record in await uow.sources.all()}
        for binding in engine.sources.values():
            record = known.get(binding.name)
            if record is None:
                await uow.sources.add(await _new_record(uow, binding))
                await _audit_configured(uow, binding, None)
            elif (record.url, record.branch, record.tenant) != (binding.url, binding.branch, binding.tenant):
                await _begin_anew(engine, uow, binding, record)
        for record in known.values():
            if record.name not in engine.sources:
                await distrust(engine, uow, record, _not_configured(record))
        given = await Surroundings.read(uow)
        for name in engine.sources:
            # what is no longer configured lets go: of several claims, that of the source named first stands
            await take_free(engine, uow, given, name)
    await fail_interrupted(engine)
    engine.dispatcher.submit(Job(JobKind.RECOVER))
    for name in engine.tenants:
        engine.dispatcher.submit(Job(JobKind.CHECK_TENANT, name))
    for name in engine.sources:
        await request_refresh(engine, PROGRAM, name, Trigger.STARTUP, full=True)


async def _begin_anew(engine: Engine, uow: UnitOfWork, binding: SourceBinding, record: SourceRecord) -> None:
    """A source that names another repository, branch or tenant agrees with nothing yet.

    Its chatbots are not applied automatically until they were in sync once more; those of another tenant it lets go.
    """
    await uow.sources.save(replace(await _new_record(uow, binding), version=record.version))
    await _audit_configured(uow, binding, record)
    if record.tenant != binding.tenant:
        left = await uow.documents.of_source(binding.name)
        await uow.documents.replace(binding.name, ())
        await release(engine, uow, await Surroundings.read(uow), binding.name, left)
    for chatbot in await uow.chatbots.of_source(binding.name):
        if chatbot.synced_at is not None:
            await uow.chatbots.save(replace(chatbot, synced_at=None, synced_revision=None))


async def _audit_configured(uow: UnitOfWork, binding: SourceBinding, before: SourceRecord | None) -> None:
    """A source that names another repository decides about chatbots as much as a person does."""
    detail = {
        "url": binding.url,
        "branch": binding.branch,
        "tenant": binding.tenant,
        "before": {"url": before.url, "branch": before.branch, "tenant": before.tenant} if before else None,
    }
    await audit(uow, PROGRAM, "source.configure", f"source/{binding.name}", detail=detail)


async def _new_record(uow: UnitOfWork, binding: SourceBinding) -> SourceRecord:
    return SourceRecord(
        name=binding.name,
        tenant=binding.tenant,
        url=binding.url,
        branch=binding.branch,
        configured_at=await uow.now(),
    )


def _not_configured(record: SourceRecord) -> SourceUnreadable:
    return SourceUnreadable(
        SourceCause.NOT_CONFIGURED, f"the source {record.name} is no longer configured: add it to [[sources]] again"
    )
