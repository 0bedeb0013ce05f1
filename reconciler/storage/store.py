"""The store: opens the database, hands out transactions, and tells when something has changed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from secrets import token_hex
from typing import Final, Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from reconciler.domain.events import Change, Signal
from reconciler.errors import StoreError
from reconciler.executors import NamedExecutor
from reconciler.ports import Clock, ParseCache
from reconciler.storage import schema, tables
from reconciler.storage.database_errors import translated
from reconciler.storage.dialect import DatabaseSize, Dialect, Engines, Watch
from reconciler.storage.dialects import locate
from reconciler.storage.feed import Feed
from reconciler.storage.parse_cache import SqlParseCache
from reconciler.storage.queries import Queries
from reconciler.storage.transaction import Transaction
from reconciler.storage.unit_of_work import UnitOfWork

_RECORD_THREADS: Final = 2


class Store:
    """The database. It is the truth; everything else can be rebuilt from it and from git.

    Made by `open`, and ended by `close`.
    """

    def __init__(self, engines: Engines, dialect: Dialect, clock: Clock, watch: Watch, resources: ExitStack) -> None:
        self._engines = engines
        self._dialect = dialect
        self._clock = clock
        self._held = resources
        self._boot = token_hex(8)
        self._commits = 0
        self._committing = 0
        self._watch = watch
        self._others = watch.others()
        self._feed = Feed(self._others_committed)
        self._records = NamedExecutor("records", _RECORD_THREADS)
        self._queries = Queries(self._reading, dialect)

    @classmethod
    async def open(cls, url: str, clock: Clock, *, alongside: bool = False) -> Self:
        """Open a database, creating it or upgrading its schema when needed.

        Args:
            url: ``sqlite:////path/to/file`` or ``postgresql://…``.
            clock: The clock that counts where the database has none.
            alongside: Work beside a running service for a moment, as the commands do that administer: the schema must
                be as this program needs it, unless nobody else uses the database.

        Raises:
            StoreError: When the database cannot be used: unknown kind, in use by another process, not writable, or
                newer than this program.
        """
        parsed, dialect = locate(url)
        with ExitStack() as resources, translated():
            if alongside and dialect.absent(parsed):
                raise StoreError(
                    f"there is no database at {parsed.render_as_string()}: start the service first, run "
                    "`reconciler db upgrade`, or set RECONCILER_DATA__DIR or RECONCILER_DATABASE__URL as it has"
                )
            async with NamedExecutor("schema") as schemas:
                if not (alongside and await schemas.run(lambda: schema.is_current(parsed, dialect))):
                    resources.enter_context(dialect.guard(parsed))
                    await schemas.run(lambda: schema.migrate(parsed, dialect))
            watch = resources.enter_context(dialect.watch(parsed))
            return cls(dialect.engines(parsed), dialect, clock, watch, resources.pop_all())

    async def close(self) -> None:
        """Close every connection and let another process have the database."""
        await self._records.close()
        await self._engines.dispose()
        self._held.close()

    @property
    def generation(self) -> str:
        """Changes after every commit, also of a command beside the service, and at every start.

        It changes after the commit, never before: whoever reads it first and the rows afterwards has rows that are
        at least as new.
        """
        return f"{self._boot}-{self._commits}-{self._watch()}"

    @property
    def sees_commits_at_once(self) -> bool:
        """Whether the generation changes with a commit of another process at once, and not a moment later."""
        return self._watch.is_immediate

    @property
    def feed(self) -> Feed:
        """The events of commits."""
        return self._feed

    @property
    def queries(self) -> Queries:
        """Queries, each in a transaction of its own."""
        return self._queries

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """A writing transaction: committed when its block ends well, else rolled back.

        Never begin one within another: it would wait for itself.

        Raises:
            StoreError: When the database cannot be used, or its lock is not to be had in time.
        """
        async with self._writing() as transaction:
            uow = UnitOfWork(transaction)
            yield uow
            await uow.history.write()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A reading transaction over one moment: it blocks nobody, and refuses to write."""
        async with self._reading() as transaction:
            yield UnitOfWork(transaction)

    def parse_cache(self, source: str, *, keeps: bool = True) -> ParseCache:
        """What is known of a source's files, for one load of them.

        Args:
            source: Its name.
            keeps: Whether what the load finds out is remembered.
        """
        return SqlParseCache(source, self._reading, self._writing, keeps=keeps)

    async def size(self) -> DatabaseSize:
        """How large the database is."""
        async with self._reading() as transaction:
            return await self._dialect.size(transaction.connection)

    async def reclaim(self) -> bool:
        """Give some of what holds nothing back to the disk, and say whether there may be more to give back.

        Raises:
            StoreError: When the database cannot be used, or its lock is not to be had in time.
        """
        # the watch must not take it for another process's commit
        self._begin_commit()
        try:
            with translated():
                return await self._dialect.reclaim(self._engines.writer)
        finally:
            self._end_commit(())

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        changes: Sequence[Change] | None = None
        try:
            async with self._transaction(self._engines.writer) as transaction:
                yield transaction
                if transaction.changed:
                    found = await _changes_of(transaction)
                    await self._dialect.announce(transaction.connection, shown=bool(found))
                    self._begin_commit()
                    changes = found
        finally:
            # after the commit, and also when its outcome is not known
            if changes is not None:
                self._end_commit(changes)

    def _begin_commit(self) -> None:
        # while no other commit is possible here, all that the watch has noticed is of other processes
        if self._others_committed():
            self._feed.publish([Signal.CHANGED])
        self._committing += 1

    def _end_commit(self, changes: Sequence[Change]) -> None:
        self._watch.settle()
        self._committing -= 1
        self._commits += 1
        self._feed.publish(changes)

    def _others_committed(self) -> bool:
        if self._committing:
            return False
        before, self._others = self._others, self._watch.others()
        return before != self._others

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Transaction]:
        async with self._transaction(self._engines.reader) as transaction:
            yield transaction

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[Transaction]:
        with translated():
            async with engine.begin() as connection:
                yield Transaction(connection, self._dialect, self._clock, self._records)


async def _changes_of(transaction: Transaction) -> Sequence[Change]:
    """The changes of a transaction, as they are published."""
    touched = transaction.touched
    if touched.plans_unknown:
        plan = tables.plans.c
        sources = select(plan.id, plan.source).where(plan.id.in_(touched.plans_unknown))
        touched.learn(dict(iter(await transaction.connection.execute(sources))))
    return touched.changes()
