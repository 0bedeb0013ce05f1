"""The PostgreSQL dialect. The server's clock counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from secrets import token_hex
from typing import Any, Final

from sqlalchemy import (
    URL,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    NullPool,
    Subquery,
    cast,
    column,
    create_engine,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reconciler.errors import StoreError
from reconciler.storage.database_errors import BUSY_SECONDS
from reconciler.storage.dialect import DatabaseSize, Engines, Watch
from reconciler.storage.encoded import serializer

_DRIVER: Final = "postgresql+psycopg"
_CONNECTIONS: Final = 8
_CHANNEL: Final = "reconciler_changed"
_CONNECT: Final = {
    "connect_timeout": BUSY_SECONDS,
    "options": f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout=60s",
}

# any two numbers that no other program in the same database uses
_AUDIT_LOCK: Final = 7_203_114_001
_MIGRATION_LOCK: Final = 7_203_114_002


class Postgres:
    """Implements `dialect.Dialect` for PostgreSQL."""

    def __init__(self) -> None:
        self._sender = token_hex(8)

    @contextmanager
    def guard(self, url: URL) -> Iterator[None]:  # noqa: ARG002  a server looks after its users itself
        """Nothing to hold: many processes may use it."""
        if find_spec("psycopg") is None:
            raise StoreError("PostgreSQL needs its driver: pip install 'wizchat-reconciler[service,postgres]'")
        yield

    @contextmanager
    def watch(self, url: URL) -> Iterator[Watch]:
        """By LISTEN, in a thread of its own; some milliseconds after the commit."""
        # imported late: without the driver, `guard` says what to install
        from reconciler.storage.postgres_watch import ChangeWatch  # noqa: PLC0415

        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with ChangeWatch.started(conninfo, _CHANNEL, self._sender, BUSY_SECONDS) as watch:
            yield watch

    async def announce(self, connection: AsyncConnection, *, shown: bool) -> None:
        """By NOTIFY, which PostgreSQL delivers when the transaction is committed, and not before."""
        await connection.execute(select(func.pg_notify(_CHANNEL, self._sender if shown else "")))

    def absent(self, url: URL) -> bool:  # noqa: ARG002  only the server knows
        """Never: the server reports it on connecting."""
        return False

    def engines(self, url: URL) -> Engines:
        """Pools of their own, so that readers never wait for a writer's connection."""
        url = url.set(drivername=_DRIVER)
        common: dict[str, Any] = {
            "connect_args": _CONNECT,
            "pool_size": _CONNECTIONS,
            "max_overflow": 0,
            "pool_timeout": BUSY_SECONDS,
            "pool_pre_ping": True,
            "json_serializer": serializer,
        }
        reader = create_async_engine(url, isolation_level="REPEATABLE READ", **common)
        return Engines(
            writer=create_async_engine(url, **common),
            reader=reader.execution_options(postgresql_readonly=True),
        )

    def migration_engine(self, url: URL) -> Engine:
        """One connection, closed afterwards."""
        return create_engine(url.set(drivername=_DRIVER), poolclass=NullPool, connect_args=_CONNECT)

    def serialize_migration(self, connection: Connection) -> None:
        """By an advisory lock that ends with the transaction."""
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))

    async def serialize_audit(self, connection: AsyncConnection) -> None:
        """By an advisory lock that ends with the transaction."""
        await connection.execute(select(func.pg_advisory_xact_lock(_AUDIT_LOCK)))

    async def now(self, connection: AsyncConnection, wall_clock: Callable[[], datetime]) -> datetime:  # noqa: ARG002  the server's clock counts
        """The server's clock at the beginning of the transaction."""
        moment: datetime = (await connection.execute(select(func.now()))).scalar_one()
        return moment.astimezone(UTC)

    async def size(self, connection: AsyncConnection) -> DatabaseSize:
        """What the server says; it keeps what is free to itself."""
        total = await connection.scalar(select(func.pg_database_size(func.current_database())))
        return DatabaseSize(int(total or 0), None)

    async def reclaim(self, writer: AsyncEngine) -> bool:  # noqa: ARG002  autovacuum does it
        """Nothing: the server does it by itself."""
        return False

    def compact(self, url: URL) -> None:  # noqa: ARG002  there is nothing to open
        """Refuse what the server does by itself."""
        raise StoreError(
            "PostgreSQL looks after its space by itself (autovacuum): to give back what it keeps for later, "
            "have an administrator run VACUUM FULL while the service is stopped"
        )

    def label(self, labels: Column[Any], name: str) -> ColumnElement[str]:
        """By ``->>``, which takes any name literally."""
        value: ColumnElement[str] = labels[name].as_string()
        return value

    def listed(self, rows: BindParameter[str]) -> Subquery:
        """By ``jsonb_array_elements``."""
        elements = func.jsonb_array_elements(cast(rows, JSONB)).table_valued(column("value", JSONB)).render_derived()
        moment = cast(elements.c.value[2].astext + "+00", DateTime(timezone=True))
        return select(
            elements.c.value[0].astext.label("id"), elements.c.value[1].astext.label("name"), moment.label("updated_at")
        ).subquery("listed")
