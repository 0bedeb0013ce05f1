from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from reconciler.errors import Conflict, StoreError
from reconciler.storage.database_errors import translated
from reconciler.storage.dialects import locate
from reconciler.storage.postgres import Postgres
from reconciler.storage.sqlite import Sqlite


def test_a_url_says_which_database() -> None:
    assert isinstance(locate("sqlite:////var/lib/x.db")[1], Sqlite)
    assert isinstance(locate("postgresql://user:secret@db/x")[1], Postgres)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:secret@db/x", "unknown kind of database, mysql"),
        ("nonsense secret", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_another_url_is_refused_in_one_line_without_its_password(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        locate(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def _two_statements(tmp_path: Path, first: str, second: str) -> None:
    """Run both on connections of their own while the first one's transaction is open."""
    engine = create_engine(
        f"sqlite:///{tmp_path}/x.db", poolclass=NullPool, connect_args={"timeout": 0, "isolation_level": None}
    )
    with closing(engine.raw_connection()) as holder, translated():
        holder.cursor().execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE, CHECK (id < 10))")
        holder.cursor().execute(first)
        with engine.connect() as connection:
            connection.execute(text(second))


def test_a_lock_that_is_not_to_be_had_is_a_busy_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the database is busy"):
        _two_statements(tmp_path, "BEGIN IMMEDIATE", "INSERT INTO thing VALUES (1, 'a')")


@pytest.mark.parametrize("again", ["(1, 'b')", "(2, 'a')"])
def test_a_duplicate_is_a_conflict(tmp_path: Path, again: str) -> None:
    with pytest.raises(Conflict) as caught:
        _two_statements(tmp_path, "INSERT INTO thing VALUES (1, 'a')", f"INSERT INTO thing VALUES {again}")  # noqa: S608  constants
    assert caught.value.code == "concurrent_change"


def test_anything_else_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used: no such table: missing") as caught:
        _two_statements(tmp_path, "SELECT 1", "SELECT * FROM missing")
    assert "\n" not in str(caught.value)


def test_a_broken_rule_of_the_schema_is_a_defect_and_stays_one(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="CHECK constraint failed") as caught:
        _two_statements(tmp_path, "SELECT 1", "INSERT INTO thing VALUES (11, 'a')")
    assert not isinstance(caught.value, StoreError | Conflict)


def test_a_migration_is_as_durable_as_any_other_write(tmp_path: Path) -> None:
    engine = Sqlite().migration_engine(locate(f"sqlite:///{tmp_path}/x.db")[0])
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
