"""Requests what is due, computed from the database at every tick, so that a missed tick loses nothing."""

from datetime import datetime

from reconciler.domain.auto_apply_rules import SWITCH
from reconciler.domain.entities import SourceRecord, Trigger
from reconciler.engine.context import PROGRAM, Engine, SourceBinding
from reconciler.engine.decide.approvals import settle_approvals
from reconciler.engine.decide.expiry import expire_plans
from reconciler.engine.decide.suspension import end_expired_suspensions, remind_of_suspensions
from reconciler.engine.reconcile.auto_apply_policy import record_policy_switch
from reconciler.engine.reconcile.configured_sources import configure_sources
from reconciler.engine.reconcile.deadlines import LARGEST_JITTER
from reconciler.engine.reconcile.run_lifecycle import fail_interrupted, request_refresh
from reconciler.ports import Job, JobKind


async def tick(engine: Engine) -> None:
    """Ask for the runs that are due, end what ran out, and have what is unfinished looked at."""
    await end_expired_suspensions(engine)
    await remind_of_suspensions(engine)
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
            await request_refresh(engine, PROGRAM, binding.name, Trigger.SCHEDULE, full=False, drift=drift_due)
    if switch is not None and switch.since > now:
        async with engine.store.begin() as uow:
            await record_policy_switch(engine, uow)
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
        await record_policy_switch(engine, uow)
        await configure_sources(engine, uow)
    await fail_interrupted(engine)
    engine.dispatcher.submit(Job(JobKind.RECOVER))
    for name in engine.tenants:
        engine.dispatcher.submit(Job(JobKind.CHECK_TENANT, name))
        engine.dispatcher.submit(Job(JobKind.CHECK_WRITE_KEY, name))
    for name in engine.sources:
        await request_refresh(engine, PROGRAM, name, Trigger.STARTUP, full=False, drift=True)
