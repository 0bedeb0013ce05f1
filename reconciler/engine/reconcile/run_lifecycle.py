"""Requests, begins and ends runs.

Runs of a source never overlap: asked for during a run, the next one waits as Queued, and everything that asks
meanwhile shares it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.domain.access import Role
from reconciler.domain.entities import Run, RunStatus, SourceRecord, Trigger
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.audit.entries import audit_limited
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import Actor, Engine, SourceBinding
from reconciler.ports import Job, JobKind
from reconciler.storage import UnitOfWork

WEBHOOK_SPACING: Final = timedelta(seconds=1)
"""Between the starts of two webhook runs of a source: a burst of pushes is fetched once."""

RELOADING_TRIGGERS: Final[Mapping[Trigger, int]] = {Trigger.STARTUP: 1, Trigger.MANUAL: 2}
"""Those that read the documents again, also of an unchanged revision; the heavier one names a run that is shared."""


async def request_refresh(
    engine: Engine, actor: Actor, source: str, trigger: Trigger, *, full: bool, drift: bool = False
) -> Run:
    """Ask for a run of a source; it shares the one that waits already, if any.

    Args:
        engine: The ports.
        actor: Who asks; a person needs the role operator.
        source: The source's name.
        trigger: What asks.
        full: Dry-run every document, changed or not.
        drift: Read WizChat's list, and dry-run what may have changed there.

    Returns:
        The run that waits.

    Raises:
        NotFound: When there is no such source.
        Forbidden: When the actor may not.
    """
    engine.source(source)
    actor.require(Role.OPERATOR, source)
    # of two who ask at the same moment, the second one shares what the first one queued
    run = await retry_on_conflict(lambda: _queue(engine, actor, source, trigger, full=full, drift=drift))
    engine.dispatcher.submit(Job(JobKind.REFRESH, source))
    return run


async def _queue(engine: Engine, actor: Actor, source: str, trigger: Trigger, *, full: bool, drift: bool) -> Run:
    async with engine.store.begin() as uow:
        run = await uow.runs.queued(source)
        shared = run is not None
        if run is None:
            run = Run(
                id=engine.new_id("run"),
                source=source,
                trigger=trigger,
                full=full,
                drift=drift,
                status=RunStatus.QUEUED,
                created_at=await uow.now(),
            )
            await uow.runs.add(run)
        elif _asks_for_more(run, trigger, full=full, drift=drift):
            run = await uow.runs.save(
                replace(run, full=run.full or full, drift=run.drift or drift, trigger=_heavier(run.trigger, trigger))
            )
        # what the clock starts leaves nothing; deliveries that share a run are one, and whoever saw one can repeat it
        if trigger is Trigger.MANUAL or (trigger is Trigger.WEBHOOK and not shared):
            detail = {"run": run.id, "trigger": trigger}
            await audit_limited(engine, uow, actor, "source.refresh", f"source/{source}", detail=detail)
    return run


def _asks_for_more(run: Run, trigger: Trigger, *, full: bool, drift: bool) -> bool:
    """Whether somebody wants more than the run that waits does."""
    more = (full and not run.full) or (drift and not run.looks_at_live)
    return more or RELOADING_TRIGGERS.get(trigger, 0) > RELOADING_TRIGGERS.get(run.trigger, 0)


def _heavier(waiting: Trigger, new: Trigger) -> Trigger:
    return new if RELOADING_TRIGGERS.get(new, 0) >= RELOADING_TRIGGERS.get(waiting, 0) else waiting


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run that began.

    Attributes:
        run: The run.
        source: Its source as it was then.
    """

    run: Run
    source: SourceRecord


async def begin_run(engine: Engine, source: str) -> BegunRun | None:
    """Begin the run that waits for a source; None when none does."""
    while isinstance(begun := await retry_on_conflict(lambda: _begin(engine, source)), timedelta):
        await engine.clock.sleep(begun.total_seconds())
    return begun


async def _begin(engine: Engine, source: str) -> BegunRun | timedelta | None:
    """Begin the run, or return how long it has to wait."""
    async with engine.store.begin() as uow:
        runs = await uow.runs.unended(source)
        run = next((one for one in runs if one.status is RunStatus.QUEUED), None)
        record = await uow.sources.get(source)
        if run is None or record is None:
            return None
        now = await uow.now()
        if wait := await _wait_of_webhook(uow, run, record, now):
            return wait
        # runs of a source never overlap, and for as long as one is under way nothing is applied automatically
        unended = [one for one in runs if one is not run]
        await _fail_all(uow, unended, "its end could not be written down; the log has it")
        if _is_satisfied(run, record, now):
            run = replace(run, full=False, drift=False)
        run = await uow.runs.save(replace(run, status=RunStatus.RUNNING, started_at=now))
        return BegunRun(run, await uow.sources.save(replace(record, last_run_id=run.id)))


async def _wait_of_webhook(uow: UnitOfWork, run: Run, record: SourceRecord, now: datetime) -> timedelta | None:
    """How long a run that a webhook asked for has to wait; None for every other one."""
    last = await uow.runs.get(record.last_run_id) if run.trigger is Trigger.WEBHOOK and record.last_run_id else None
    if last is None or last.started_at is None or not timedelta() <= now - last.started_at < WEBHOOK_SPACING:
        return None
    return WEBHOOK_SPACING - (now - last.started_at)


def _is_satisfied(run: Run, record: SourceRecord, now: datetime) -> bool:
    """Whether a run for drift that the schedule asked for has nothing left to compare.

    What is due stays due while a run is under way, so the tick asks once more in every scan that outlasts it. That
    scan is the comparison that was due: another one right after it would use up the tenant's calls for nothing.
    """
    compared = record.drift_checked_at
    return run.trigger is Trigger.SCHEDULE and compared is not None and run.created_at < compared <= now


async def end_run(engine: Engine, run: Run, *, compared: bool) -> Run:
    """Write down that a run ended, and when its source is due next.

    Args:
        engine: The ports.
        run: The run with everything that it has to say, yet without the moment of its end.
        compared: Whether any chatbot was compared with the live side.

    Returns:
        The run as it is kept.
    """
    return await retry_on_conflict(lambda: _end(engine, engine.sources[run.source], run, compared=compared))


async def _end(engine: Engine, binding: SourceBinding, run: Run, *, compared: bool) -> Run:
    async with engine.store.begin() as uow:
        now = await uow.now()
        # first, as it may wait for others that keep contents: nobody then waits for the source meanwhile
        ended = await uow.runs.save(replace(run, finished_at=now))
        record = await uow.sources.get(run.source)
        if record is not None:
            await uow.sources.save(_schedule_next(engine, binding, record, now, run, compared=compared))
        return ended


def _schedule_next(
    engine: Engine, binding: SourceBinding, record: SourceRecord, now: datetime, run: Run, *, compared: bool
) -> SourceRecord:
    """When the next run is due: the git interval from now, or the drift interval if that ends earlier."""
    # a moment that lies ahead was written down before the clock was set back
    drift_from = now if run.looks_at_live or record.drift_checked_at is None else min(record.drift_checked_at, now)
    wait = max(min(now + binding.interval, drift_from + binding.drift_interval) - now, timedelta())
    return replace(
        record,
        git_checked_at=now,
        drift_checked_at=now if run.looks_at_live else record.drift_checked_at,
        compared_at=now if run.looks_at_live and compared else record.compared_at,
        next_run_at=now + wait * (1 + engine.jitter()),
    )


async def fail_interrupted(engine: Engine) -> None:
    """Runs left Running by a process that is gone end Failed (guarantee 4)."""
    async with engine.store.begin() as uow:
        await _fail_all(uow, await uow.runs.running(), EXPLANATIONS[Reason.INTERRUPTED])


async def _fail_all(uow: UnitOfWork, runs: Sequence[Run], message: str) -> None:
    now = await uow.now()
    for run in runs:
        await uow.runs.save(replace(run, status=RunStatus.FAILED, finished_at=now, message=message))
