"""The claims of sources, and the bodies of their documents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, true, update

from reconciler.domain.circuit_breaker import Fleet
from reconciler.domain.entities import Claim
from reconciler.domain.status import OF_DOCUMENTS, Reason
from reconciler.errors import StoreError
from reconciler.storage import tables
from reconciler.storage.bodies import drop_unused_bodies, keep_bodies, known_bodies, unpacked
from reconciler.storage.contents import in_parts
from reconciler.storage.repositories.base import Reader
from reconciler.storage.rows import DOCUMENTS

_NEVER_COMPARED = sorted(OF_DOCUMENTS | {Reason.CHATBOT_MISSING})
"""Faults of chatbots that a revision does nothing to."""


class Documents(Reader[Claim]):
    """The claims of each source at its last good revision.

    Their bodies are stored apart: what `outlines` and the like give has none.
    """

    codec = DOCUMENTS

    async def get(self, source: str, chatbot_id: str) -> Claim | None:
        """A claim with its body."""
        return next(iter(await self.some(source, [chatbot_id])), None)

    async def some(self, source: str, chatbot_ids: Collection[str]) -> Sequence[Claim]:
        """Those of these claims that there are, with their bodies, by id."""
        found: list[Claim] = []
        for part in in_parts(sorted(chatbot_ids)):
            found += await self._with_bodies(tables.documents.c.chatbot_id.in_(part), source)
        return found

    async def of_source(self, source: str) -> Sequence[Claim]:
        """Every claim of a source with its body: for what is about all of them."""
        return await self._with_bodies(true(), source)

    async def outlines(self, source: str, chatbot_ids: Collection[str] | None = None) -> Sequence[Claim]:
        """The claims of a source without their bodies, by id.

        Args:
            source: Its name.
            chatbot_ids: Of these chatbots; None means all.
        """
        of_source = tables.documents.c.source == source
        if chatbot_ids is None:
            return await self._all(of_source)
        found: list[Claim] = []
        for part in in_parts(sorted(chatbot_ids)):
            found += await self._all(of_source, tables.documents.c.chatbot_id.in_(part))
        return found

    async def body(self, source: str, digest: str) -> Mapping[str, Any] | None:
        """What a claim, or a file that is known, asks for; None when it is not kept."""
        column = tables.document_bodies.c
        statement = select(column.data).where(column.source == source, column.digest == digest)
        data = await self._transaction.connection.scalar(statement)
        return None if data is None else await self._transaction.records.run(lambda: unpacked(data))

    async def count(self, source: str) -> int:
        """How many chatbots a source claims."""
        statement = select(func.count()).select_from(tables.documents).where(tables.documents.c.source == source)
        return (await self._transaction.connection.scalars(statement)).one()

    async def is_any_unsettled(self, source: str) -> bool:
        """Whether nobody has looked yet whether a chatbot follows a claim of a source, or one does not."""
        column = tables.documents.c
        statement = select(column.chatbot_id).where(column.source == source, column.unsettled.is_(True))
        return await self._transaction.finds_any(statement)

    async def change(self, source: str, claims: Sequence[Claim], removed: Collection[str] = ()) -> None:
        """Have a source make these claims, too, or instead of what it claimed of the same chatbots, and not others.

        Args:
            source: Its name.
            claims: What is new or changed; a body that is not given is kept already.
            removed: The chatbots that it does not claim any more.

        Raises:
            StoreError: The body of a claim is missing.
        """
        bodies = {claim.digest: claim.body for claim in claims if claim.digest and claim.body is not None}
        await keep_bodies(self._transaction, source, bodies)
        digests = {claim.digest for claim in claims if claim.digest}
        if digests - await known_bodies(self._transaction, source, digests):
            raise StoreError(f"bodies of documents of the source {source} are missing: refresh it")
        gone: set[str] = set()
        column = tables.documents.c
        for part in in_parts({*removed, *(claim.chatbot_id for claim in claims)}):
            of_these = (column.source == source, column.chatbot_id.in_(part))
            old_digests = select(column.digest).where(*of_these, column.digest.is_not(None))
            gone.update(await self._transaction.connection.scalars(old_digests))
            await self._transaction.write(delete(tables.documents).where(*of_these))
        for rows in in_parts(claims):
            encoded_rows = [DOCUMENTS.to_row(claim) | {"unsettled": True} for claim in rows]
            await self._transaction.write(insert(tables.documents), encoded_rows)
        await drop_unused_bodies(self._transaction, source, gone - digests)

    async def replace(self, source: str, claims: Sequence[Claim]) -> None:
        """Make these the only claims of a source, whatever its files say."""
        await self.give_up(source)
        await self.change(source, claims)

    async def give_up(self, source: str, chatbot_ids: Collection[str] | None = None) -> None:
        """Have a source claim some chatbots no more, whatever its files say.

        Args:
            source: Its name.
            chatbot_ids: Which; None means all.
        """
        given_up = await self.outlines(source, chatbot_ids)
        await self.change(source, (), [claim.chatbot_id for claim in given_up])
        await self._set_promoted(source, true(), is_promoted=False)

    async def agree_with_files(self, source: str, revision: str) -> None:
        """Note that the claims are what the known files say, if those are the files of this revision."""
        at_revision = tables.known_trees.c.tree["revision"].as_string() == revision
        await self._set_promoted(source, at_revision, is_promoted=True)

    async def _set_promoted(self, source: str, condition: ColumnElement[bool], *, is_promoted: bool) -> None:
        table = tables.known_trees
        statement = update(table).where(table.c.source == source, condition)
        await self._transaction.write(statement.values(is_promoted=is_promoted))

    async def unsettle(self, tenant: str, chatbot_id: str) -> None:
        """Note that a chatbot moved, so that the sources which claim it look whether it follows them."""
        column = tables.documents.c
        of_chatbot = (column.tenant == tenant, column.chatbot_id == chatbot_id, column.unsettled.is_(False))
        await self._transaction.write(update(tables.documents).where(*of_chatbot).values(unsettled=True))

    async def settle(self, source: str, *, every: bool = False) -> None:
        """Note which claims of a source their chatbots follow: nobody need look at those again.

        Args:
            source: Its name.
            every: Look at all claims, not only at those that were noted.
        """
        document, chatbot = tables.documents.c, tables.chatbots.c
        claimed = and_(chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id)
        unfollowed = exists().where(claimed, _unfollowed(source))
        of_source = (document.source == source,)
        if every:
            statement = update(tables.documents).where(*of_source, unfollowed, document.unsettled.is_(False))
            await self._transaction.write(statement.values(unsettled=True))
        statement = update(tables.documents).where(*of_source, document.unsettled.is_(True), ~unfollowed)
        await self._transaction.write(statement.values(unsettled=False))

    async def unfollowed(self, source: str) -> Sequence[Claim]:
        """The claims of a source that their chatbot does not show, by id, of those that are not settled.

        It follows another source, or none, or is held up by a fault of documents that this document does not have.
        """
        document, chatbot = tables.documents.c, tables.chatbots.c
        statement = (
            self._select(document.source == source, document.unsettled.is_(True), _unfollowed(source))
            .join(tables.chatbots, and_(chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id))
            .order_by(document.chatbot_id)
        )
        return await self._transaction.all(DOCUMENTS, statement)

    async def held_elsewhere(self, source: str) -> Sequence[Claim]:
        """What other sources state of the chatbots that follow them, where this source claims those, too.

        Of its claims, those that are settled are left out.
        """
        other, chatbot, claim = tables.documents.c, tables.chatbots.c, tables.documents.alias("claim")
        statement = (
            self._select(claim.c.source == source, claim.c.unsettled.is_(True), other.source != source)
            .join(
                tables.chatbots,
                and_(chatbot.tenant == other.tenant, chatbot.id == other.chatbot_id, chatbot.source == other.source),
            )
            .join(claim, and_(claim.c.tenant == other.tenant, claim.c.chatbot_id == other.chatbot_id))
            .order_by(other.chatbot_id)
        )
        return await self._transaction.all(DOCUMENTS, statement)

    async def fleet(self, source: str, revision: str) -> Fleet:
        """How many chatbots the source has, and how many changed at a revision that no dry run has seen since."""
        document, chatbot = tables.documents.c, tables.chatbots.c
        unseen = and_(
            chatbot.revision == revision,
            document.digest.is_not(None),
            or_(chatbot.checked_digest.is_(None), chatbot.checked_digest != document.digest),
            or_(chatbot.fault.is_(None), chatbot.fault.not_in(_NEVER_COMPARED)),
        )
        claimed = and_(chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id)
        follows_source = or_(chatbot.source.is_(None), chatbot.source == document.source)
        statement = (
            select(func.count(), func.count().filter(unseen))
            .select_from(tables.documents)
            .outerjoin(tables.chatbots, claimed)
            .where(document.source == source, follows_source)
        )
        row = (await self._transaction.connection.execute(statement)).one()
        return Fleet(*row)

    async def _with_bodies(self, condition: ColumnElement[bool], source: str) -> Sequence[Claim]:
        statement = (
            self._select(tables.documents.c.source == source, condition)
            .add_columns(tables.document_bodies.c.data)
            .outerjoin_from(tables.documents, tables.document_bodies, BODY_OF_DOCUMENT)
            .order_by(*self.codec.key)
        )
        rows = (await self._transaction.connection.execute(statement)).mappings()
        return await self._transaction.records.run(lambda: [claim_with_body(dict(row)) for row in rows])


BODY_OF_DOCUMENT: Final = and_(
    tables.document_bodies.c.source == tables.documents.c.source,
    tables.document_bodies.c.digest == tables.documents.c.digest,
)
"""How a body is joined to the document whose it is."""


def claim_with_body(row: Mapping[str, Any]) -> Claim:
    """The claim of a row that has the columns of a document, and the body's ``data`` beside them."""
    data = row["data"]
    claim = DOCUMENTS.from_row({name: row[name] for name in DOCUMENTS.names})
    return claim if data is None else replace(claim, body=unpacked(data))


def _unfollowed(source: str) -> ColumnElement[bool]:
    """Whether a chatbot does not show the document that is joined to it."""
    chatbot = tables.chatbots.c
    held_up = and_(tables.documents.c.refusal.is_(None), chatbot.fault.in_(sorted(OF_DOCUMENTS)))
    return or_(chatbot.source.is_distinct_from(source), held_up)
