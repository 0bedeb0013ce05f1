"""Tokens, people and sessions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.identity import person_key
from reconciler.storage import tables
from reconciler.storage.repositories.base import Repository
from reconciler.storage.rows import PEOPLE, SESSIONS, TOKENS
from reconciler.storage.transaction import Transaction


class Tokens(Repository[Token]):
    """Bearer tokens."""

    codec = TOKENS

    async def serialize(self) -> None:
        """Make every other transaction that makes tokens wait for this one: what is read from now on is still so.

        It takes the lock of the audit log, which whoever makes a token takes anyway.
        """
        await self._transaction.dialect.serialize_audit(self._transaction.connection)

    async def all(self) -> Sequence[Token]:
        """Newest first."""
        table = tables.tokens
        statement = self._select().order_by(table.c.created_at.desc(), table.c.id.desc())
        return await self._transaction.all(TOKENS, statement)

    async def get(self, token_id: str) -> Token | None:
        return await self._find(token_id)

    async def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when tokens, by id, were last used.

        Nothing else has to yield to it, so it changes no version: nothing that was read before becomes too old.
        """
        for token_id, moment in moments.items():
            of_token = update(tables.tokens).where(tables.tokens.c.id == token_id)
            await self._transaction.write(of_token.values(last_used_at=moment))


class People(Repository[Person]):
    """People who have signed in."""

    codec = PEOPLE

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._names: Mapping[str, Sequence[str]] | None = None

    async def called(self, name: str) -> Sequence[Person]:
        """Those of this name, however it is written; several only where an older program kept them apart."""
        if self._names is None:
            self._names = await self._by_key()
        names = self._names.get(person_key(name))
        return await self._all(tables.people.c.name.in_(names)) if names else []

    async def _by_key(self) -> Mapping[str, Sequence[str]]:
        """People by their key, which no database can compute; read once, as they neither change nor go."""
        names: dict[str, list[str]] = {}
        for name in await self._transaction.connection.scalars(select(tables.people.c.name)):
            names.setdefault(person_key(name), []).append(name)
        return names

    async def add(self, record: Person) -> None:
        await super().add(record)
        self._names = None

    async def known_as(self, issuer: str, subject: str) -> Person | None:
        """The person whom an issuer calls so."""
        table = tables.people
        statement = self._select(table.c.issuer == issuer, table.c.subject == subject)
        return await self._transaction.one(PEOPLE, statement)

    async def all(self) -> Sequence[Person]:
        """By name."""
        return await self._all()


class Sessions(Repository[Session]):
    """Browsers that are signed in."""

    codec = SESSIONS

    async def by_hash(self, hash_: str) -> Session | None:
        """The session of this hash, ended or not."""
        return await self._transaction.one(SESSIONS, self._select(tables.sessions.c.hash == hash_))

    async def open(self) -> Sequence[Session]:
        """Those that were not ended, expired or not, newest first."""
        table = tables.sessions
        statement = self._select(table.c.ended_at.is_(None)).order_by(table.c.created_at.desc(), table.c.id.desc())
        return await self._transaction.all(SESSIONS, statement)
