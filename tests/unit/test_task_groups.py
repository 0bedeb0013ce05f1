"""What a task of a group raises is caught by its name."""

import asyncio
from collections.abc import Coroutine

import pytest

from reconciler.errors import StoreError
from reconciler.task_groups import task_group

pytestmark = pytest.mark.anyio


async def fail(error: BaseException) -> None:
    raise error


async def together(*work: Coroutine[None, None, None]) -> None:
    async with task_group() as group:
        for each in work:
            group.create_task(each)


async def test_what_a_task_raises_is_raised_as_it_is_and_ends_the_others() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(StoreError, match="the disk is full") as raised:
        await together(wait(), fail(StoreError("the disk is full")))
    assert ended.is_set()
    assert isinstance(raised.value.__cause__, ExceptionGroup)


async def test_what_the_block_raises_is_raised_as_it_is() -> None:
    async def block() -> None:
        async with task_group():
            await fail(StoreError("no"))

    with pytest.raises(StoreError):
        await block()


async def test_what_a_group_of_a_library_raises_within_it_is_raised_as_it_is() -> None:
    with pytest.raises(StoreError):
        await together(fail(ExceptionGroup("a", [ExceptionGroup("b", [StoreError("no")])])))


async def test_what_nobody_expected_goes_before_what_was_raised_on_purpose() -> None:
    with pytest.raises(KeyError):
        await together(fail(StoreError("no")), fail(KeyError("a slip")))


async def test_a_cancelled_group_is_cancelled() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(together(for_ever()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
