"""Finds the dialect of a database URL."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from reconciler.errors import StoreError
from reconciler.storage.dialect import Dialect
from reconciler.storage.postgres import Postgres
from reconciler.storage.sqlite import Sqlite, database_path


def locate(url: str) -> tuple[URL, Dialect]:
    """The parsed URL and the dialect that opens it.

    Raises:
        StoreError: When it cannot be read or names an unknown kind of database. The URL is not repeated: it may
            hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("database.url cannot be read: write sqlite:////path/to/file or postgresql://…") from error
    match parsed.get_backend_name():
        case "sqlite":
            database_path(parsed)
            return parsed, Sqlite()
        case "postgresql":
            return parsed, Postgres()
        case other:
            raise StoreError(
                f"database.url names an unknown kind of database, {other}: write sqlite:////path or postgresql://…"
            )
