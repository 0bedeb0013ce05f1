"""Compares WizChat's list of a tenant's chatbots with the stored ones, in the database."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Subquery, and_, bindparam, or_, select, type_coerce, update

from reconciler.domain.status import Reason
from reconciler.storage import tables
from reconciler.storage.transaction import Transaction

_CHATBOT: Final = tables.chatbots.c
_ROWS: Final = bindparam("listed_rows", type_=String)

Line = tuple[str, str | None, datetime | None]
"""A chatbot's id, its name, and its `updatedAt`."""


class Listings:
    """Finds what a list says otherwise than the last one; a list that says the same costs no row."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def changed(self, tenant: str, lines: Sequence[Line]) -> Sequence[str]:
        """The ids in a part of a list that are not known, or of which it says something else than is known."""
        listed = self._listed()
        same = and_(_CHATBOT.tenant == tenant, _CHATBOT.id == listed.c.id)
        has_name = listed.c.name.is_not(None)
        statement = (
            select(listed.c.id)
            .outerjoin_from(listed, tables.chatbots, same)
            .where(
                or_(
                    _CHATBOT.id.is_(None),
                    _CHATBOT.live_updated_at.is_distinct_from(_moment(listed)),
                    and_(_CHATBOT.name.is_(None), has_name),
                    and_(_CHATBOT.source.is_(None), _CHATBOT.name.is_distinct_from(listed.c.name)),
                )
            )
        )
        return await self._ids(statement, lines)

    async def gone(self, tenant: str, ids: Collection[str]) -> Sequence[str]:
        """The chatbots that an earlier list named, or that are known by a list alone, and this one does not name."""
        listed = self._listed()
        statement = select(_CHATBOT.id).where(
            _CHATBOT.tenant == tenant,
            or_(_CHATBOT.live_updated_at.is_not(None), _CHATBOT.fault == Reason.UNMANAGED),
            _CHATBOT.id.not_in(select(listed.c.id)),
        )
        return await self._ids(statement, [(chatbot_id, None, None) for chatbot_id in ids])

    async def note(self, tenant: str, moments: Mapping[str, datetime | None]) -> None:
        """Keep the `updatedAt` of chatbots by id, None for what is not listed.

        The version of their records stays: whoever changes one meanwhile loses nothing, and what they write over it the
        next list says again.
        """
        statement = (
            update(tables.chatbots)
            .where(_CHATBOT.tenant == tenant, _CHATBOT.id == bindparam("chatbot"))
            .values(live_updated_at=bindparam("moment"))
        )
        values = [{"chatbot": key, "moment": moment} for key, moment in moments.items()]
        if values:
            await self._transaction.write(statement, values)

    def _listed(self) -> Subquery:
        return self._transaction.dialect.listed(_ROWS)

    async def _ids(self, statement: Any, lines: Sequence[Line]) -> Sequence[str]:
        rows = json.dumps([(key, name, _text(moment)) for key, name, moment in lines])
        return (await self._transaction.connection.execute(statement, {"listed_rows": rows})).scalars().all()


def _moment(listed: Subquery) -> ColumnElement[datetime]:
    return type_coerce(listed.c.updated_at, tables.UtcDateTime())


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
