"""What a commit tells those who look on, on every database."""

from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest

from reconciler.domain.entities import Run
from reconciler.domain.events import Change, ChangeKind, Signal
from reconciler.domain.suspensions import ScopeKind
from reconciler.storage import Store
from reconciler.storage.changes import MAX_NAMED
from tests.fakes.clock import FakeClock
from tests.support import records
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio


def told(store: Store, after: str) -> list[Change | Signal]:
    return [event.payload for event in store.feed.since(after)]


async def test_a_commit_tells_what_it_changed_and_in_which_source(store: Store) -> None:
    start = store.feed.last
    async with store.begin() as uow:
        await uow.sources.add(records.a_source("main"))
        await uow.plans.add(records.a_plan("plan_1"))
        await uow.chatbots.add(records.a_chatbot("bot_1", source="main"))
        await uow.runs.add(records.a_run("run_1"))
        await uow.tokens.add(records.a_token("tok_1"))
        await uow.people.add(records.a_person("ana"))
        await uow.suspensions.add(records.a_suspension("suspension_1"))
        await uow.suspensions.add(records.a_suspension("suspension_2", kind=ScopeKind.SOURCE, subject="main"))
        assert told(store, start) == []
    assert told(store, start) == [
        Change(ChangeKind.SOURCE, "main", "main"),
        Change(ChangeKind.PLAN, "plan_1", "main"),
        Change(ChangeKind.CHATBOT, "bot_1", "main"),
        Change(ChangeKind.RUN, "run_1", "main"),
        Change(ChangeKind.TOKEN, "tok_1", None),
        Change(ChangeKind.PERSON, "ana", None),
        Change(ChangeKind.SUSPENSION, "suspension_1", None),
        Change(ChangeKind.SUSPENSION, "suspension_2", "main"),
    ]


async def test_an_approval_and_an_apply_are_told_as_of_their_plans_source(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("plan_1", source="side"))
    start = store.feed.last
    async with store.begin() as uow:
        await uow.approvals.add(records.an_approval())
        await uow.applies.add(records.an_apply("apply_1"))
    assert told(store, start) == [
        Change(ChangeKind.PLAN, "plan_1", "side"),
        Change(ChangeKind.APPLY, "apply_1", "side"),
    ]


async def test_the_same_thing_is_told_once_however_often_it_is_saved(store: Store) -> None:
    start = store.feed.last
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("plan_1"))
        plan = await uow.plans.save(records.a_plan("plan_1"))
        await uow.approvals.add(records.an_approval())
        await uow.plans.save(plan)
    assert told(store, start) == [Change(ChangeKind.PLAN, "plan_1", "main")]


async def test_many_changes_of_a_kind_are_one_without_an_id_for_each_source(store: Store) -> None:
    start = store.feed.last
    async with store.begin() as uow:
        for number in range(MAX_NAMED + 1):
            await uow.chatbots.add(records.a_chatbot(f"bot_{number}", source="main"))
        await uow.chatbots.add(records.a_chatbot("bot_side", source="side"))
    assert told(store, start) == [
        Change(ChangeKind.CHATBOT, "bot_side", "side"),
        Change(ChangeKind.CHATBOT, None, "main"),
    ]


async def test_many_saves_at_once_are_told_like_single_ones(store: Store) -> None:
    bot = records.a_chatbot("bot_1", source="main")
    async with store.begin() as uow:
        await uow.chatbots.add(bot)
    start = store.feed.last
    async with store.begin() as uow:
        await uow.chatbots.save_all([bot])
    async with store.begin() as uow:
        await uow.chatbots.remove(replace(bot, version=1))
    assert told(store, start) == [Change(ChangeKind.CHATBOT, "bot_1", "main")] * 2


async def test_what_is_rolled_back_or_only_read_tells_nothing(store: Store) -> None:
    start = store.feed.last
    with pytest.raises(ZeroDivisionError):
        await _add_and_fail(store, records.a_run())
    async with store.begin() as uow:
        await uow.tokens.all()
    async with store.read() as uow:
        await uow.tokens.all()
    assert store.feed.last == start


async def _add_and_fail(store: Store, run: Run) -> None:
    async with store.begin() as uow:
        await uow.runs.add(run)
        raise ZeroDivisionError


async def test_who_waits_is_woken_by_the_next_commit(store: Store) -> None:
    start = store.feed.last
    seen: Sequence[Change | Signal] = ()

    async def wait() -> None:
        nonlocal seen
        await store.feed.news(start)
        seen = told(store, start)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            async with store.begin() as uow:
                await uow.runs.add(records.a_run("run_1"))
    assert seen == [Change(ChangeKind.RUN, "run_1", "main")]


async def test_the_generation_has_moved_when_a_change_is_told(store: Store) -> None:
    before, start = store.generation, store.feed.last
    moved = []

    async def wait() -> None:
        await store.feed.news(start)
        moved.append(store.generation != before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.lowlevel.checkpoint()
        async with store.begin() as uow:
            await uow.runs.add(records.a_run("run_1"))
    assert moved == [True]


async def test_another_process_is_noticed_and_the_own_commits_are_not_taken_for_its(
    store: Store, store_url: str, clock: FakeClock
) -> None:
    async with store.begin() as uow:
        await uow.runs.add(records.a_run("run_1"))
    start = store.feed.last
    assert told(store, start) == []
    await _token_beside(store_url, clock, "tok_beside")

    with anyio.fail_after(PATIENCE):
        while not (seen := told(store, start)):
            await anyio.lowlevel.checkpoint()
    assert seen == [Signal.CHANGED]
    again = store.feed.last
    async with store.begin() as uow:
        await uow.runs.add(records.a_run("run_2"))
    assert told(store, again) == [Change(ChangeKind.RUN, "run_2", "main")]


async def test_another_process_is_noticed_also_when_an_own_commit_follows_at_once(
    store: Store, store_url: str, clock: FakeClock
) -> None:
    start = store.feed.last
    await _token_beside(store_url, clock, "tok_beside")
    async with store.begin() as uow:
        await uow.runs.add(records.a_run("run_1"))

    with anyio.fail_after(PATIENCE):
        while Signal.CHANGED not in told(store, start):
            await anyio.lowlevel.checkpoint()
    assert Change(ChangeKind.RUN, "run_1", "main") in told(store, start)


async def _token_beside(store_url: str, clock: FakeClock, token_id: str) -> None:
    beside = await Store.open(store_url, clock, alongside=True)
    try:
        async with beside.begin() as uow:
            await uow.tokens.add(records.a_token(token_id))
    finally:
        await beside.close()
