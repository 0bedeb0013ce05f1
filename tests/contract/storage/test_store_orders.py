"""The orders of chatbots, and plans that do the same: every page in its place, every cursor for its order alone."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.listing import ChatbotFilter, ChatbotOrder, PlanFilter, PlanGroup
from reconciler.domain.status import Direction, Sync
from reconciler.storage import Store
from tests.fakes.clock import START
from tests.support import records

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DRIFT: dict[str, Any] = {"sync": Sync.OUT_OF_SYNC, "direction": Direction.GIT_AHEAD}
BOTS = (
    records.a_chatbot("e1", name="zoe"),
    records.a_chatbot("d2", name="Ada", drifted_at=START, **DRIFT),
    records.a_chatbot("c3", name="ÄRA", drifted_at=START - HOUR, **DRIFT | {"direction": Direction.DIVERGED}),
    records.a_chatbot("b4", name="ada", tenant="zeta", drifted_at=START - HOUR, **DRIFT),
    records.a_chatbot("a5", sync=Sync.SYNCED, direction=Direction.IN_SYNC),
    records.a_chatbot("f6", name="Bea", sync=Sync.SYNCED, direction=Direction.IN_SYNC),
)
EXPECTED: Mapping[tuple[ChatbotOrder, bool], list[str]] = {
    (ChatbotOrder.ID, False): ["a5", "c3", "d2", "e1", "f6", "b4"],
    (ChatbotOrder.ID, True): ["b4", "f6", "e1", "d2", "c3", "a5"],
    # a5 has no name
    (ChatbotOrder.NAME, False): ["a5", "d2", "b4", "f6", "e1", "c3"],
    (ChatbotOrder.NAME, True): ["c3", "e1", "f6", "b4", "d2", "a5"],
    (ChatbotOrder.STATE, False): ["c3", "d2", "b4", "e1", "a5", "f6"],
    (ChatbotOrder.STATE, True): ["f6", "a5", "e1", "b4", "d2", "c3"],
    (ChatbotOrder.DRIFTED, False): ["c3", "b4", "d2", "a5", "e1", "f6"],
    (ChatbotOrder.DRIFTED, True): ["d2", "b4", "c3", "f6", "e1", "a5"],
}


async def _fill(store: Store) -> None:
    async with store.begin() as uow:
        for bot in BOTS:
            await uow.chatbots.add(bot)


@pytest.mark.parametrize(("order", "descending"), list(EXPECTED))
@pytest.mark.parametrize("limit", [1, 2, 4, 6])
async def test_pages_of_every_order_put_together_are_the_whole(
    store: Store, *, order: ChatbotOrder, descending: bool, limit: int
) -> None:
    await _fill(store)
    found, cursor = list[str](), None
    while True:
        page = await store.queries.chatbots(
            ChatbotFilter(), limit=limit, cursor=cursor, order=order, descending=descending
        )
        found += [bot.id for bot in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == EXPECTED[order, descending]


async def test_a_cursor_holds_for_its_order_alone(store: Store) -> None:
    await _fill(store)
    for order, descending in EXPECTED:
        page = await store.queries.chatbots(ChatbotFilter(), limit=1, cursor=None, order=order, descending=descending)
        for other in EXPECTED.keys() - {(order, descending)}:
            with pytest.raises(ValueError, match="cursor was not handed out by this list"):
                await store.queries.chatbots(
                    ChatbotFilter(), limit=1, cursor=page.next_cursor, order=other[0], descending=other[1]
                )


async def test_a_renamed_chatbot_moves_in_the_order_of_names(store: Store) -> None:
    await _fill(store)
    async with store.begin() as uow:
        await uow.chatbots.save(replace(BOTS[0], name="aaa"))
    page = await store.queries.chatbots(ChatbotFilter(tenant="acme"), limit=3, cursor=None, order=ChatbotOrder.NAME)
    assert [bot.name or bot.id for bot in page.items] == ["a5", "aaa", "Ada"]


def _plan(plan_id: str, change: str, **more: Any) -> Any:
    number = int(plan_id[1:])
    values = {"chatbot_id": f"bot_{plan_id}", "created_at": START + number * HOUR, "change": change, **more}
    return records.a_plan(plan_id, **values)


async def test_pending_plans_that_do_the_same_are_grouped(store: Store) -> None:
    async with store.begin() as uow:
        for number in range(7):
            await uow.plans.add(_plan(f"p{number}", "often"))
        await uow.plans.add(_plan("p20", "twice"))
        await uow.plans.add(_plan("p21", "twice", source="other"))
        await uow.plans.add(_plan("p30", "once"))
        await uow.plans.add(_plan("p31", "once", status=PlanStatus.APPROVED))
        await uow.plans.add(_plan("p40", ""))
        await uow.plans.add(_plan("p41", ""))
    often = PlanGroup("often", 7, ("p6", "p5", "p4", "p3", "p2"))
    assert await store.queries.plan_groups() == [often, PlanGroup("twice", 2, ("p21", "p20"))]
    assert await store.queries.plan_groups(limit=1) == [often]
    assert await store.queries.plan_groups(["main"]) == [often]
    assert await store.queries.plan_groups([]) == []
    page = await store.queries.plans(PlanFilter(change="twice"), limit=9, cursor=None)
    assert [plan.id for plan in page.items] == ["p21", "p20"]


LONGEST_CURSOR = 4000
"""As the API takes it."""


async def _pages(store: Store, order: ChatbotOrder, *, descending: bool) -> tuple[list[str], list[str]]:
    """The ids of a list that is read chatbot by chatbot, and the cursors on the way."""
    ids, cursors, cursor = list[str](), list[str](), None
    while True:
        page = await store.queries.chatbots(ChatbotFilter(), limit=1, cursor=cursor, order=order, descending=descending)
        ids += [bot.id for bot in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids, cursors
        cursors.append(cursor)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ChatbotOrder)
@pytest.mark.parametrize("letter", ["a", "Ä", "𝄞", '"', "\x01", "ﬃ"])
async def test_a_cursor_is_bounded_however_long_and_odd_names_and_ids_are(
    store: Store, letter: str, order: ChatbotOrder, *, descending: bool
) -> None:
    id_of = letter if letter.isprintable() else "x"
    bots = [
        records.a_chatbot(id_of * 199 + str(number), tenant="t" * 64, name=letter * 1000 + "zyx"[number % 3])
        for number in range(5)
    ]
    async with store.begin() as uow:
        for bot in bots:
            await uow.chatbots.add(bot)
    ids, cursors = await _pages(store, order, descending=descending)
    assert ids == sorted((bot.id for bot in bots), reverse=descending), "names that begin alike are told apart by id"
    assert max(map(len, cursors)) <= LONGEST_CURSOR


async def test_names_are_sorted_by_as_much_as_a_key_holds(store: Store) -> None:
    names = {"b": "same" * 24 + "abcd", "a": "same" * 24 + "abce", "d": "same" * 25 + "a", "c": "same" * 25 + "b"}
    async with store.begin() as uow:
        for chatbot_id, name in names.items():
            await uow.chatbots.add(records.a_chatbot(chatbot_id, name=name))
    assert (await _pages(store, ChatbotOrder.NAME, descending=False))[0] == ["b", "a", "c", "d"]


async def test_a_name_that_no_index_holds_is_kept(store: Store) -> None:
    """PostgreSQL refuses index rows of some 2,700 bytes that cannot be compressed."""
    random = Random(1)
    name = "".join(chr(random.randrange(0x4E00, 0x9FFF)) for _ in range(5000))
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot("long", name=name))
        await uow.chatbots.add(records.a_chatbot("short", name="一"))
    assert set((await _pages(store, ChatbotOrder.NAME, descending=False))[0]) == {"long", "short"}


@pytest.mark.parametrize("descending", [False, True])
async def test_a_cursor_of_an_older_program_with_a_whole_name_goes_on_where_it_was(
    store: Store, *, descending: bool
) -> None:
    name = "n" * 300
    async with store.begin() as uow:
        for number in range(4):
            await uow.chatbots.add(records.a_chatbot(f"b{number}", name=name))
    order = f"chatbots by name{', descending' if descending else ''}"
    whole = json.dumps([order, name, "acme", "b1"]).encode()
    old = urlsafe_b64encode(whole).rstrip(b"=").decode()
    page = await store.queries.chatbots(
        ChatbotFilter(), limit=9, cursor=old, order=ChatbotOrder.NAME, descending=descending
    )
    assert [bot.id for bot in page.items] == (["b0"] if descending else ["b2", "b3"])
