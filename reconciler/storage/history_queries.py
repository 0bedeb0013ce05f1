"""What is read of the past: transitions, the curve of drift, and what drifted first."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, case, func, select

from reconciler.domain.history import Point, Transition, curve
from reconciler.domain.records import Chatbot
from reconciler.domain.status import Sync
from reconciler.storage import rows, tables
from reconciler.storage.transaction import Reading

_DRIFTED = Sync.OUT_OF_SYNC.value


class HistoryQueries:
    """Implements the part of `ports.Queries` that is about the past."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def oldest_drift(self, visible: Collection[str] | None = None) -> Chatbot | None:
        """The chatbot of these sources that is OutOfSync for longest; None while none is."""
        column = tables.chatbots.c
        statement = (
            select(*rows.CHATBOTS.columns)
            .where(column.drifted_at.is_not(None), *among(column.source, visible))
            .order_by(column.drifted_at, column.tenant, column.id)
        )
        async with self._reading() as transaction:
            return await transaction.one(rows.CHATBOTS, statement)

    async def transitions_of(self, tenant: str, chatbot_id: str, *, limit: int) -> Sequence[Transition]:
        """The last transitions of a chatbot, newest first."""
        column = tables.transitions.c
        statement = (
            select(*rows.TRANSITIONS.columns)
            .where(column.tenant == tenant, column.chatbot_id == chatbot_id)
            .order_by(column.id.desc())
            .limit(limit)
        )
        async with self._reading() as transaction:
            return await transaction.all(rows.TRANSITIONS, statement)

    async def out_of_sync_curve(
        self, visible: Collection[str] | None, *, since: datetime, until: datetime, buckets: int
    ) -> Sequence[Point]:
        """How many chatbots of these sources were OutOfSync, at evenly spaced moments."""
        chatbot = tables.chatbots.c
        count = select(func.count()).where(chatbot.sync == _DRIFTED, *among(chatbot.source, visible))
        async with self._reading() as transaction:
            now = int((await transaction.connection.execute(count)).scalar_one())
            net = [(at, int(by)) for at, by in await transaction.connection.execute(_net(visible, since))]
        return curve(now, net, since=since, until=until, buckets=buckets)


def _net(visible: Collection[str] | None, since: datetime) -> Any:
    """By how many the number of chatbots that are OutOfSync changed, at each moment at which one did.

    The transitions of a transaction share a moment, so that a change of the whole fleet is a few rows.
    """
    column = tables.transitions.c
    risen = func.sum(_one_if(column.sync, column.source, visible))
    fallen = func.sum(_one_if(column.sync_before, column.source_before, visible))
    return select(column.at, risen - fallen).where(column.at > since).group_by(column.at)


def _one_if(sync: Column[Any], source: Column[Any], visible: Collection[str] | None) -> ColumnElement[int]:
    return case((and_(sync == _DRIFTED, *among(source, visible)), 1), else_=0)


def among(column: Column[Any], values: Collection[str] | None) -> list[ColumnElement[bool]]:
    """That a column has one of these values; None means any."""
    return [] if values is None else [column.in_(values)]
