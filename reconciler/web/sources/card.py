"""View model of one source on the page of sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.access import Role
from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, SourceRecord, SourceState
from reconciler.domain.forge_urls import WebRepository
from reconciler.domain.pass_forecast import PassForecast
from reconciler.domain.source_causes import explain_source
from reconciler.domain.suspensions import Suspension
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import WriteKeyState, write_key_warnings
from reconciler.engine.context import Actor, SourceBinding
from reconciler.render.ages import Age, age_or_none, due_or_none
from reconciler.web.forget.box import ForgetBox
from reconciler.web.runs.summary import findings_of, refused_files, run_badge
from reconciler.web.suspensions.box import SuspendBox, suspend_box
from reconciler.web.tenants.box import ShortcutBox, checks_in_words, shortcut_box
from reconciler.web.ui.badges import Badge
from reconciler.web.ui.layout import Layout


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """What was just asked of a source, and not done.

    Attributes:
        name: The source.
        problem: Why not.
        reason: What was typed into the field of that name.
    """

    name: str
    problem: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AcceptForm:
    """A revision that is not trusted by itself, and may be accepted.

    Attributes:
        revision: The whole commit id.
        link: Where it can be looked at; None for repositories without pages.
        refusal: Why the person may not, or None.
        reason: What is in the field of that name.
    """

    revision: str
    link: str | None = None
    refusal: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """What is wrong in the documents of the last good revision.

    Attributes:
        sign: How much it is.
        run_id: The run whose page shows it.
    """

    sign: Badge
    run_id: str


@dataclass(frozen=True, slots=True)
class SourceCard:
    """One source.

    Attributes:
        record: The source with the state that people are shown.
        advice: What to do about its state, or None when there is nothing to do.
        stop: What stops the applies of all of it, where its state does not say so; else None.
        wrong: What is wrong in its documents, or None when nothing is known.
        run: Its last run.
        run_sign: How that ended, or None.
        refused: In how many files it says that documents are refused, or None.
        ran: When that ended or began.
        next: When it is looked at again.
        git: When git was last asked.
        tenant: Its tenant, while WizChat cannot be used for it; else None.
        write_key: What is known of its tenant's write key.
        write_key_warnings: What prevents applies with it.
        compared: When changes at WizChat were last looked for, and anything was learned.
        checks: How its chatbots were last compared, in words; None while none was.
        oldest: When the one was compared that waits longest.
        shortcut: The note and form shown while every chatbot of the tenant is compared at each pass; else None.
        uncompared: How many chatbots the last run could not compare.
        good_link: Where the last good revision can be looked at.
        configured: Whether the settings still name it.
        refresh_refusal: Why the person may not have it looked at, or None.
        full_pass: What comparing every document of it takes, or None.
        acceptance: The revision that may be accepted, or None.
        box: The form that suspends it.
        forget: The form that forgets it, once it left the settings; else None.
        problem: Why what was just asked was not done, or None.
    """

    record: SourceRecord
    advice: str | None
    stop: Suspension | None
    wrong: SourceProblem | None
    run: Run | None
    run_sign: Badge | None
    refused: int | None
    ran: Age | None
    next: Age | None
    git: Age | None
    tenant: TenantRecord | None
    write_key: str
    write_key_warnings: Sequence[str]
    compared: Age | None
    checks: str | None
    oldest: Age | None
    shortcut: ShortcutBox | None
    uncompared: int
    good_link: str | None
    configured: bool
    refresh_refusal: str | None
    full_pass: str | None
    acceptance: AcceptForm | None
    box: SuspendBox
    forget: ForgetBox | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class SourcesPage:
    """Every source that the person may see, by name.

    Attributes:
        gone_tenants: The forms that forget the tenants that left the settings.
    """

    frame: Layout
    cards: Sequence[SourceCard]
    gone_tenants: Sequence[ForgetBox]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCardData:
    """What the cards are made of.

    Attributes:
        actor: Who looks.
        now: The moment at which they do.
        bindings: The configured sources.
        runs: Source → its last run.
        finding_runs: Source → the run with the findings of its last good revision.
        standing: The active suspensions.
        stopped: Source → what stops the applies of all of it.
        tenants: The tenants by name.
        checks: Source → how its chatbots were last compared.
        gone: Source → the form that forgets it, for those that left the settings.
        refused: What was just asked and not done, or None.
        full_passes: Source → what comparing every document of it takes.
    """

    actor: Actor
    now: datetime
    bindings: Mapping[str, SourceBinding] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    finding_runs: Mapping[str, Run] = field(default_factory=dict)
    standing: Sequence[Suspension] = ()
    stopped: Mapping[str, Suspension] = field(default_factory=dict)
    tenants: Mapping[str, TenantRecord] = field(default_factory=dict)
    checks: Mapping[str, CheckCounts] = field(default_factory=dict)
    gone: Mapping[str, ForgetBox] = field(default_factory=dict)
    refused: RefusedFile | None = None
    full_passes: Mapping[str, PassForecast] = field(default_factory=dict)


def source_card(record: SourceRecord, data: SourceCardData) -> SourceCard:
    """The view model of one source."""
    name, now = record.name, data.now
    binding, run, tenant = data.bindings.get(name), data.runs.get(name), data.tenants.get(record.tenant)
    refused = data.refused if data.refused and data.refused.name == name else None
    checks = data.checks.get(name)
    pages = WebRepository.of(binding.forge, binding.url) if binding else None
    return SourceCard(
        record=record,
        advice=explain_source(record.cause) if record.state is SourceState.UNKNOWN else None,
        stop=data.stopped.get(name) if record.state is SourceState.UNKNOWN else None,
        wrong=_wrong(data.finding_runs.get(name)),
        run=run,
        run_sign=run_badge(run) if run else None,
        refused=refused_files(run) if run else None,
        ran=age_or_none(run.finished_at or run.started_at or run.created_at, now) if run else None,
        next=due_or_none(record.next_run_at, now),
        git=age_or_none(record.git_checked_at, now),
        tenant=tenant if tenant and tenant.state not in {None, TenantState.READY} else None,
        write_key=_write_key(tenant),
        write_key_warnings=write_key_warnings(record.tenant, tenant.write_key if tenant else None),
        compared=age_or_none(record.compared_at, now),
        checks=checks_in_words(checks) if checks else None,
        oldest=age_or_none(checks.oldest_at, now) if checks else None,
        shortcut=shortcut_box(data.actor, tenant, now) if tenant and binding else None,
        uncompared=run.counts.uncompared if run else 0,
        good_link=pages.commit(record.good_revision) if pages and record.good_revision else None,
        configured=binding is not None,
        refresh_refusal=data.actor.refusal(Role.OPERATOR, name),
        full_pass=full_pass.text if (full_pass := data.full_passes.get(name)) else None,
        acceptance=_acceptance(record, data.actor, pages, refused) if binding else None,
        box=suspend_box(data.actor, f"source/{name}", name, data.standing, title=f"source {name}", back="/sources"),
        forget=data.gone.get(name),
        problem=refused.problem if refused else None,
    )


def _write_key(tenant: TenantRecord | None) -> str:
    """The state of a tenant's write key in a few words; its faults are listed elsewhere."""
    if tenant is None:
        return "the tenant is not configured"
    if tenant.write_key is None:
        return "none: nothing can be applied"
    match tenant.write_key.state:
        case None:
            return "not asked yet"
        case WriteKeyState.REFUSED:
            return "refused"
        case WriteKeyState.ACCEPTED:
            return "accepted; whether it may write is known only at the first apply"
        case WriteKeyState.PROVEN:
            return "accepted, and an apply with it was carried out"


def _wrong(run: Run | None) -> SourceProblem | None:
    if run is None or not run.diagnostics:
        return None
    worst = min(diagnostic.severity for diagnostic in run.diagnostics)
    kind, symbol = ("del", "✗") if worst is Severity.ERROR else ("both", "!")
    return SourceProblem(Badge(kind, symbol, findings_of(run)), run.id)


def _acceptance(
    record: SourceRecord, actor: Actor, pages: WebRepository | None, refused: RefusedFile | None
) -> AcceptForm | None:
    """Only what the remote named last can be accepted, and only while it is not the good revision already."""
    revision = record.seen_revision
    if record.state is not SourceState.UNKNOWN or revision is None or revision == record.good_revision:
        return None
    return AcceptForm(
        revision=revision,
        link=pages.commit(revision) if pages else None,
        refusal=actor.refusal(Role.APPROVER, record.name),
        reason=refused.reason if refused else "",
    )
