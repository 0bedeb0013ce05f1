"""A run: one pass over a source. Look at git, adopt what is new, dry-run what may differ, and say what was done.

Runs of a source never overlap: asked for during a run, the next one waits as Queued, and everything that asks
meanwhile shares it.
"""

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
from reconciler.engine.reconcile.run_lifecycle import _space_webhooks
from reconciler.engine.reconcile.run_lifecycle import _begin
from reconciler.engine.reconcile.run_lifecycle import RELOADING_TRIGGERS


log = logging.getLogger(__name__)


async def run_refresh(engine: Engine, source: str) -> Run | None:
    """Do the run that waits for a source; None when none does."""
    if source not in engine.sources:
        return None
    await _space_webhooks(engine, source)
    run = await retry_on_conflict(lambda: _begin(engine, source))
    if run is None:
        return None
    if run.full and run.trigger is not Trigger.STARTUP:  # the start has asked for it already
        engine.dispatcher.submit(Job(JobKind.CHECK_WRITE_KEY, engine.sources[source].tenant))
    findings = RunReport()
    try:
        await _run_steps(engine, engine.sources[source], run, findings)
    except asyncio.CancelledError:
        findings.fail(EXPLANATIONS[Reason.INTERRUPTED])
        raise
    except ReconcilerError as error:
        findings.fail(f"the run was interrupted: {error}")
        raise
    except Exception:
        findings.fail("the run was interrupted by an internal error; the log has it")
        raise
    finally:
        run = await _end(engine, run, findings)
        _log_run(run)
    await apply_selected(engine, findings.choice)
    return run


def _log_run(run: Run) -> None:
    level = logging.WARNING if run.status is RunStatus.FAILED or run.counts.errors else logging.INFO
    facts = {"run": run.id, "source": run.source, "trigger": run.trigger, "status": run.status, "cause": run.message}
    log.log(level, "run ended", extra={**facts, **asdict(run.counts)})


@dataclass(slots=True)
class RunReport:
    """What a run has to tell when it ends."""

    revision: str | None = None
    seen_revision: str | None = None
    documents: int = 0
    parsed: int = 0
    live: LiveComparison = field(default_factory=LiveComparison)
    diagnostics: Sequence[Diagnostic] = ()
    messages: list[str] = field(default_factory=list)
    failed: bool = False
    choice: AutoApplySelection = field(default_factory=AutoApplySelection)

    def fail(self, message: str) -> None:
        """The source could not be read, or the run not be done."""
        self.failed = True
        self.messages.append(message)

    @property
    def counts(self) -> Counts:
        """As the run shows them."""
        return Counts(
            documents=self.documents,
            parsed=self.parsed,
            dry_runs=self.live.swept.dry_runs,
            skipped=self.live.skipped,
            plans=self.live.swept.plans,
            errors=len(self.live.swept.failures) + (self.live.list_failure is not None),
            uncompared=len(self.live.swept.failures),
        )

    @property
    def uncompared(self) -> tuple[Uncompared, ...]:
        """The chatbots that could not be compared, as far as the run names them."""
        return named_uncompared(
            Uncompared(failure.document.chatbot_id, failure.document.path, fault_of(failure.error), str(failure.error))
            for failure in self.live.swept.failures
        )


async def _run_steps(engine: Engine, binding: SourceBinding, run: Run, findings: RunReport) -> None:
    record, before = await last_good_state(engine, binding.name)
    known = before
    told = await last_run_about(engine, binding.name, record.good_revision)
    findings.revision, findings.diagnostics = record.good_revision, carried_diagnostics(told)
    try:
        fetched = await fetch_revision(
            engine, binding, record, before, reload=run.trigger in RELOADING_TRIGGERS or not is_complete(told)
        )
        findings.seen_revision = fetched.revision
        # such as another source that claims one of the chatbots, too
        known = await retry_on_conflict(lambda: _promote(engine, binding, run, fetched, before, findings))
    except SourceUnreadable as error:
        findings.fail(f"{error.cause}: {error}")
        findings.seen_revision = error.revision
        unreadable = error
        lost = await retry_on_conflict(lambda: _distrust(engine, record, unreadable))
        findings.diagnostics = (*findings.diagnostics, *map(contest_finding, lost))
    findings.documents = len(known)
    # before a first good revision, what is known is of another repository, which the source named before
    if not findings.failed or (run.full and record.good_revision is not None):
        await _compare(engine, binding, run, known, findings)
    findings.choice = await select_plans(engine, binding.name)
    if findings.choice.brake is not None:
        findings.messages.append(f"nothing of it is applied without a person, because of {findings.choice.brake}")


async def _distrust(engine: Engine, record: SourceRecord, error: SourceUnreadable) -> Sequence[Contest]:
    """Write down why a source cannot be trusted, and return its claims that do not stand."""
    async with engine.store.begin() as uow:
        await mark_source_unknown(engine, uow, await uow.sources.get(record.name) or record, error)
        return await contested_claims(engine, uow, record.name)


async def _promote(
    engine: Engine,
    binding: SourceBinding,
    run: Run,
    fetched: FetchedRevision,
    known: Sequence[Claim],
    findings: RunReport,
) -> Sequence[Claim]:
    """Write down what a look found, and return the documents that now hold."""
    claims, found = known, findings.diagnostics
    if fetched.snapshot is not None:
        findings.parsed, found = fetched.snapshot.parsed, fetched.snapshot.diagnostics
        claims = claims_of(binding.name, binding.tenant, fetched.snapshot, known)
    async with engine.store.begin() as uow:
        uow.history.because(_cause(run))
        record = await uow.sources.get(binding.name)
        if record is None:
            raise NotFound(f"there is no source {binding.name!r}")
        if record.good_revision != fetched.judged_by:
            # somebody accepted a revision meanwhile, and this look was held against the one before
            findings.revision = record.good_revision
            findings.diagnostics = found if fetched.revision == record.good_revision else ()
            return await uow.documents.of_source(binding.name)
        if fetched.revision != record.good_revision or tuple(claims) != tuple(known):
            await promote_revision(engine, uow, record, fetched.revision, claims)
        elif record.state is SourceState.UNKNOWN:
            await mark_source_ready(engine, uow, record)
        lost = await claim_unowned(engine, uow, await ConditionInputs.read(uow), binding.name)
    findings.revision = fetched.revision
    findings.diagnostics = (*found, *map(contest_finding, lost))
    return claims


async def _compare(
    engine: Engine, binding: SourceBinding, run: Run, known: Sequence[Claim], findings: RunReport
) -> None:
    findings.live = await compare_live_side(engine, binding, run, known)
    if findings.live.failed:
        findings.failed = True
    findings.messages.extend(findings.live.messages)


def _cause(run: Run) -> str:
    return f"run/{run.id}"


async def _end(engine: Engine, run: Run, findings: RunReport) -> Run:
    return await retry_on_conflict(lambda: _finish(engine, engine.sources[run.source], run, findings))


async def _finish(engine: Engine, binding: SourceBinding, run: Run, findings: RunReport) -> Run:
    async with engine.store.begin() as uow:
        now = await uow.now()
        # first, as it may wait for others that keep contents: nobody then waits for the source meanwhile
        ended = await uow.runs.save(
            replace(
                run,
                status=RunStatus.FAILED if findings.failed else RunStatus.SUCCEEDED,
                revision=findings.revision,
                finished_at=now,
                counts=findings.counts,
                diagnostics=tuple(findings.diagnostics),
                uncompared=findings.uncompared,
                message=joined(findings.messages) or None,
                seen_revision=findings.seen_revision,
            )
        )
        record = await uow.sources.get(binding.name)
        if record is not None:
            await uow.sources.save(_schedule_next(engine, binding, record, now, run, findings.live))
        return ended


def _schedule_next(
    engine: Engine, binding: SourceBinding, record: SourceRecord, now: datetime, run: Run, live: LiveComparison
) -> SourceRecord:
    """When the scheduler looks again: the git interval from now, or the drift interval if that ends earlier."""
    # a moment that lies ahead was written down before the clock was set back
    drift_from = now if run.full or record.drift_checked_at is None else min(record.drift_checked_at, now)
    wait = max(min(now + binding.interval, drift_from + binding.drift_interval) - now, timedelta())
    return replace(
        record,
        git_checked_at=now,
        drift_checked_at=now if run.full else record.drift_checked_at,
        compared_at=now if run.full and live.swept.compared else record.compared_at,
        next_run_at=now + wait * (1 + engine.jitter()),
    )
