"""What the fleet page says: how many differ, which side moved, since when, and which chatbots these are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.history import Point
from reconciler.domain.records import Chatbot, Run, ScopeKind, SourceRecord, SourceState, Suspension
from reconciler.domain.status import Reason, Sync
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import write_key_warnings
from reconciler.engine.context import Actor
from reconciler.ports import Budget, FleetCounts, Page, PlanGroup
from reconciler.render.ages import Age, age, age_or_none, due_or_none, span
from reconciler.render.plot import Plot, plot
from reconciler.web.dashboard.frame import Frame
from reconciler.web.dashboard.pages.fleet_filters import (
    NOTHING_TO_DO,
    Choice,
    FleetQuery,
    Head,
    chips,
    heads,
    reason_words,
    tiles,
)
from reconciler.web.dashboard.pages.fleet_stops import Stops, stops
from reconciler.web.dashboard.pages.run_page import run_sign
from reconciler.web.dashboard.paths import chatbot_path
from reconciler.web.dashboard.signs import Sign
from reconciler.web.dashboard.suspend_box import SuspendBox, suspend_box
from reconciler.web.overview import Overview

DAYS = 14
_MOST_SOURCES = 6
_REPEATED = {NOTHING_TO_DO: Sync.SYNCED, "side unknown": Sync.UNKNOWN}
"""Chips that say what a tile says already, where both count the same."""
_WITHOUT_DOCUMENT = (Reason.UNMANAGED, Reason.ORPHANED)
"""Chatbots that there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Row:
    """One chatbot of the list.

    Attributes:
        path: Its page.
        why: Its reason in words.
        labels: How each label is written, and the page of those that have it too.
        drifted: Since when it is out of sync; None while it is not.
    """

    chatbot: Chatbot
    path: str
    why: str
    labels: Sequence[tuple[str, str]]
    drifted: Age | None


@dataclass(frozen=True, slots=True)
class Looked:
    """When a source was looked at, and when it is again.

    Attributes:
        sign: How its last run ended, with how much is wrong in the documents; None while there was none.
        ran: When that ended or began.
        next: When the next one begins.
    """

    source: SourceRecord
    run: Run | None
    sign: Sign | None
    ran: Age | None
    next: Age | None


@dataclass(frozen=True, slots=True)
class Oldest:
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
class Left:
    """What is left of a tenant's calls.

    Attributes:
        calls: How many may still be made today; None where there is no limit, or what others used is not to be seen.
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
        write_keys: What stands in the way of applies with the tenants' write keys.
        tiles: The filters by sync and side.
        chips: The filters by reason, but for those that a tile is already.
        heads: The columns that can be ordered by: name, state, since.
        rows: This part of the list.
        next_page: The path of the next part, or None.
        sources: When each source was looked at.
        few_sources: Whether these are so few that they need not be folded.
        troubled: How many sources cannot be read or trusted; one whose applies are suspended is as ready as before.
        source_names: The sources to choose from.
        oldest: What is out of sync for longest, or None.
        left: The tenants' calls.
        groups: Changes that wait on several chatbots alike.
        plot: How many were out of sync lately, or None.
        stops: What is suspended now.
        stop: The form that suspends all applies; None for whoever may not.
    """

    frame: Frame
    query: FleetQuery
    headline: str
    tenants: Sequence[TenantRecord]
    write_keys: Sequence[str]
    tiles: Sequence[Choice]
    chips: Sequence[Choice]
    heads: Sequence[Head]
    rows: Sequence[Row]
    next_page: str | None
    sources: Sequence[Looked]
    few_sources: bool
    troubled: int
    source_names: Sequence[str]
    oldest: Oldest | None
    left: Sequence[Left]
    groups: Sequence[PlanGroup]
    plot: Plot | None
    stops: Stops
    stop: SuspendBox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
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
    seen: Overview
    chatbots: Page[Chatbot]
    oldest: Chatbot | None = None
    groups: Sequence[PlanGroup] = ()
    points: Sequence[Point] = ()
    suspended: Sequence[Chatbot] = ()


def fleet_page(frame: Frame, query: FleetQuery, read: Read) -> FleetPage:
    """Everything that the fleet page says."""
    seen, cursor = read.seen, read.chatbots.next_cursor
    return FleetPage(
        frame=frame,
        query=query,
        headline=headline(seen.counts),
        tenants=[each for each in seen.tenants if each.state not in {None, TenantState.READY}],
        write_keys=[warning for each in seen.tenants for warning in write_key_warnings(each.name, each.write_key)],
        tiles=tiles(query, seen.counts),
        chips=_chips(query, seen.counts),
        heads=heads(query),
        rows=[_row(each, query, read.now) for each in read.chatbots.items],
        next_page=query.path(cursor=cursor) if cursor else None,
        sources=[_looked(each, seen.runs, read.now) for each in seen.sources],
        few_sources=len(seen.sources) <= _MOST_SOURCES,
        troubled=sum(each.state is SourceState.UNKNOWN for each in seen.sources),
        source_names=[each.name for each in seen.sources],
        oldest=_oldest(read.oldest, read.now),
        left=[_left(tenant, budget, read.now) for tenant, budget in seen.budgets.items()],
        groups=read.groups,
        plot=_plot(read.points),
        stops=stops(seen.suspensions, read.suspended),
        stop=_stop(frame.actor, seen.suspensions),
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


def _chips(query: FleetQuery, counts: FleetCounts) -> Sequence[Choice]:
    told = {words: counts.sync.get(sync) for words, sync in _REPEATED.items()}
    return [each for each in chips(query, counts) if each.chosen or told.get(each.sign.words) != each.count]


def _stop(actor: Actor | None, standing: Sequence[Suspension]) -> SuspendBox | None:
    if actor is None:
        return None
    box = suspend_box(actor, ScopeKind.ALL, None, standing, what="all chatbots", back="/")
    return None if box.refusal else box


def _row(chatbot: Chatbot, query: FleetQuery, now: datetime) -> Row:
    return Row(
        chatbot=chatbot,
        path=chatbot_path(chatbot.tenant, chatbot.id),
        why=reason_words(chatbot.reason),
        labels=[(f"{name}={value}", query.path(label=f"{name}={value}")) for name, value in chatbot.labels.items()],
        drifted=age_or_none(chatbot.drifted_at, now),
    )


def _looked(source: SourceRecord, runs: Mapping[str, Run], now: datetime) -> Looked:
    run = runs.get(source.name)
    ran = age(run.finished_at or run.started_at or run.created_at, now) if run else None
    return Looked(source, run, run_sign(run) if run else None, ran, due_or_none(source.next_run_at, now))


def _oldest(chatbot: Chatbot | None, now: datetime) -> Oldest | None:
    if chatbot is None or chatbot.drifted_at is None:
        return None
    return Oldest(chatbot.name or chatbot.id, chatbot_path(chatbot.tenant, chatbot.id), age(chatbot.drifted_at, now))


def _left(tenant: str, budget: Budget, now: datetime) -> Left:
    limit = budget.daily_budget if budget.is_whole else None
    calls = None if limit is None else max(limit - budget.used_today, 0)
    blocked = budget.blocked_until if budget.blocked_until and budget.blocked_until > now else None
    return Left(tenant, budget, calls, age_or_none(blocked, now))


def _plot(points: Sequence[Point]) -> Plot | None:
    if not points:
        return None
    lasts = points[-1].at - points[0].at
    when = f"in the last {DAYS} days" if lasts >= timedelta(days=DAYS) else f"in the {span(lasts)} that are known"
    return plot(points, f"Chatbots out of sync {when}")
