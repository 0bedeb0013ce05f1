"""Translates errors of the database into messages that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from reconciler.errors import Conflict, StoreError

BUSY_SECONDS: Final = 10
"""How long a transaction waits for its turn, in whichever queue."""

_BUSY: Final = (
    f"the database is busy: no transaction got its turn within {BUSY_SECONDS} s; "
    "try again, and look for a program that keeps it locked"
)
_DUPLICATE_SQLSTATE: Final = "23505"
_BUSY_SQLSTATES: Final = frozenset({"55P03", "57014", "40P01"})  # lock timeout, statement timeout, deadlock
_DUPLICATE_SQLITE: Final = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_BUSY_SQLITE: Final = frozenset({"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_TIMEOUT", "SQLITE_LOCKED"})


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database raises into `StoreError`, or `Conflict` when somebody else was faster."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreError(_BUSY) from error
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise Conflict(
            "concurrent_change", "somebody else was faster with the same change: look at it and repeat what still fits"
        ) from error
    except DBAPIError as error:
        raise StoreError(_BUSY if is_busy(error) else f"the database cannot be used: {_first_line(error)}") from error


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique key or index refused a row."""
    return _sqlstate(error) == _DUPLICATE_SQLSTATE or _sqlite_name(error) in _DUPLICATE_SQLITE


def is_busy(error: DBAPIError) -> bool:
    """Whether a lock was not to be had in time."""
    return _sqlstate(error) in _BUSY_SQLSTATES or _sqlite_name(error) in _BUSY_SQLITE


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_name(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlite_errorname", None)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
