"""The revisions of the schema: which one the database has, which one is needed, and the upgrade."""

from pathlib import Path
from threading import Lock
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection

from reconciler.errors import StoreError
from reconciler.storage.database_errors import translated
from reconciler.storage.dialect import Dialect
from reconciler.storage.dialects import locate

_MIGRATIONS: Final = Path(__file__).with_name("migrations")

# alembic hands the connection to env.py through a global
_one_at_a_time: Final = Lock()


def head() -> str:
    """The revision that this program needs."""
    revision = _scripts().get_current_head()
    if revision is None:  # pragma: no cover  the package always holds a migration
        raise StoreError("this installation holds no migrations: install wizchat-reconciler anew")
    return revision


def current(url: str) -> str | None:
    """The revision that a database has; None when it is empty.

    Raises:
        StoreError: When it cannot be read.
    """
    parsed, dialect = locate(url)
    if dialect.absent(parsed):
        return None
    engine = dialect.migration_engine(parsed)
    try:
        with translated(), engine.connect() as connection:
            return _revision(connection)
    finally:
        engine.dispose()


def is_current(url: URL, dialect: Dialect) -> bool:
    """Whether a database is there and as this program needs it.

    Raises:
        StoreError: When it is newer than this program.
    """
    if dialect.absent(url):
        return False
    engine = dialect.migration_engine(url)
    try:
        with engine.connect() as connection:
            return _checked(_revision(connection)) == head()
    finally:
        engine.dispose()


def upgrade(url: str, *, revision: str = "head") -> str:
    """Bring a database that nobody else uses to the revision that this program needs, and return it.

    Args:
        url: The database.
        revision: An older revision, to make what an older program had.

    Raises:
        StoreError: When it is in use, cannot be written, or is newer than this program.
    """
    parsed, dialect = locate(url)
    with translated(), dialect.guard(parsed):
        migrate(parsed, dialect, revision=revision)
    return head()


def compact(url: str) -> None:
    """Give what is free in a database that nobody else uses back to the disk.

    Raises:
        StoreError: When there is none, it is in use, cannot be written, or looks after that by itself.
    """
    parsed, dialect = locate(url)
    if dialect.absent(parsed):
        raise StoreError(f"there is no database at {parsed.render_as_string()}")
    with translated(), dialect.guard(parsed):
        dialect.compact(parsed)


def migrate(url: URL, dialect: Dialect, *, revision: str = "head") -> None:
    """The upgrade itself, in one transaction; the caller holds the dialect's guard."""
    engine = dialect.migration_engine(url)
    try:
        with engine.begin() as connection:
            dialect.serialize_migration(connection)
            if _checked(_revision(connection)) != head():
                _upgrade(connection, revision)
    finally:
        engine.dispose()


def _checked(revision: str | None) -> str | None:
    revisions = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in revisions:
        raise StoreError(
            f"the database is at revision {revision}, this program only knows revisions up to {head()}: "
            "run the newer program that made it, or restore a backup from before its upgrade"
        )
    return revision


def _upgrade(connection: Connection, to: str) -> None:
    with _one_at_a_time:
        command.upgrade(configuration(connection), to)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration())


def configuration(connection: Connection | None = None) -> Config:
    """What alembic's commands need to know; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
