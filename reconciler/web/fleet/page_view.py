"""View model of the fleet page: what is suspended, tiles, filters, and the table of chatbots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.entities import Chatbot, Run, SourceRecord, SourceState
from reconciler.domain.history import Point
from reconciler.domain.listing import FleetCounts, Page, PlanGroup
from reconciler.domain.status import Reason, Sync
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import write_key_warnings
from reconciler.engine.context import Actor
from reconciler.ports import Budget
from reconciler.render.ages import Age, age, age_or_none, due_or_none, span
from reconciler.render.sparkline import Sparkline, sparkline
from reconciler.web.fleet.filters import ColumnHeader, FilterOption, FleetQuery, chips, heads, tiles
from reconciler.web.fleet.fleet_records import DAYS
from reconciler.web.fleet.fleet_status import FleetStatus
from reconciler.web.runs.summary import run_badge
from reconciler.web.suspensions.box import SuspendBox, suspend_box
from reconciler.web.ui.badges import NOTHING_TO_DO, Badge, reason_words
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import chatbot_path, source_path

_MAX_SUSPENSIONS = 5


@dataclass(frozen=True, slots=True)
class SuspensionNote:
    """One suspension.

    Attributes:
        kind: What is suspended: a chatbot, a source or a tenant.
        subjects: What people call it, with its page where it has one; several where tenants share a chatbot's id.
    """

    suspension: Suspension
    kind: ScopeKind
    subjects: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class SuspensionNotes:
    """The newest suspensions, but for the one of everything, which each page says.

    Attributes:
        more: How many there are besides.
    """

    shown: Sequence[SuspensionNote] = ()
    more: int = 0


def chatbots_of(suspensions: Sequence[Suspension]) -> Collection[str]:
    """The ids of the chatbots whose names are to be shown."""
    return {
        suspension.subject
        for suspension in _partial(suspensions)[:_MAX_SUSPENSIONS]
        if suspension.kind is ScopeKind.CHATBOT
    }


def suspension_notes(suspensions: Sequence[Suspension], chatbots: Sequence[Chatbot]) -> SuspensionNotes:
    """The notes about active suspensions.

    Args:
        suspensions: All of them, newest first.
        chatbots: The chatbots of `chatbots_of` that the person may see.
    """
    partial = _partial(suspensions)
    shown = [
        SuspensionNote(suspension, suspension.kind, _subjects(suspension, chatbots))
        for suspension in partial[:_MAX_SUSPENSIONS]
    ]
    return SuspensionNotes(tuple(shown), len(partial) - len(shown))


def _partial(suspensions: Sequence[Suspension]) -> Sequence[Suspension]:
    return [suspension for suspension in suspensions if suspension.kind is not ScopeKind.ALL]


def _subjects(suspension: Suspension, chatbots: Sequence[Chatbot]) -> Sequence[tuple[str, str | None]]:
    match suspension.kind:
        case ScopeKind.CHATBOT:
            matching = [item for item in chatbots if item.id == suspension.subject]
            return [_called(item, matching) for item in matching] or [(suspension.subject, None)]
        case ScopeKind.SOURCE:
            return [(suspension.subject, source_path(suspension.subject))]
        case _:
            return [(suspension.subject, None)]


def _called(chatbot: Chatbot, namesakes: Sequence[Chatbot]) -> tuple[str, str]:
    name = chatbot.name or chatbot.id
    return f"{name} of {chatbot.tenant}" if len(namesakes) > 1 else name, chatbot_path(chatbot.tenant, chatbot.id)


_MAX_SOURCES = 6
_REPEATED = {NOTHING_TO_DO: Sync.SYNCED, "side unknown": Sync.UNKNOWN}
"""Chips that say what a tile says already, where both count the same."""
_WITHOUT_DOCUMENT = (Reason.UNMANAGED, Reason.ORPHANED)
"""Chatbots that there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class ChatbotRow:
    """One chatbot of the list.

    Attributes:
        path: Its page.
        reason_words: Its reason in words.
        labels: How each label is written, and the page of those that have it too.
        drifted: Since when it is out of sync; None while it is not.
    """

    chatbot: Chatbot
    path: str
    reason_words: str
    labels: Sequence[tuple[str, str]]
    drifted: Age | None


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """When a source was looked at, and when it is again.

    Attributes:
        sign: How its last run ended, with how much is wrong in the documents; None while there was none.
        ran: When that ended or began.
        next: When the next one begins.
    """

    source: SourceRecord
    run: Run | None
    sign: Badge | None
    ran: Age | None
    next: Age | None


@dataclass(frozen=True, slots=True)
class OldestDrift:
    """What is out of sync for longest.

    Attributes:
        name: The chatbot's, or its id.
        path: Its page.
        age: Since when.
    """

    name: str
    path: str
    age: Age


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What is left of a tenant's calls.

    Attributes:
        calls: How many may still be made today; None where there is no limit, or what others used is not to be fleet.
        blocked: Until when WizChat takes none; None while it does.
    """

    tenant: str
    budget: Budget
    calls: int | None
    blocked: Age | None


@dataclass(frozen=True, slots=True)
class FleetPage:
    """The fleet.

    Attributes:
        query: What is listed, and in which order.
        headline: How many differ, of those that could be compared.
        tenants: The tenants whose WizChat cannot be used.
        write_keys: What prevents applies with the tenants' write keys.
        tiles: The filters by sync and side.
        chips: The filters by reason, but for those that a tile is already.
        heads: The columns that can be ordered by: name, state, since.
        rows: This part of the list.
        next_page: The path of the next part, or None.
        sources: When each source was looked at.
        few_sources: Whether these are so few that they need not be folded.
        troubled: How many sources cannot be read or trusted; one whose applies are suspended is as ready as before.
        source_names: The sources to choose from.
        tenant_names: The tenants to choose from.
        oldest: What is out of sync for longest, or None.
        left: The tenants' calls.
        groups: Changes that wait on several chatbots alike.
        plot: How many were out of sync lately, or None.
        stops: What is suspended now.
        stop: The form that suspends all applies; None for people who may not.
    """

    frame: Layout
    query: FleetQuery
    headline: str
    tenants: Sequence[TenantRecord]
    write_keys: Sequence[str]
    tiles: Sequence[FilterOption]
    chips: Sequence[FilterOption]
    heads: Sequence[ColumnHeader]
    rows: Sequence[ChatbotRow]
    next_page: str | None
    sources: Sequence[SourceCheck]
    few_sources: bool
    troubled: int
    source_names: Sequence[str]
    tenant_names: Sequence[str]
    oldest: OldestDrift | None
    left: Sequence[BudgetLeft]
    groups: Sequence[PlanGroup]
    plot: Sparkline | None
    stops: SuspensionNotes
    stop: SuspendBox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPageData:
    """What the page is made of.

    Attributes:
        now: The moment at which it is looked at.
        chatbots: This part of the list.
        oldest: The chatbot that is out of sync for longest.
        groups: Changes that wait on several chatbots alike.
        points: How many were out of sync lately.
        suspended: The chatbots that are suspended by themselves, as far as they are named.
    """

    now: datetime
    fleet: FleetStatus
    chatbots: Page[Chatbot]
    oldest: Chatbot | None = None
    groups: Sequence[PlanGroup] = ()
    points: Sequence[Point] = ()
    suspended: Sequence[Chatbot] = ()


def fleet_page(frame: Layout, query: FleetQuery, read: FleetPageData) -> FleetPage:
    """The view model of the fleet page."""
    fleet, cursor = read.fleet, read.chatbots.next_cursor
    return FleetPage(
        frame=frame,
        query=query,
        headline=headline(fleet.counts),
        tenants=[tenant for tenant in fleet.tenants if tenant.state not in {None, TenantState.READY}],
        write_keys=[
            warning for tenant in fleet.tenants for warning in write_key_warnings(tenant.name, tenant.write_key)
        ],
        tiles=tiles(query, fleet.counts),
        chips=_chips(query, fleet.counts),
        heads=heads(query),
        rows=[_row(item, query, read.now) for item in read.chatbots.items],
        next_page=query.path(cursor=cursor) if cursor else None,
        sources=[_source_check(source, fleet.runs, read.now) for source in fleet.sources],
        few_sources=len(fleet.sources) <= _MAX_SOURCES,
        troubled=sum(source.state is SourceState.UNKNOWN for source in fleet.sources),
        source_names=[source.name for source in fleet.sources],
        tenant_names=sorted({source.tenant for source in fleet.sources} | ({query.tenant} if query.tenant else set())),
        oldest=_oldest(read.oldest, read.now),
        left=[_left(tenant, budget, read.now) for tenant, budget in fleet.budgets.items()],
        groups=read.groups,
        plot=_plot(read.points),
        stops=suspension_notes(fleet.suspensions, read.suspended),
        stop=_stop(frame.actor, fleet.suspensions),
    )


def headline(counts: FleetCounts) -> str:
    """How many chatbots differ from git, and of how many that is known.

    Who has no document, or none any more, cannot differ from one, and is counted apart.
    """
    total = sum(counts.sync.values())
    if not total:
        return "No chatbot is known yet"
    differing = counts.sync.get(Sync.OUT_OF_SYNC, 0)
    unknown = counts.sync.get(Sync.UNKNOWN, 0)
    alone = sum(counts.reason.get(reason, 0) for reason in _WITHOUT_DOCUMENT)
    compared = total - unknown
    parts = [_chatbots(total)]
    if unknown > alone:
        parts.append(f"{compared or 'none'} of {total - alone} compared")
    if compared:
        verb = "differs" if differing in (0, 1) else "differ"
        parts.append(f"{differing or 'none'} {'of these ' if unknown > alone else ''}{verb} from git")
    if alone:
        parts.append(f"{alone} without a document")
    return ", ".join(parts)


def _chatbots(count: int) -> str:
    return "1 chatbot" if count == 1 else f"{count} chatbots"


def _chips(query: FleetQuery, counts: FleetCounts) -> Sequence[FilterOption]:
    on_tiles = {words: counts.sync.get(sync) for words, sync in _REPEATED.items()}
    return [chip for chip in chips(query, counts) if chip.chosen or on_tiles.get(chip.sign.words) != chip.count]


def _stop(actor: Actor | None, suspensions: Sequence[Suspension]) -> SuspendBox | None:
    if actor is None:
        return None
    box = suspend_box(actor, ScopeKind.ALL, None, suspensions, title="all chatbots", back="/")
    return None if box.refusal else box


def _row(chatbot: Chatbot, query: FleetQuery, now: datetime) -> ChatbotRow:
    return ChatbotRow(
        chatbot=chatbot,
        path=chatbot_path(chatbot.tenant, chatbot.id),
        reason_words=reason_words(chatbot.reason),
        labels=[(f"{name}={value}", query.path(label=f"{name}={value}")) for name, value in chatbot.labels.items()],
        drifted=age_or_none(chatbot.drifted_at, now),
    )


def _source_check(source: SourceRecord, runs: Mapping[str, Run], now: datetime) -> SourceCheck:
    run = runs.get(source.name)
    ran = age(run.finished_at or run.started_at or run.created_at, now) if run else None
    return SourceCheck(source, run, run_badge(run) if run else None, ran, due_or_none(source.next_run_at, now))


def _oldest(chatbot: Chatbot | None, now: datetime) -> OldestDrift | None:
    if chatbot is None or chatbot.drifted_at is None:
        return None
    return OldestDrift(
        chatbot.name or chatbot.id, chatbot_path(chatbot.tenant, chatbot.id), age(chatbot.drifted_at, now)
    )


def _left(tenant: str, budget: Budget, now: datetime) -> BudgetLeft:
    limit = budget.daily_budget if budget.is_whole else None
    calls = None if limit is None else max(limit - budget.used_today, 0)
    blocked = budget.blocked_until if budget.blocked_until and budget.blocked_until > now else None
    return BudgetLeft(tenant, budget, calls, age_or_none(blocked, now))


def _plot(points: Sequence[Point]) -> Sparkline | None:
    if not points:
        return None
    lasts = points[-1].at - points[0].at
    when = f"in the last {DAYS} days" if lasts >= timedelta(days=DAYS) else f"in the {span(lasts)} that are known"
    return sparkline(points, f"Chatbots out of sync {when}")
