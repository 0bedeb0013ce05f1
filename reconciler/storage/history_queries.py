"""Queries of the history: transitions, the number out of sync over time, and the oldest drift."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    case,
    column,
    func,
    literal,
    select,
    union_all,
    values,
)

from reconciler.domain.entities import Chatbot
from reconciler.domain.history import BucketChange, Point, Tally, Transition, curve, moments
from reconciler.domain.status import Reason, Sync
from reconciler.storage import rows, tables
from reconciler.storage.transaction import OpenTransaction

_DRIFTED: Final = Sync.OUT_OF_SYNC.value
_UNKNOWN: Final = Sync.UNKNOWN.value
_ORPHANED: Final = Reason.ORPHANED.value
_COUNTED: Final = ("out_of_sync", "unknown", "managed")
_FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class HistoryQueries:
    """The part of `Queries` that is about the past."""

    def __init__(self, reading: OpenTransaction) -> None:
        self._reading = reading

    async def oldest_drift(self, visible: Collection[str] | None = None) -> Chatbot | None:
        """The chatbot of these sources that is OutOfSync for longest; None while none is."""
        chatbot = tables.chatbots.c
        statement = rows.CHATBOTS.selection.where(
            chatbot.drifted_at.is_not(None), *among(chatbot.source, visible)
        ).order_by(chatbot.drifted_at, chatbot.tenant, chatbot.id)
        async with self._reading() as transaction:
            return await transaction.one(rows.CHATBOTS, statement)

    async def transitions_of(self, tenant: str, chatbot_id: str, *, limit: int) -> Sequence[Transition]:
        """The last transitions of a chatbot, newest first."""
        transition = tables.transitions.c
        statement = (
            rows.TRANSITIONS.selection.where(transition.tenant == tenant, transition.chatbot_id == chatbot_id)
            .order_by(transition.id.desc())
            .limit(limit)
        )
        async with self._reading() as transaction:
            return await transaction.all(rows.TRANSITIONS, statement)

    async def audit_begins(self) -> datetime | None:
        """When the first audit entry was made that is kept: before it, nothing was looked at. None without any."""
        statement = select(tables.audit.c.at).order_by(tables.audit.c.seq).limit(1)
        async with self._reading() as transaction:
            first: datetime | None = (await transaction.connection.execute(statement)).scalar()
        return first

    async def out_of_sync_curve(
        self, visible: Collection[str] | None, *, since: datetime, until: datetime, buckets: int
    ) -> Sequence[Point]:
        """How many chatbots of these sources were OutOfSync, at the edges of buckets of time and at most within them.

        Those with a document that were Unknown are counted beside them; see `domain.history.curve`. It is right as far
        back as the history is kept.

        Args:
            visible: The sources; None means all.
            since: The begin of the first bucket.
            until: The end of the last one.
            buckets: How many there are, equally long.
        """
        edges = moments(since, until, buckets)
        async with self._reading() as transaction:
            now = (await transaction.connection.execute(_now(visible))).one()
            found = await transaction.connection.execute(_changes(visible, [*pairwise(edges), (until, _FOREVER)]))
            changes = {row.place: _bucket_change(row) for row in found}
        return curve(_tally(now), changes, edges)


def _now(visible: Collection[str] | None) -> Select[Any]:
    chatbot = tables.chatbots.c
    counted = _counted(chatbot.sync, chatbot.source, visible, chatbot.fault.is_distinct_from(_ORPHANED))
    numbers: list[ColumnElement[Any]] = [
        func.coalesce(func.sum(counts), 0).label(name) for name, counts in counted.items()
    ]
    return select(*numbers).select_from(tables.chatbots)


def _changes(visible: Collection[str] | None, bounds: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    """How the numbers changed within these bounds, each one range of an index: in all, and at most on the way."""
    steps = _steps(visible, bounds).cte("steps")
    running = select(
        *steps.c,
        func.sum(steps.c.out_of_sync).over(partition_by=steps.c.place, order_by=steps.c.at).label("risen"),
        func.sum(steps.c.unknown).over(partition_by=steps.c.place, order_by=steps.c.at).label("unknown_risen"),
    ).cte("running")
    step = running.c
    return select(
        step.place,
        *(func.sum(step[name]).label(name) for name in _COUNTED),
        func.max(step.risen).label("highest"),
        func.min(step.risen).label("lowest"),
        func.max(step.unknown_risen).label("unknown_risen"),
        func.max(step.risen + step.unknown_risen).label("either_risen"),
        func.min(case((step.unknown > 0, step.at))).label("unknown_rose_at"),
        func.max(case((step.unknown < 0, step.at))).label("unknown_fell_at"),
    ).group_by(step.place)


def _steps(visible: Collection[str] | None, bounds: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    """By how many the numbers changed at each moment within these bounds."""
    transition, chatbot = tables.transitions.c, tables.chatbots.c
    bound = (
        values(column("place", Integer), column("after", transition.at.type), column("through", transition.at.type))
        .data([(place, *between) for place, between in enumerate(bounds)])
        .cte("bounds")
    )
    within = and_(transition.at > bound.c.after, transition.at <= bound.c.through)
    after = _counted(transition.sync, transition.source, visible)
    before = _counted(transition.sync_before, transition.source_before, visible)
    changes = {name: after[name] - before[name] for name in _COUNTED}
    every = select(bound.c.place, transition.at, *(change.label(name) for name, change in changes.items())).select_from(
        bound.join(tables.transitions, within)
    )
    # no transition tells when what was Unknown became Orphaned, so what is Orphaned now is taken out of the whole time
    orphaned = select(
        bound.c.place,
        transition.at,
        literal(0).label("out_of_sync"),
        (-changes["unknown"]).label("unknown"),
        (-changes["managed"]).label("managed"),
    ).select_from(
        tables.chatbots.join(
            tables.transitions,
            and_(
                chatbot.fault == _ORPHANED,
                chatbot.tenant == transition.tenant,
                chatbot.id == transition.chatbot_id,
            ),
        ).join(bound, within)
    )
    step = union_all(every, orphaned).subquery("changes").c
    return select(step.place, step.at, *(func.sum(step[name]).label(name) for name in _COUNTED)).group_by(
        step.place, step.at
    )


def _counted(
    sync: Column[Any], source: Column[Any], visible: Collection[str] | None, *has_document: ColumnElement[bool]
) -> dict[str, ColumnElement[int]]:
    """What a chatbot adds to each number of a `Tally`."""
    is_visible = among(source, visible)
    managed = and_(sync.is_not(None), source.is_not(None), *has_document, *is_visible)
    conditions = (and_(sync == _DRIFTED, *is_visible), and_(sync == _UNKNOWN, managed), managed)
    return {name: case((holds, 1), else_=0) for name, holds in zip(_COUNTED, conditions, strict=True)}


def _tally(row: Row[Any]) -> Tally:
    return Tally(**{name: int(getattr(row, name)) for name in _COUNTED})


def _bucket_change(row: Row[Any]) -> BucketChange:
    return BucketChange(
        net=_tally(row),
        highest_out_of_sync=int(row.highest),
        lowest_out_of_sync=int(row.lowest),
        highest_unknown=int(row.unknown_risen),
        highest_either=int(row.either_risen),
        unknown_rose_at=row.unknown_rose_at,
        unknown_fell_at=row.unknown_fell_at,
    )


def among(place: Column[Any], names: Collection[str] | None) -> list[ColumnElement[bool]]:
    """That a column has one of these values; None means any."""
    return [] if names is None else [place.in_(names)]
