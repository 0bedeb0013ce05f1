"""A run: one pass over a source, step by step.

Fetch the revision that the remote names, promote it, compare the live side, and select what the policy applies. Each
step gives a frozen result; what the run says in the end is derived from those that there are.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Counts, Run, RunStatus, SourceRecord, Trigger
from reconciler.domain.sentences import joined
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.domain.uncompared import Uncompared, named_uncompared
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import Engine, SourceBinding
from reconciler.engine.reconcile.auto_apply import AutoApplySelection, apply_selected, select_plans, selects_nothing
from reconciler.engine.reconcile.carried_diagnostics import carried_diagnostics, is_complete
from reconciler.engine.reconcile.claims import Contest, contest_finding
from reconciler.engine.reconcile.compare import LiveComparison, compare_live_side
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.reconcile.fetch import FetchedRevision, fetch_revision
from reconciler.engine.reconcile.promote import Promotion, distrust, promote_fetched
from reconciler.engine.reconcile.run_lifecycle import RELOADING_TRIGGERS, BegunRun, begin_run, end_run
from reconciler.engine.reconcile.unchanged import SourceStanding
from reconciler.errors import ReconcilerError, SourceUnreadable
from reconciler.ports import Job, JobKind
from reconciler.task_groups import task_group

log = logging.getLogger(__name__)


async def run_refresh(engine: Engine, source: str) -> Run | None:
    """Do the run that waits for a source; None when none does."""
    begun = await begin_run(engine, source) if source in engine.sources else None
    if begun is None:
        return None
    run = begun.run
    report = RunReport()
    try:
        async with aclosing(_steps(engine, engine.sources[source], begun)) as reports:
            async for step in reports:
                report = step
    except asyncio.CancelledError:
        report = replace(report, interruption=EXPLANATIONS[Reason.INTERRUPTED])
        raise
    except ReconcilerError as error:
        report = replace(report, interruption=f"the run was interrupted: {error}")
        raise
    except Exception:
        report = replace(report, interruption="the run was interrupted by an internal error; the log has it")
        raise
    finally:
        run = await end_run(engine, report.fill(run), compared=report.has_compared)
        _log_run(run)
    await apply_selected(engine, report.selection)
    return run


def _is_write_key_due(run: Run, source: SourceRecord) -> bool:
    """Whether a run has the write key checked as well, which costs a call: a person's does, and one in every hour."""
    if run.full or not run.drift or run.trigger is Trigger.STARTUP:  # the start has asked for it already
        return run.full
    before, now = source.drift_checked_at, run.started_at
    return before is None or now is None or _hour(before) != _hour(now)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


async def _steps(engine: Engine, binding: SourceBinding, begun: BegunRun) -> AsyncGenerator["RunReport", None]:
    """Take the steps of a run, and give what it has to say after each."""
    run, source = begun.run, begun.source
    if _is_write_key_due(run, source):
        engine.dispatcher.submit(Job(JobKind.CHECK_WRITE_KEY, binding.tenant))
    report = RunReport(good=source)
    yield report
    async with task_group() as group:
        head = group.create_task(_named(binding, run))  # takes longest
        before = await SourceStanding.read(engine, binding)
    report = replace(report, carried=carried_diagnostics(before.last_run))
    yield report
    try:
        reload = run.trigger in RELOADING_TRIGGERS or not is_complete(before.last_run)
        fetched = await fetch_revision(engine, binding, source, named=_known(head.result()), reload=reload)
        report = replace(report, fetched=fetched)
        yield report
        report = await _promoted(engine, binding, run, report, before)
    except SourceUnreadable as error:
        unreadable = error
        contests = await retry_on_conflict(lambda: distrust(engine, source, unreadable))
        documents = await _count_documents(engine, binding.name)
        report = replace(report, unreadable=unreadable, contests=contests, documents=documents)
    yield report
    standing = report.standing
    if standing is not None and standing.needs_no_call and not run.looks_at_live:
        report = replace(report, live=LiveComparison(skipped=report.documents))
    # before a first good revision, what is known is of another repository, which the source named before
    elif report.unreadable is None or (run.looks_at_live and source.good_revision is not None):
        report = replace(report, live=await compare_live_side(engine, binding, run, report.documents))
    yield report
    if standing is None or not selects_nothing(engine, standing.record):
        yield replace(report, selection=await select_plans(engine, binding.name))


async def _named(binding: SourceBinding, run: Run) -> str | SourceUnreadable:
    """What the remote names; that it cannot be told is a result."""
    try:
        # a push was heard of: what is asked for first and fetched then takes two connections
        return await (binding.port.fetch_head() if run.trigger is Trigger.WEBHOOK else binding.port.head())
    except SourceUnreadable as error:
        return error


def _known(named: str | SourceUnreadable) -> str:
    if isinstance(named, SourceUnreadable):
        raise named
    return named


async def _promoted(
    engine: Engine, binding: SourceBinding, run: Run, report: "RunReport", standing: SourceStanding
) -> "RunReport":
    """The report once the revision is the good one; nothing is written where it is already, and nothing changed."""
    fetched = report.fetched
    assert fetched is not None  # noqa: S101  it was fetched just now
    if standing.stands_at(fetched) and not standing.holds_still(engine):
        standing = await SourceStanding.read(engine, binding)
    if standing.stands_at(fetched):
        promotion = Promotion(fetched.revision, report.carried)
        return replace(report, promotion=promotion, standing=standing, documents=standing.documents)
    # such as another source that claims one of the chatbots, too
    promotion = await retry_on_conflict(
        lambda: promote_fetched(engine, binding, f"run/{run.id}", fetched, report.carried)
    )
    return replace(report, promotion=promotion, documents=await _count_documents(engine, binding.name))


async def _count_documents(engine: Engine, source: str) -> int:
    async with engine.store.read() as uow:
        return await uow.documents.count(source)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What the steps of a run gave, and what it says because of them.

    Attributes:
        good: The source before the run, with its last good revision.
        carried: What stands wrong in the documents of that revision, from the runs that read them.
        fetched: What the remote names, once that is known and trusted.
        promotion: What became of that.
        unreadable: Why the source could not be read, or is not trusted.
        contests: Its claims that do not stand, where it was not read.
        standing: What stands of it, where promoting changed nothing.
        documents: How many chatbots it states by now.
        live: What the comparison with the live side gave.
        selection: What the policy applies.
        interruption: Why the run came to no end of its own.
    """

    good: SourceRecord | None = None
    carried: tuple[Diagnostic, ...] = ()
    fetched: FetchedRevision | None = None
    promotion: Promotion | None = None
    unreadable: SourceUnreadable | None = None
    contests: Sequence[Contest] = ()
    standing: SourceStanding | None = None
    documents: int = 0
    live: LiveComparison = field(default_factory=LiveComparison)
    selection: AutoApplySelection = field(default_factory=AutoApplySelection)
    interruption: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the source could not be read, nothing be compared, or the run not be done."""
        return self.unreadable is not None or self.live.failed or self.interruption is not None

    @property
    def has_compared(self) -> bool:
        """Whether any chatbot was compared with the live side, or none had to be."""
        return self.live.is_current

    @property
    def revision(self) -> str | None:
        """The revision whose documents hold at the end."""
        if self.promotion is not None:
            return self.promotion.revision
        return self.good.good_revision if self.good is not None else None

    @property
    def seen_revision(self) -> str | None:
        """The revision that the remote named."""
        if self.unreadable is not None:
            return self.unreadable.revision
        return self.fetched.revision if self.fetched is not None else None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong in the documents that hold, and which claims do not stand."""
        if self.promotion is not None:
            return self.promotion.diagnostics
        return (*self.carried, *map(contest_finding, self.contests))

    @property
    def counts(self) -> Counts:
        """What was done, in numbers."""
        scan, snapshot = self.live.scan, self.fetched.snapshot if self.fetched is not None else None
        return Counts(
            documents=self.documents,
            parsed=snapshot.parsed if snapshot is not None else 0,
            dry_runs=scan.dry_runs,
            skipped=self.live.skipped,
            plans=scan.plans,
            errors=len(scan.failures) + (self.live.list_failure is not None),
            uncompared=len(scan.failures),
        )

    @property
    def uncompared(self) -> tuple[Uncompared, ...]:
        """The chatbots that could not be compared, as far as the run names them."""
        return named_uncompared(
            Uncompared(failure.chatbot_id, failure.path, fault_of(failure.error), str(failure.error))
            for failure in self.live.scan.failures
        )

    def messages(self) -> Iterator[str]:
        """What is worth knowing, in the order of the steps."""
        if self.unreadable is not None:
            yield f"{self.unreadable.cause}: {self.unreadable}"
        yield from self.live.messages
        if self.selection.brake is not None:
            yield f"nothing of it is applied without a person, because of {self.selection.brake}"
        if self.interruption is not None:
            yield self.interruption

    def fill(self, run: Run) -> Run:
        """The run with everything that it has to say."""
        return replace(
            run,
            status=RunStatus.FAILED if self.failed else RunStatus.SUCCEEDED,
            revision=self.revision,
            seen_revision=self.seen_revision,
            counts=self.counts,
            diagnostics=self.diagnostics,
            uncompared=self.uncompared,
            message=joined(self.messages()) or None,
        )


def _log_run(run: Run) -> None:
    level = logging.WARNING if run.status is RunStatus.FAILED or run.counts.errors else logging.INFO
    facts = {"run": run.id, "source": run.source, "trigger": run.trigger, "status": run.status, "cause": run.message}
    log.log(level, "run ended", extra={**facts, **asdict(run.counts)})
