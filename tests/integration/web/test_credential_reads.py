"""However many requests come at once after a commit, the credentials are read once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.engine.access.sessions import begin_session
from reconciler.engine.context import Actor
from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.integration.web.conftest import build
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

REQUESTS = 50


@dataclass
class CountedQueries:
    """Another one's queries, counted by their name."""

    queries: Any
    counts: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.counts[name] += 1
        query: Callable[..., Any] = getattr(self.queries, name)
        return query


class CountedStore:
    """Another store, of which the queries are counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.queries = CountedQueries(store.queries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_fifty_requests_after_a_commit_read_the_credentials_once(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        counted = CountedStore(store)
        house = await build(counted, clock)
        new = await begin_session(house.engine, Actor("ann", Role.ADMIN, "tok_admin"), timedelta(hours=1))
        async with house.client("wzr_viewer") as viewer, house.client() as visitor:
            visitor.cookies.set("reconciler", new.secret)
            for round_ in range(2):
                await house.add_token(f"another-{round_}", Role.VIEWER)
                counted.queries.counts.clear()
                asked = [client.get("/api/v1/me") for client in (viewer, visitor) for _ in range(REQUESTS // 2)]
                answers = await asyncio.gather(*asked)
                assert {answer.status_code for answer in answers} == {200}
                reads = counted.queries.counts
                assert (reads["tokens"], reads["people"], reads["sessions"]) == (1, 1, 1)
