"""Leases: one holder at a time, and a fencing number that only grows. The database's own clock counts."""

from datetime import timedelta

import pytest

from reconciler.domain.entities import Lease
from reconciler.storage import Store

pytestmark = pytest.mark.anyio

TTL = timedelta(minutes=5)
OVER = timedelta(0)


async def _take(store: Store, holder: str = "one", ttl: timedelta = TTL) -> Lease | None:
    async with store.begin() as uow:
        return await uow.leases.take("acme", "bot_1", holder, ttl)


async def _taken(store: Store, holder: str = "one", ttl: timedelta = TTL) -> Lease:
    lease = await _take(store, holder, ttl)
    assert lease is not None
    return lease


async def _holds(store: Store, lease: Lease) -> bool:
    async with store.begin() as uow:
        return await uow.leases.holds(lease)


async def test_a_lease_keeps_others_out(store: Store) -> None:
    first = await _taken(store)
    assert await _take(store, "two") is None
    assert await _holds(store, first)


async def test_a_lease_that_ran_out_keeps_nobody_out(store: Store) -> None:
    first = await _taken(store, ttl=OVER)
    assert not await _holds(store, first)
    second = await _taken(store, "two")
    assert second.fence > first.fence


async def test_a_lease_that_was_taken_over_is_lost(store: Store) -> None:
    first = await _taken(store, ttl=OVER)
    await _taken(store, "two")
    async with store.begin() as uow:
        assert await uow.leases.renew(first, TTL) is None
        await uow.leases.drop(first)
        live = await uow.leases.live("acme", "bot_1")
    assert live is not None
    assert live.holder == "two"


async def test_a_renewed_lease_runs_on(store: Store) -> None:
    first = await _taken(store)
    async with store.begin() as uow:
        renewed = await uow.leases.renew(first, TTL * 2)
    assert renewed is not None
    assert renewed.expires_at > first.expires_at
    assert renewed.fence == first.fence
    assert await _holds(store, renewed)


async def test_a_lease_that_ran_out_cannot_be_renewed(store: Store) -> None:
    lease = await _taken(store, ttl=OVER)
    async with store.begin() as uow:
        assert await uow.leases.renew(lease, TTL) is None


async def test_the_holder_itself_gets_a_higher_fence(store: Store) -> None:
    first, second = await _taken(store), await _taken(store)
    assert second.fence > first.fence
    assert not await _holds(store, first)


async def test_the_fence_grows_also_after_drop_and_void(store: Store) -> None:
    first = await _taken(store)
    async with store.begin() as uow:
        await uow.leases.drop(first)
        assert await uow.leases.live("acme", "bot_1") is None
    second = await _taken(store, "two")
    async with store.begin() as uow:
        await uow.leases.void_all()
        assert not await uow.leases.holds(second)
        assert await uow.leases.renew(second, TTL) is None
    third = await _taken(store, "three")
    assert first.fence < second.fence < third.fence


async def test_leases_of_chatbots_and_tenants_are_independent(store: Store) -> None:
    await _taken(store)
    async with store.begin() as uow:
        assert await uow.leases.take("acme", "bot_2", "two", TTL) is not None
        assert await uow.leases.take("other", "bot_1", "two", TTL) is not None


async def test_a_lease_that_its_holder_abandoned_keeps_nobody_out_unless_it_was_renewed_since(store: Store) -> None:
    first = await _taken(store)
    async with store.begin() as uow:
        assert await uow.leases.take("acme", "bot_1", "two", TTL, abandoned=None) is None
        renewed = await uow.leases.renew(first, TTL * 2)
    assert renewed is not None
    async with store.begin() as uow:
        assert await uow.leases.take("acme", "bot_1", "two", TTL, abandoned=first) is None
        second = await uow.leases.take("acme", "bot_1", "two", TTL, abandoned=renewed)
    assert second is not None
    assert second.fence > first.fence
    assert not await _holds(store, first)
