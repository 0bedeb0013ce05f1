"""The overview is read once after a commit for everybody who sees the same, and is always what was committed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.entities import RunStatus
from reconciler.domain.history import Point
from reconciler.domain.listing import FleetRecords
from reconciler.domain.status import Sync
from reconciler.web.app import create_app
from reconciler.web.fleet.fleet_records import DAYS, FleetReads
from tests.integration.web.conftest import House
from tests.integration.web.test_credential_reads import CountedStore
from tests.support.records import a_chatbot, a_run

pytestmark = pytest.mark.anyio


@dataclass
class NotedReads:
    """Another one's queries, with whose overview was read noted."""

    queries: Any
    sights: list[object] = field(default_factory=list)

    async def fleet(self, visible: Sequence[str] | None = None) -> FleetRecords:
        self.sights.append(visible)
        records: FleetRecords = await self.queries.fleet(visible)
        return records

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queries, name)


def _noted(house: House) -> tuple[Any, NotedReads]:
    store: Any = CountedStore(house.store)
    store.queries = noted = NotedReads(house.store.queries)
    return replace(house.engine, store=store), noted


async def test_everybody_who_sees_the_same_shares_a_read_until_something_is_committed(house: House) -> None:
    engine, noted = _noted(house)
    app = create_app(engine, settings=house.settings)
    await house.add_token("side-only", Role.VIEWER, ("side",))
    async with (
        house.client("wzr_viewer", app) as viewer,
        house.client("wzr_admin", app) as admin,
        house.client("wzr_main-only", app) as limited,
        house.client("wzr_side-only", app) as other,
    ):
        for round_ in range(1, 3):
            # calls were made: each of them is told of it
            house.tenant.used += 1
            asked = [client.get("/api/v1/status") for client in (viewer, admin, limited, other) for _ in range(5)]
            answers = [answer.raise_for_status().json() for answer in await asyncio.gather(*asked)]
            totals = [answer["chatbots"]["total"] for answer in answers]
            assert totals == [2 + round_] * 10 + [1] * 5 + [1] * 5
            assert len(noted.sights) == 3 * round_
            assert {*noted.sights} == {None, frozenset({"main"}), frozenset({"side"})}
            async with house.store.begin() as uow:
                await uow.chatbots.add(a_chatbot(f"bot_{round_ + 5}"))


async def test_the_last_run_of_a_source_is_told_as_soon_as_it_is_committed(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for number in range(3):
            async with house.store.begin() as uow:
                source = await uow.sources.get("main")
                assert source is not None
                await uow.runs.add(a_run(f"run_9{number}", source="main", status=RunStatus.RUNNING))
                await uow.sources.save(replace(source, last_run_id=f"run_9{number}"))
            told = (await client.get("/api/v1/status")).json()
            assert [run["id"] for run in told["last_runs"]] == [f"run_9{number}", "run_side"]


async def test_where_commits_of_others_are_heard_later_it_is_read_each_time(house: House) -> None:
    engine, noted = _noted(house)
    reads = FleetReads(engine, keeps=False)
    for _ in range(3):
        await reads.get(None)
    assert len(noted.sights) == 3


async def test_the_overview_is_read_at_one_moment_as_its_parts_are(house: House) -> None:
    queries = house.store.queries
    for visible in (None, (), ("main",), ("main", "side")):
        fleet = await queries.fleet(visible)
        assert fleet.counts == await queries.counts(visible)
        assert fleet.sources == await queries.sources()
        assert fleet.tenants == await queries.tenants()
        assert fleet.suspensions == await queries.suspensions()
        assert fleet.runs == await queries.runs_with(["run_main", "run_side"])


async def test_the_curve_is_counted_once_a_minute_until_something_is_committed(house: House) -> None:
    reads = FleetReads(house.engine, keeps=True)

    async def drawn(visible: Sequence[str] | None = None) -> Sequence[Point]:
        until = house.clock.now()
        return await reads.curve(visible, since=until - timedelta(days=DAYS), until=until)

    first = await drawn()
    assert await drawn() is first
    assert await drawn(("main",)) is not first
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("bot_9", sync=Sync.OUT_OF_SYNC))
    second = await drawn()
    assert second[-1].out_of_sync == first[-1].out_of_sync + 1
    house.clock.advance(60)
    assert await drawn() is not second
    assert (await drawn())[-1].out_of_sync == second[-1].out_of_sync
