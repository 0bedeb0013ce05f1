"""x"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Claim, Counts, Role, Run, RunStatus, SourceRecord, SourceState, Trigger
from reconciler.domain.sentences import joined
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.domain.uncompared import Uncompared, named_uncompared
from reconciler.engine.audit.entries import audit_limited
from reconciler.engine.conditions import ConditionInputs
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import Actor, Engine, SourceBinding
from reconciler.engine.reconcile.auto_apply import AutoApplySelection, apply_selected, select_plans
from reconciler.engine.reconcile.carried_diagnostics import carried_diagnostics, is_complete, last_run_about
from reconciler.engine.reconcile.claims import Contest, claim_unowned, contest_finding, contested_claims
from reconciler.engine.reconcile.compare import LiveComparison, compare_live_side
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.reconcile.fetch import FetchedRevision, claims_of, fetch_revision, last_good_state
from reconciler.engine.reconcile.promote import mark_source_ready, mark_source_unknown, promote_revision
from reconciler.errors import NotFound, ReconcilerError, SourceUnreadable
from reconciler.ports import Job, JobKind, UnitOfWork


WEBHOOK_SPACING = 1.0
"""Seconds between the starts of two webhook runs of a source: a burst of pushes is one look."""

RELOADING_TRIGGERS: Final[Mapping[Trigger, int]] = {Trigger.STARTUP: 1, Trigger.MANUAL: 2}
"""Those that read the documents again, also of an unchanged revision; the heavier one names a run that is shared."""


async def request_refresh(engine: Engine, actor: Actor, source: str, trigger: Trigger, *, full: bool) -> Run:
    """Ask for a run of a source; it shares the one that waits already, if any.

    Args:
        engine: The ports.
        actor: Who asks; a person needs the role operator.
        source: The source's name.
        trigger: What asks.
        full: Dry-run every document, changed or not.

    Returns:
        The run that waits.

    Raises:
        NotFound: When there is no such source.
        Forbidden: When the actor may not.
    """
    engine.source(source)
    actor.require(Role.OPERATOR, source)
    # of two who ask at the same moment, the second one shares what the first one queued
    run = await retry_on_conflict(lambda: _queue(engine, actor, source, trigger, full=full))
    engine.dispatcher.submit(Job(JobKind.REFRESH, source))
    return run


async def _queue(engine: Engine, actor: Actor, source: str, trigger: Trigger, *, full: bool) -> Run:
    async with engine.store.begin() as uow:
        run = await uow.runs.queued(source)
        shared = run is not None
        if run is None:
            run = Run(
                id=engine.new_id("run"),
                source=source,
                trigger=trigger,
                full=full,
                status=RunStatus.QUEUED,
                created_at=await uow.now(),
            )
            await uow.runs.add(run)
        elif (full and not run.full) or RELOADING_TRIGGERS.get(trigger, 0) > RELOADING_TRIGGERS.get(run.trigger, 0):
            run = await uow.runs.save(replace(run, full=run.full or full, trigger=trigger))
        # what the clock starts leaves nothing; deliveries that share a run are one, and whoever saw one can repeat it
        if trigger is Trigger.MANUAL or (trigger is Trigger.WEBHOOK and not shared):
            detail = {"run": run.id, "trigger": trigger}
            await audit_limited(engine, uow, actor, "source.refresh", f"source/{source}", detail=detail)
    return run


async def _begin(engine: Engine, source: str) -> Run | None:
    async with engine.store.begin() as uow:
        run = await uow.runs.queued(source)
        record = await uow.sources.get(source)
        if run is None or record is None:
            return None
        now = await uow.now()
        # runs of a source never overlap, and for as long as one is under way nothing is applied automatically
        unended = [item for item in await uow.runs.running() if item.source == source]
        await _fail_all(uow, unended, "its end could not be written down; the log has it")
        full = run.full and not _is_satisfied(run, record, now)
        run = await uow.runs.save(replace(run, status=RunStatus.RUNNING, started_at=now, full=full))
        await uow.sources.save(replace(record, last_run_id=run.id))
        return run


def _is_satisfied(run: Run, record: SourceRecord, now: datetime) -> bool:
    """Whether a full run that the schedule asked for has nothing left to compare.

    What is due stays due while a run is under way, so the tick asks once more in every sweep that outlasts it. That
    sweep is the comparison that was due: another one right after it would use up the tenant's calls for nothing.
    """
    compared = record.drift_checked_at
    return run.trigger is Trigger.SCHEDULE and compared is not None and run.created_at < compared <= now


async def _space_webhooks(engine: Engine, source: str) -> None:
    async with engine.store.read() as uow:
        run = await uow.runs.queued(source)
        record = await uow.sources.get(source)
        last = await uow.runs.get(record.last_run_id) if record and record.last_run_id else None
        now = await uow.now()
    if run is None or run.trigger is not Trigger.WEBHOOK or last is None or last.started_at is None:
        return
    since = (now - last.started_at).total_seconds()
    if 0 <= since < WEBHOOK_SPACING:
        await engine.clock.sleep(WEBHOOK_SPACING - since)


async def fail_interrupted(engine: Engine) -> None:
    """Runs left Running by a process that is gone end Failed (rule 4 of the design)."""
    async with engine.store.begin() as uow:
        await _fail_all(uow, await uow.runs.running(), EXPLANATIONS[Reason.INTERRUPTED])


async def _fail_all(uow: UnitOfWork, runs: Sequence[Run], message: str) -> None:
    now = await uow.now()
    for run in runs:
        await uow.runs.save(replace(run, status=RunStatus.FAILED, finished_at=now, message=message))
