"""`reconciler db compact`: what is free goes back to the disk, or one line says why not."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.command import run_command


def test_the_file_shrinks_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    environ, file = {"RECONCILER_DATA__DIR": str(tmp_path)}, tmp_path / "reconciler.db"
    run_command("db", "upgrade", environ=environ)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE kept (data BLOB)")
        connection.execute("CREATE TABLE gone (data BLOB)")
        connection.execute("INSERT INTO kept VALUES (?)", (b"kept",))
        connection.executemany("INSERT INTO gone VALUES (?)", [(b"x" * 100_000,)] * 50)
        connection.execute("DROP TABLE gone")
    full = file.stat().st_size

    run_command("db", "compact", environ=environ)

    assert file.stat().st_size < full / 2
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT data FROM kept").fetchall() == [(b"kept",)]


def test_without_a_database_there_is_nothing_to_do_and_none_is_made(tmp_path: Path) -> None:
    done = run_command("db", "compact", environ={"RECONCILER_DATA__DIR": str(tmp_path)}, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no database at sqlite:///")
    assert list(tmp_path.iterdir()) == []


def test_what_postgresql_does_by_itself_is_said(tmp_path: Path) -> None:
    environ = {"RECONCILER_DATA__DIR": str(tmp_path), "RECONCILER_DATABASE__URL": "postgresql://127.0.0.1/nothing"}
    done = run_command("db", "compact", environ=environ, check=False)

    assert done.returncode == 1
    assert "autovacuum" in done.stderr
