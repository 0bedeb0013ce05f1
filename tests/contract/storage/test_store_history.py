"""The history: one row for what a transaction made of a chatbot, in that transaction, and a curve that is true."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from reconciler.domain.entities import Chatbot
from reconciler.domain.history import SERVICE, Transition, UnknownPeriod, episodes
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.errors import Conflict
from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.support.records import a_chatbot

pytestmark = pytest.mark.anyio

DRIFT: dict[str, Any] = {"sync": Sync.OUT_OF_SYNC, "direction": Direction.GIT_AHEAD, "reason": Reason.AWAITING_APPROVAL}
AGREED: dict[str, Any] = {"sync": Sync.SYNCED, "direction": Direction.IN_SYNC, "reason": Reason.IN_SYNC}


async def _add(store: Store, *bots: Chatbot) -> None:
    async with store.begin() as uow:
        for bot in bots:
            await uow.chatbots.add(bot)


async def _change(store: Store, chatbot_id: str = "bot_1", *, cause: str | None = None, **changes: Any) -> None:
    async with store.begin() as uow:
        if cause is not None:
            uow.history.because(cause)
        found = await uow.chatbots.get("acme", chatbot_id)
        assert found is not None
        await uow.chatbots.save(replace(found, **changes))


async def _told(store: Store, chatbot_id: str = "bot_1") -> Sequence[Transition]:
    """In order of time."""
    return (await store.queries.transitions_of("acme", chatbot_id, limit=100))[::-1]


def _sync(transitions: Sequence[Transition]) -> list[tuple[Sync | None, Sync | None]]:
    return [(one.sync_before, one.sync) for one in transitions]


async def test_a_transition_says_what_was_what_is_and_by_what(store: Store) -> None:
    await _add(store, a_chatbot(source="main", revision="a1"))
    await _change(store, cause="run/run_1", **DRIFT)
    appeared, drifted = await _told(store)
    assert (appeared.sync_before, appeared.direction_before, appeared.source_before) == (None, None, None)
    assert (appeared.sync, appeared.source, appeared.cause) == (Sync.UNKNOWN, "main", SERVICE)
    expected = Transition(
        at=drifted.at,
        tenant="acme",
        chatbot_id="bot_1",
        source_before="main",
        source="main",
        sync_before=Sync.UNKNOWN,
        sync=Sync.OUT_OF_SYNC,
        direction_before=Direction.UNKNOWN,
        direction=Direction.GIT_AHEAD,
        reason=Reason.AWAITING_APPROVAL,
        revision="a1",
        cause="run/run_1",
    )
    assert drifted == expected


async def test_what_stays_as_it_was_leaves_no_row(store: Store) -> None:
    await _add(store, a_chatbot(**DRIFT))
    await _change(store, reason=Reason.SUSPENDED, epoch=3, name="New")
    assert len(await _told(store)) == 1


async def test_another_direction_or_source_leaves_a_row(store: Store) -> None:
    await _add(store, a_chatbot(source="main", **DRIFT))
    await _change(store, direction=Direction.DIVERGED)
    await _change(store, source="other")
    _, turned, moved = await _told(store)
    assert (turned.direction_before, turned.direction) == (Direction.GIT_AHEAD, Direction.DIVERGED)
    assert (moved.source_before, moved.source) == ("main", "other")


async def test_a_forgotten_chatbot_leaves_a_row(store: Store) -> None:
    await _add(store, a_chatbot(source="main", **DRIFT))
    async with store.begin() as uow:
        found = await uow.chatbots.get("acme", "bot_1")
        assert found is not None
        await uow.chatbots.remove(found)
    gone = (await _told(store))[-1]
    assert (gone.sync_before, gone.sync, gone.source, gone.direction) == (Sync.OUT_OF_SYNC, None, None, None)


async def test_a_transaction_leaves_one_row_however_often_it_saves(store: Store) -> None:
    async with store.begin() as uow:
        uow.history.because("run/run_1")
        await uow.chatbots.add(a_chatbot())
        bot = await uow.chatbots.save(a_chatbot(source="main"))
        uow.history.because("run/run_2")
        bot = await uow.chatbots.save(replace(bot, **DRIFT))
        uow.history.because("run/run_3")
        await uow.chatbots.save(replace(bot, message="only words"))
    assert [(one.sync_before, one.sync, one.cause) for one in await _told(store)] == [
        (None, Sync.OUT_OF_SYNC, "run/run_2")
    ]


async def test_what_comes_and_goes_within_a_transaction_leaves_none(store: Store) -> None:
    await _add(store, a_chatbot())
    async with store.begin() as uow:
        bot = await uow.chatbots.save(a_chatbot(**DRIFT))
        await uow.chatbots.save(replace(bot, sync=Sync.UNKNOWN, direction=Direction.UNKNOWN))
        await uow.chatbots.add(a_chatbot("bot_2"))
        await uow.chatbots.remove(a_chatbot("bot_2"))
    assert len(await _told(store)) == 1
    assert await _told(store, "bot_2") == []


async def test_what_is_saved_unread_is_compared_with_what_is_kept(store: Store) -> None:
    await _add(store, a_chatbot("a", **AGREED), a_chatbot("b", **DRIFT))
    async with store.begin() as uow:
        await uow.chatbots.save_all([a_chatbot("a", **DRIFT), a_chatbot("b", **DRIFT)])
    assert _sync(await _told(store, "a"))[1:] == [(Sync.SYNCED, Sync.OUT_OF_SYNC)]
    assert _sync(await _told(store, "b"))[1:] == []


async def test_what_is_rolled_back_leaves_no_row(store: Store) -> None:
    await _add(store, a_chatbot())

    async def fail() -> None:
        async with store.begin() as uow:
            await uow.chatbots.save(a_chatbot(**DRIFT))
            raise Conflict("concurrent_change", "on purpose")

    with pytest.raises(Conflict):
        await fail()
    assert len(await _told(store)) == 1


async def test_when_the_row_cannot_be_written_the_chatbot_is_not_changed_either(store: Store) -> None:
    await _add(store, a_chatbot())

    def refuse(*arguments: Any) -> None:
        if "INSERT INTO transitions" in arguments[2]:
            raise ConnectionResetError("on purpose")

    writer = store._engines.writer.sync_engine  # there is no other way to fail between two statements
    event.listen(writer, "before_cursor_execute", refuse)
    try:
        with pytest.raises(ConnectionResetError):
            await _change(store, **DRIFT)
    finally:
        event.remove(writer, "before_cursor_execute", refuse)
    async with store.read() as uow:
        found = await uow.chatbots.get("acme", "bot_1")
    assert found == a_chatbot()
    assert len(await _told(store)) == 1


async def test_a_batch_costs_the_same_statements_whatever_its_size(store: Store) -> None:
    many = [a_chatbot(f"b{number:04}") for number in range(300)]
    await _add(store, *many)
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    writer = store._engines.writer.sync_engine
    event.listen(writer, "before_cursor_execute", note)
    try:
        async with store.begin() as uow:
            found = await uow.chatbots.some("acme", [bot.id for bot in many])
            await uow.chatbots.save_all([replace(bot, **DRIFT) for bot in found.values()])
    finally:
        event.remove(writer, "before_cursor_execute", note)
    assert len([one for one in statements if one.startswith("INSERT INTO transitions")]) == 1
    assert len([one for one in statements if one.startswith("SELECT") and "FROM chatbots" in one]) == 1
    assert _sync(await _told(store, "b0299"))[-1] == (Sync.UNKNOWN, Sync.OUT_OF_SYNC)


async def test_the_last_transitions_come_newest_first(store: Store) -> None:
    await _add(store, a_chatbot(), a_chatbot(tenant="zeta", **DRIFT))
    for changes in (DRIFT, AGREED, DRIFT):
        await _change(store, **changes)
    found = await store.queries.transitions_of("acme", "bot_1", limit=2)
    assert _sync(found) == [(Sync.SYNCED, Sync.OUT_OF_SYNC), (Sync.OUT_OF_SYNC, Sync.SYNCED)]


async def test_the_oldest_drift_is_found_among_what_is_visible(store: Store, clock: FakeClock) -> None:
    now = clock.now()
    assert await store.queries.oldest_drift() is None
    await _add(
        store,
        a_chatbot("young", source="main", drifted_at=now, **DRIFT),
        a_chatbot("old", source="other", drifted_at=now - timedelta(days=2), **DRIFT),
        a_chatbot("unknown", source="main", held_drift_at=now - timedelta(days=9)),
    )

    async def oldest(visible: Sequence[str] | None) -> str | None:
        found = await store.queries.oldest_drift(visible)
        return found.id if found else None

    assert [await oldest(visible) for visible in (None, ["main"], ["main", "other"], [])] == [
        "old",
        "young",
        "old",
        None,
    ]


async def test_the_curve_by_what_changed_is_the_real_count_at_each_moment(store: Store, clock: FakeClock) -> None:
    """Changes at random, counted after each: the curve, made backwards from now, agrees wherever it begins and ends."""
    chance = random.Random(7)
    real: dict[str | None, list[tuple[datetime, int]]] = {None: [], "main": [], "other": []}
    alive: list[str] = []
    for number in range(40):
        await _stir(store, chance, alive, number)
        for source, counted in real.items():
            counted.append((await _moment(store), await _count(store, source)))
        clock.advance(chance.choice([0.25, 60, 3600]))
    for source, counted in real.items():
        visible = None if source is None else [source]
        assert len({number for _, number in counted}) > 2
        for (since, first), (until, last) in zip(counted, counted[3:], strict=False):
            found = await store.queries.out_of_sync_curve(visible, since=since, until=until, buckets=1)
            assert [point.out_of_sync for point in found] == [first, last], source


async def test_the_curve_knows_the_peak_between_two_of_its_points(store: Store, clock: FakeClock) -> None:
    await _add(store, *(a_chatbot(f"b{number}", source="main", **AGREED) for number in range(3)))
    clock.advance(60)
    since = await _moment(store)
    clock.advance(60)
    for change in (DRIFT, AGREED):
        for number in range(3):
            await _change(store, f"b{number}", **change)
            clock.advance(60)
    until = await _moment(store)
    first, last = await store.queries.out_of_sync_curve(None, since=since, until=until, buckets=1)
    assert (first.out_of_sync, last.out_of_sync) == (0, 0)
    assert (last.most, last.least, last.most_either) == (3, 0, 3)
    assert last.unknown_period is None


async def test_the_curve_tells_when_chatbots_were_unknown(store: Store, clock: FakeClock) -> None:
    """Those without a document, or whose document was removed, were not: there is nothing to see of them."""
    managed = [a_chatbot(f"b{number}", source="main", **DRIFT) for number in range(3)]
    await _add(store, *managed, a_chatbot("nobodys", source=None), a_chatbot("removed", source="main", **DRIFT))
    clock.advance(60)
    since = await _moment(store)
    clock.advance(60)
    lost = {"sync": Sync.UNKNOWN, "direction": Direction.UNKNOWN, "reason": Reason.TARGET_UNREACHABLE}
    await _change(store, "removed", **lost)
    await _change(store, "removed", fault=Reason.ORPHANED, reason=Reason.ORPHANED)
    for change in (lost, DRIFT):
        for number in range(2):
            await _change(store, f"b{number}", **change)
            clock.advance(60)
    until = await _moment(store)
    told = {name: await _told(store, name) for name in ("b0", "b1")}
    first, last = await store.queries.out_of_sync_curve(["main"], since=since, until=until, buckets=1)
    assert (first.unknown, last.unknown, last.out_of_sync, last.least, last.most_either) == (0, 0, 3, 1, 4)
    assert last.unknown_period == UnknownPeriod(told["b0"][1].at, told["b1"][2].at, 2, 3)
    hidden = await store.queries.out_of_sync_curve(["other"], since=since, until=until, buckets=1)
    assert [point.unknown_period for point in hidden] == [None, None]


async def _moment(store: Store) -> datetime:
    async with store.read() as uow:
        return await uow.now()


async def _stir(store: Store, chance: random.Random, alive: list[str], number: int) -> None:
    """Add, change or remove some chatbots in one transaction."""
    async with store.begin() as uow:
        for chatbot_id in list(alive):
            found = await uow.chatbots.get("acme", chatbot_id)
            assert found is not None
            if chance.random() < 0.1:
                await uow.chatbots.remove(found)
                alive.remove(chatbot_id)
            elif chance.random() < 0.5:
                source = chance.choice(["main", "other", None])
                await uow.chatbots.save(replace(found, sync=chance.choice(list(Sync)), source=source))
        if chance.random() < 0.5:
            await uow.chatbots.add(a_chatbot(f"b{number}", source="main", sync=chance.choice(list(Sync))))
            alive.append(f"b{number}")


async def _count(store: Store, source: str | None) -> int:
    counts = await store.queries.counts(None if source is None else [source])
    return counts.sync[Sync.OUT_OF_SYNC]


async def test_what_ended_long_ago_is_forgotten_and_episodes_stay_whole(store: Store, clock: FakeClock) -> None:
    await _add(store, a_chatbot("ended"), a_chatbot("lasts"), a_chatbot("late"))
    for chatbot_id in ("ended", "lasts", "late"):
        await _change(store, chatbot_id, **AGREED)
        await _change(store, chatbot_id, **DRIFT)
        await _change(store, chatbot_id, direction=Direction.DIVERGED)
    await _change(store, "ended", **AGREED)
    limit = await _boundary(store, clock)
    await _change(store, "late", **AGREED)
    before = {name: episodes(await store.queries.transitions_of("acme", name, limit=9)) for name in ("lasts", "late")}
    async with store.begin() as uow:
        removed = await uow.history.forget_before(limit)
    assert removed == 5 + 2 + 2
    assert await _told(store, "ended") == []
    for name, told in before.items():
        assert episodes(await store.queries.transitions_of("acme", name, limit=9)) == told
        assert len(told) == 1


async def _boundary(store: Store, clock: FakeClock) -> datetime:
    """A moment after all that was and before all that comes, by the database's clock."""
    clock.advance(60)
    limit = await _moment(store)
    clock.advance(60)
    return limit
