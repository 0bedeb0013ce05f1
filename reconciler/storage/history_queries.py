"""What is read of the past: transitions, the curve of drift, and what drifted first."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Integer, Select, and_, case, column, func, select, values

from reconciler.domain.history import Point, Transition, curve, moments
from reconciler.domain.records import Chatbot
from reconciler.domain.status import Sync
from reconciler.storage import rows, tables
from reconciler.storage.transaction import Reading

_DRIFTED: Final = Sync.OUT_OF_SYNC.value
_FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class HistoryQueries:
    """Implements the part of `ports.Queries` that is about the past."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def oldest_drift(self, visible: Collection[str] | None = None) -> Chatbot | None:
        """The chatbot of these sources that is OutOfSync for longest; None while none is."""
        chatbot = tables.chatbots.c
        statement = (
            select(*rows.CHATBOTS.columns)
            .where(chatbot.drifted_at.is_not(None), *among(chatbot.source, visible))
            .order_by(chatbot.drifted_at, chatbot.tenant, chatbot.id)
        )
        async with self._reading() as transaction:
            return await transaction.one(rows.CHATBOTS, statement)

    async def transitions_of(self, tenant: str, chatbot_id: str, *, limit: int) -> Sequence[Transition]:
        """The last transitions of a chatbot, newest first."""
        transition = tables.transitions.c
        statement = (
            select(*rows.TRANSITIONS.columns)
            .where(transition.tenant == tenant, transition.chatbot_id == chatbot_id)
            .order_by(transition.id.desc())
            .limit(limit)
        )
        async with self._reading() as transaction:
            return await transaction.all(rows.TRANSITIONS, statement)

    async def audit_begins(self) -> datetime | None:
        """When the first audit entry was made that is kept: before it, nothing was looked at. None without any."""
        statement = select(tables.audit.c.at).order_by(tables.audit.c.seq).limit(1)
        async with self._reading() as transaction:
            found: datetime | None = (await transaction.connection.execute(statement)).scalar()
        return found

    async def out_of_sync_curve(
        self, visible: Collection[str] | None, *, since: datetime, until: datetime, buckets: int
    ) -> Sequence[Point]:
        """How many chatbots of these sources were OutOfSync, at evenly spaced moments."""
        chatbot = tables.chatbots.c
        count = select(func.count()).where(chatbot.sync == _DRIFTED, *among(chatbot.source, visible))
        bounds = [*pairwise(moments(since, until, buckets)), (until, _FOREVER)]
        async with self._reading() as transaction:
            now = int((await transaction.connection.execute(count)).scalar_one())
            found = await transaction.connection.execute(_net(visible, bounds))
            net = [(bounds[place][1], int(by)) for place, by in found]
        return curve(now, net, since=since, until=until, buckets=buckets)


def _net(visible: Collection[str] | None, bounds: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    """By how many the number of those that are OutOfSync changed within these bounds, each one range of an index."""
    moment = tables.transitions.c.at
    bound = (
        values(column("place", Integer), column("after", moment.type), column("through", moment.type))
        .data([(place, *between) for place, between in enumerate(bounds)])
        .cte("bounds")
    )
    changes = bound.join(tables.transitions, and_(moment > bound.c.after, moment <= bound.c.through))
    risen = func.sum(_one_if(tables.transitions.c.sync, tables.transitions.c.source, visible))
    fallen = func.sum(_one_if(tables.transitions.c.sync_before, tables.transitions.c.source_before, visible))
    return select(bound.c.place, risen - fallen).select_from(changes).group_by(bound.c.place)


def _one_if(sync: Column[Any], source: Column[Any], visible: Collection[str] | None) -> ColumnElement[int]:
    return case((and_(sync == _DRIFTED, *among(source, visible)), 1), else_=0)


def among(place: Column[Any], wanted: Collection[str] | None) -> list[ColumnElement[bool]]:
    """That a column has one of these values; None means any."""
    return [] if wanted is None else [place.in_(wanted)]
