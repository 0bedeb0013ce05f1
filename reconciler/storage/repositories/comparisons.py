"""Reads what is to be compared with the live side: documents joined with the chatbots that follow them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select

from reconciler.domain.comparisons import Comparison
from reconciler.domain.status import Reason
from reconciler.storage import tables
from reconciler.storage.repositories.documents import BODY_OF_DOCUMENT, claim_with_body
from reconciler.storage.rows import DOCUMENTS
from reconciler.storage.transaction import Transaction

_DOCUMENT, _CHATBOT = tables.documents.c, tables.chatbots.c
_FOLLOWED = and_(
    _CHATBOT.tenant == _DOCUMENT.tenant, _CHATBOT.id == _DOCUMENT.chatbot_id, _CHATBOT.source == _DOCUMENT.source
)


class Comparisons:
    """What is to be compared, page by page: never all documents of a source at once."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def page(self, source: str, *, full: bool, after: str, limit: int) -> Sequence[Comparison]:
        """The next good documents of a source that are to be compared, by chatbot id.

        Args:
            source: The source's name.
            full: Take every document, and not only those that were not compared as they are.
            after: The last chatbot id of the page before; empty for the first page.
            limit: How many to read at most.
        """
        statement = (
            select(*DOCUMENTS.columns, tables.document_bodies.c.data, _CHATBOT.epoch)
            .join_from(tables.documents, tables.chatbots, _FOLLOWED)
            .join(tables.document_bodies, BODY_OF_DOCUMENT)
            .where(*_wanted(source, full=full), _DOCUMENT.chatbot_id > after)
            .order_by(_DOCUMENT.chatbot_id)
            .limit(limit)
        )
        found = (await self._transaction.connection.execute(statement)).mappings()
        return await self._transaction.records.run(
            lambda: [Comparison(claim_with_body(dict(row)), row["epoch"]) for row in found]
        )

    async def has_faults(self, source: str, *, full: bool) -> bool:
        """Whether a chatbot that is to be compared could not be, or was never."""
        statement = (
            select(_CHATBOT.id)
            .join(tables.documents, _FOLLOWED)
            .where(*_wanted(source, full=full), _CHATBOT.fault.is_not(None))
            .limit(1)
        )
        return (await self._transaction.connection.execute(statement)).first() is not None

    async def documents(self, source: str) -> int:
        """How many documents a source has, good or refused."""
        statement = select(func.count()).select_from(tables.documents).where(_DOCUMENT.source == source)
        return int((await self._transaction.connection.execute(statement)).scalar_one())

    async def with_faults(self, source: str, faults: Sequence[Reason]) -> Sequence[str]:
        """The ids of a source's chatbots that have one of these faults."""
        statement = select(_CHATBOT.id).where(_CHATBOT.source == source, _CHATBOT.fault.in_(faults))
        return (await self._transaction.connection.execute(statement.order_by(_CHATBOT.id))).scalars().all()


def _wanted(source: str, *, full: bool) -> list[ColumnElement[bool]]:
    good = [_DOCUMENT.source == source, _DOCUMENT.digest.is_not(None)]
    if full:
        return good
    return [*good, or_(_CHATBOT.checked_digest.is_(None), _CHATBOT.checked_digest != _DOCUMENT.digest)]
