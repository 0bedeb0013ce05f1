"""The interface to what differs between SQLite and PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, BindParameter, Column, ColumnElement, Connection, Engine, Subquery
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """How large the database is, in bytes.

    Attributes:
        total: What it takes on the disk, without what is still to be moved into its file.
        free: How much of that holds nothing and is used for what comes next; None where only the server knows.
    """

    total: int
    free: int | None


@dataclass(frozen=True, slots=True)
class Engines:
    """One engine for those who write and one for those who only read."""

    writer: AsyncEngine
    reader: AsyncEngine

    async def dispose(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()


class Watch(Protocol):
    """Detects commits. It is asked at every request, so it costs next to nothing.

    Attributes:
        is_immediate: Whether what another process has committed is noticed by whoever asks next, and not a moment
            later.
    """

    is_immediate: ClassVar[bool]

    def __call__(self) -> str:
        """What changes when another process has committed."""

    def others(self) -> str:
        """What changes when another process has committed something that people are shown."""

    def settle(self) -> None:
        """Take account of a commit of this process."""


class Dialect(Protocol):
    """What a kind of database does in its own way."""

    def guard(self, url: URL) -> AbstractContextManager[None]:
        """What must be held while the database is in use, and refuses a second user where there can be only one."""

    def watch(self, url: URL) -> AbstractContextManager[Watch]:
        """The watch that detects commits."""

    async def announce(self, connection: AsyncConnection, *, shown: bool) -> None:
        """Let the watches of other processes see this transaction once it is committed.

        Args:
            connection: The transaction's.
            shown: Whether it changed something that people are shown.
        """

    def absent(self, url: URL) -> bool:
        """Whether it certainly does not exist yet, so that looking at it would create it."""

    def engines(self, url: URL) -> Engines:
        """The SQLAlchemy engines of the service."""

    def migration_engine(self, url: URL) -> Engine:
        """Open it for a change of its schema."""

    def serialize_migration(self, connection: Connection) -> None:
        """Make a second program that changes the schema wait for this transaction."""

    async def serialize_audit(self, connection: AsyncConnection) -> None:
        """Make every other transaction that appends to the audit log wait for this one."""

    async def now(self, connection: AsyncConnection, wall_clock: Callable[[], datetime]) -> datetime:
        """The database's clock; the wall clock where the database has none of its own."""

    async def size(self, connection: AsyncConnection) -> DatabaseSize:
        """How large the database is."""

    async def reclaim(self, writer: AsyncEngine) -> bool:
        """Give some free space back to the disk, and say whether there may be more of it."""

    def compact(self, url: URL) -> None:
        """Give all free space back to the disk; the caller holds the guard.

        Raises:
            StoreError: The database does that by itself.
        """

    def label(self, labels: Column[Any], name: str) -> ColumnElement[str]:
        """A label's value as text, or null."""

    def listed(self, rows: BindParameter[str]) -> Subquery:
        """The rows of a JSON text as a table with the columns ``id``, ``name`` and ``updated_at``.

        A row is a list: the id, the name or null, and a moment in UTC without a zone, or null.
        """
