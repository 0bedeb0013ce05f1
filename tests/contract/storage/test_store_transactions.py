import asyncio
from contextlib import suppress
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.listing import PlanFilter
from reconciler.errors import Conflict, StoreError
from reconciler.storage import Store
from tests.fakes.clock import START, FakeClock
from tests.support import records
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def _add_and_fail(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan())
        raise ZeroDivisionError


async def test_a_block_that_ends_well_is_committed(store: Store) -> None:
    port: Store = store
    async with port.begin() as uow:
        await uow.plans.add(records.a_plan())
    assert await port.queries.plan("plan_1") == records.a_plan()


async def test_a_block_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await _add_and_fail(store)
    assert await store.queries.plan("plan_1") is None


async def test_a_cancelled_block_leaves_nothing_and_frees_the_lock(store: Store) -> None:
    inside = asyncio.Event()

    async def write_forever() -> None:
        async with store.begin() as uow:
            await uow.plans.add(records.a_plan())
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_forever())
    async with asyncio.timeout(PATIENCE):
        await inside.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with store.begin() as uow:
            assert await uow.plans.get("plan_1") is None


async def test_a_save_of_what_somebody_else_changed_is_a_conflict(store: Store) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot())
        first = await uow.chatbots.save(records.a_chatbot(name="First"))
    assert first.version == 1
    with pytest.raises(Conflict, match="chatbot acme/bot_1 was changed meanwhile") as caught:
        async with store.begin() as uow:
            await uow.chatbots.save(records.a_chatbot(name="Second"))
    assert caught.value.code == "concurrent_change"
    async with store.read() as uow:
        assert await uow.chatbots.get("acme", "bot_1") == first


async def _increment(store: Store) -> None:
    async with store.begin() as uow:
        found = await uow.chatbots.get("acme", "bot_1")
        assert found is not None
        await asyncio.sleep(0)
        await uow.chatbots.save(replace(found, epoch=found.epoch + 1))


async def _increment_often(store: Store, times: int) -> None:
    done = 0
    while done < times:
        with suppress(Conflict):
            await _increment(store)
            done += 1


async def test_two_hundred_contended_increments_lose_none(store: Store) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot())
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(_increment_often(store, 25))
    async with store.read() as uow:
        found = await uow.chatbots.get("acme", "bot_1")
    assert found is not None
    assert (found.epoch, found.version) == (200, 200)


async def test_a_chatbot_has_at_most_one_open_plan(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("old", status=PlanStatus.SUPERSEDED))
        await uow.plans.add(records.a_plan("open", status=PlanStatus.OUTCOME_UNKNOWN))
        await uow.plans.add(records.a_plan("elsewhere", tenant="other"))
    with pytest.raises(Conflict, match="somebody else was faster"):
        async with store.begin() as uow:
            await uow.plans.add(records.a_plan("second"))


async def test_a_closed_plan_makes_room_in_the_same_transaction(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("first"))
    async with store.begin() as uow:
        await uow.plans.save(records.a_plan("first", status=PlanStatus.SUPERSEDED))
        await uow.plans.add(records.a_plan("second"))
    page = await store.queries.plans(PlanFilter(status={PlanStatus.PENDING}), limit=10, cursor=None)
    assert [plan.id for plan in page.items] == ["second"]


async def test_a_source_has_at_most_one_queued_run(store: Store) -> None:
    async with store.begin() as uow:
        await uow.runs.add(records.a_run("running", status=RunStatus.RUNNING))
        await uow.runs.add(records.a_run("queued", status=RunStatus.QUEUED))
        await uow.runs.add(records.a_run("elsewhere", status=RunStatus.QUEUED, source="other"))
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.runs.add(records.a_run("second", status=RunStatus.QUEUED))


async def test_readers_do_not_wait_for_a_writer_and_see_what_was_committed(store: Store) -> None:
    async with asyncio.timeout(PATIENCE), store.begin() as uow:
        await uow.sources.add(records.a_source())
        assert await store.queries.sources() == []
    assert [source.name for source in await store.queries.sources()] == ["main"]


async def test_a_reading_transaction_refuses_to_write(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        async with store.read() as uow:
            await uow.sources.add(records.a_source())


async def test_a_reading_transaction_looks_at_one_moment(store: Store) -> None:
    async with store.read() as uow:
        assert await uow.sources.all() == []
        async with store.begin() as writing:
            await writing.sources.add(records.a_source())
        assert await uow.sources.all() == []


async def test_generation_changes_when_something_was_committed(store: Store) -> None:
    before = store.generation
    async with store.begin() as uow:
        await uow.tokens.add(records.a_token())
        assert store.generation == before
    assert store.generation != before


async def test_generation_stays_when_nothing_was_committed(store: Store) -> None:
    before = store.generation
    async with store.begin() as uow:
        await uow.tokens.all()
    with pytest.raises(ZeroDivisionError):
        await _add_and_fail(store)
    async with store.begin() as uow:
        await uow.documents.replace("main", [])
    assert store.generation == before


async def test_a_command_beside_the_service_changes_its_generation(
    store: Store, store_url: str, clock: FakeClock
) -> None:
    before = store.generation
    beside = await Store.open(store_url, clock, alongside=True)
    try:
        async with beside.begin() as uow:
            await uow.tokens.add(records.a_token())
    finally:
        await beside.close()
    with anyio.fail_after(PATIENCE):
        # a server tells some milliseconds later
        while store.generation == before:
            await anyio.lowlevel.checkpoint()


async def test_generation_changes_at_every_start(store: Store, store_url: str, clock: FakeClock) -> None:
    before = store.generation
    await store.close()
    again = await Store.open(store_url, clock)
    try:
        assert again.generation != before
    finally:
        await again.close()


async def test_times_without_a_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="a time without a zone cannot be stored"):
        async with store.begin() as uow:
            await uow.runs.add(records.a_run(created_at=START.replace(tzinfo=None)))
