"""Threads by purpose."""

import asyncio
import logging
import threading
from contextvars import ContextVar

import pytest

from reconciler.executors import NamedExecutor

pytestmark = pytest.mark.anyio

LIMIT = 60
VALUE: ContextVar[str] = ContextVar("VALUE", default="none")


async def _begun(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, LIMIT)


async def test_work_runs_in_a_thread_that_is_named_after_its_purpose() -> None:
    async with NamedExecutor("pages", 2) as executor:
        name = await executor.run(lambda: threading.current_thread().name)
    assert name.startswith("pages")


async def test_work_sees_what_its_request_left_in_the_context() -> None:
    VALUE.set("request 1")
    async with NamedExecutor("pages") as executor:
        assert await executor.run(VALUE.get) == "request 1"


async def test_a_failure_reaches_whoever_waits() -> None:
    async with NamedExecutor("pages") as executor:
        with pytest.raises(ZeroDivisionError):
            await executor.run(lambda: 1 // 0)


async def test_while_one_purpose_is_held_up_another_goes_on() -> None:
    gate, begun = threading.Event(), threading.Event()

    def held() -> bool:
        begun.set()
        return gate.wait(LIMIT)

    async with NamedExecutor("git") as git, NamedExecutor("pages") as pages:
        waiting = asyncio.create_task(git.run(held))
        await _begun(begun)
        assert await pages.run(lambda: "page") == "page"
        assert not waiting.done()
        gate.set()
        assert await waiting


async def test_what_is_cancelled_before_it_begins_never_does() -> None:
    gate, begun, ran = threading.Event(), threading.Event(), threading.Event()

    def held() -> None:
        begun.set()
        gate.wait(LIMIT)

    async with NamedExecutor("git") as executor:
        first = asyncio.create_task(executor.run(held))
        await _begun(begun)
        second = asyncio.create_task(executor.run(ran.set))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.set()
        await first
        await executor.run(lambda: None)
    assert not ran.is_set()


async def test_a_close_waits_for_what_is_under_way_and_lets_nothing_begin() -> None:
    begun, ran, ended = threading.Event(), threading.Event(), threading.Event()
    executor = NamedExecutor("git")

    def work() -> None:
        begun.set()
        closing.wait(LIMIT)
        ended.set()

    closing = threading.Event()
    first = asyncio.create_task(executor.run(work))
    await _begun(begun)
    second = asyncio.create_task(executor.run(ran.set))
    await asyncio.sleep(0)
    close = asyncio.create_task(executor.close(LIMIT))
    await asyncio.sleep(0)
    closing.set()
    await close
    assert ended.is_set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not ran.is_set()
    with pytest.raises(RuntimeError):
        await executor.run(ran.set)


async def test_a_close_waits_no_longer_than_its_limit_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    gate, begun = threading.Event(), threading.Event()
    executor = NamedExecutor("git")

    def held() -> None:
        begun.set()
        gate.wait(LIMIT)

    late = asyncio.create_task(executor.run(held))
    await _begun(begun)
    try:
        with caplog.at_level(logging.WARNING):
            await executor.close(0.01)
        assert [record.message for record in caplog.records] == ["threads are still at work"]
        assert not late.done()
    finally:
        gate.set()
    await late


async def test_a_close_after_a_failure_that_nobody_waits_for_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    gate, begun = threading.Event(), threading.Event()
    executor = NamedExecutor("git")

    def failing() -> None:
        begun.set()
        gate.wait(LIMIT)
        raise ValueError("nobody listens")

    unheard = asyncio.create_task(executor.run(failing))
    await _begun(begun)
    unheard.cancel()
    close = asyncio.create_task(executor.close(LIMIT))
    await asyncio.sleep(0)
    gate.set()
    await close
    assert caplog.records == []
