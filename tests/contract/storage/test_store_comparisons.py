"""What is to be compared, and what a list says otherwise, is found by the database: on each kind of database alike."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from reconciler.domain.comparisons import Comparison, Scope
from reconciler.domain.status import CheckedBy, Reason, Sync
from reconciler.storage import Store
from tests.fakes.clock import START
from tests.support import records

pytestmark = pytest.mark.anyio

DIGEST = "d" * 64
EARLIER, LATER = START - timedelta(days=1), START + timedelta(microseconds=1)
SEEN: dict[str, Any] = {
    "source": "main",
    "fault": None,
    "checked_digest": DIGEST,
    "checked_at": START,
    "live_updated_at": START,
    "compared_updated_at": START,
}
"""A chatbot that was compared, and of which the list says what it said then."""


async def keep(store: Store, **chatbots: dict[str, Any]) -> None:
    """Keep chatbots by id with good documents."""
    async with store.begin() as uow:
        await uow.sources.add(records.a_source())
        for chatbot_id, changes in chatbots.items():
            await uow.chatbots.add(replace(records.a_chatbot(chatbot_id), **changes))
        await uow.documents.replace("main", [records.a_document(chatbot_id) for chatbot_id in sorted(chatbots)])


async def found(store: Store, scope: Scope, *, limit: int = 100) -> list[Comparison]:
    after: str | None = ""
    comparisons: list[Comparison] = []
    async with store.read() as uow:
        while after is not None:
            page = await uow.comparisons.page("main", scope, after=after, limit=limit)
            comparisons += page.comparisons
            after = page.last
    return comparisons


async def test_each_scope_has_its_chatbots_for_its_reasons(store: Store) -> None:
    await keep(
        store,
        a_same=SEEN,
        b_moved=SEEN | {"live_updated_at": LATER},
        c_back=SEEN | {"live_updated_at": EARLIER},
        d_unknown=SEEN | {"live_updated_at": None},
        e_commit=SEEN | {"checked_digest": None},
        f_retry=SEEN | {"checked_digest": None, "fault": Reason.TARGET_UNREACHABLE},
        g_refused=SEEN | {"checked_digest": None, "fault": Reason.DOCUMENT_INVALID},
        h_elsewhere=SEEN | {"source": "other"},
    )
    by = {one.document.chatbot_id: one.checked_by for one in await found(store, Scope.PENDING)}
    assert by == {"e_commit": CheckedBy.COMMIT, "f_retry": CheckedBy.RETRY}
    by = {one.document.chatbot_id: one.checked_by for one in await found(store, Scope.MOVED)}
    moved = dict.fromkeys(["b_moved", "c_back", "d_unknown"], CheckedBy.MOVED)
    assert by == {"e_commit": CheckedBy.COMMIT, "f_retry": CheckedBy.RETRY, **moved}
    everything = await found(store, Scope.ALL, limit=2)
    assert [one.document.chatbot_id[0] for one in everything] == list("abcdef")
    assert {one.checked_by for one in everything} == {CheckedBy.FULL}
    assert [one.is_unmoved for one in everything] == [True, False, False, False, False, False]


async def test_the_oldest_comparison_comes_first(store: Store) -> None:
    await keep(
        store,
        b=SEEN | {"checked_at": START - timedelta(hours=2)},
        a=SEEN | {"checked_at": START - timedelta(hours=3)},
        c=SEEN | {"checked_at": START - timedelta(hours=1)},
        future=SEEN | {"checked_at": START + timedelta(days=9)},
        moved=SEEN | {"checked_at": EARLIER, "live_updated_at": LATER},
        now=SEEN,
    )
    async with store.read() as uow:
        assert await uow.comparisons.oldest("main", START, START, 3) == ["future", "a", "b"]
        assert await uow.comparisons.oldest("main", START, START, 9) == ["future", "a", "b", "c"]
        assert await uow.comparisons.oldest("main", START, START, 0) == ()
        assert await uow.comparisons.due("main", START - timedelta(hours=2), START) == (6, 4)
        some = await uow.comparisons.some("main", ["a", "b", "none"])
    assert [(one.document.chatbot_id, one.checked_by) for one in some] == [
        ("a", CheckedBy.ROTATION),
        ("b", CheckedBy.ROTATION),
    ]


async def test_a_touch_moves_what_was_seen_and_nothing_else(store: Store) -> None:
    await keep(store, a=SEEN | {"sync": Sync.SYNCED, "revision": "r2"}, b=SEEN | {"sync": Sync.OUT_OF_SYNC})
    comparisons = [replace(one, listed=LATER) for one in await found(store, Scope.ALL)]
    async with store.begin() as uow:
        answered = [(one, f"answer {one.document.chatbot_id}") for one in comparisons]
        assert await uow.comparisons.touch(answered, LATER, listed=True)
    async with store.read() as uow:
        first, second = [await uow.chatbots.get("acme", key) for key in ("a", "b")]
    assert first is not None
    assert second is not None
    assert (first.checked_at, first.synced_at, first.synced_revision) == (LATER, LATER, "r2")
    assert (second.checked_at, second.synced_at, second.synced_revision) == (LATER, None, None)
    assert {one.compared_updated_at for one in (first, second)} == {LATER}
    assert {(one.version, one.checked_by) for one in (first, second)} == {(0, CheckedBy.FULL)}
    assert [one.answer_digest for one in (first, second)] == ["answer a", "answer b"]
    assert [one.result.answer for one in await found(store, Scope.ALL)] == ["answer a", "answer b"]


async def test_a_touch_without_a_list_says_nothing_of_it(store: Store) -> None:
    await keep(store, a=SEEN)
    comparisons = [replace(one, listed=LATER) for one in await found(store, Scope.ALL)]
    async with store.begin() as uow:
        assert await uow.comparisons.touch([(one, None) for one in comparisons], LATER, listed=False)
        chatbot = await uow.chatbots.get("acme", "a")
    assert chatbot is not None
    assert chatbot.compared_updated_at == START


async def test_a_touch_tells_when_somebody_else_was_faster(store: Store) -> None:
    await keep(store, a=SEEN, b=SEEN)
    comparisons = await found(store, Scope.ALL)
    async with store.begin() as uow:
        chatbot = await uow.chatbots.get("acme", "a")
        assert chatbot is not None
        await uow.chatbots.save(chatbot)
    async with store.begin() as uow:
        assert not await uow.comparisons.touch([(one, None) for one in comparisons], LATER, listed=True)


async def test_what_is_unexplained_is_explained_once_it_moves(store: Store) -> None:
    noted = SEEN | {"unexplained_at": START}
    await keep(store, a=noted, b=noted | {"live_updated_at": LATER}, c=SEEN)
    async with store.begin() as uow:
        assert await uow.comparisons.has_unexplained("main")
        assert await uow.comparisons.unexplained("main", EARLIER) == 0
        assert await uow.comparisons.unexplained("main", START) == 1
        await uow.comparisons.explain("main")
        assert not await uow.comparisons.has_unexplained("main")


@pytest.mark.parametrize("moment", [START, START.replace(microsecond=123_456), None])
async def test_a_list_that_says_the_same_changes_nothing(store: Store, moment: datetime | None) -> None:
    await keep(store, a=SEEN | {"live_updated_at": moment, "name": "A"}, b=SEEN | {"live_updated_at": moment})
    async with store.read() as uow:
        assert await uow.listings.changed("acme", [("a", "Another", moment), ("b", None, moment)]) == []
        assert await uow.listings.gone("acme", ["b", "a", "c"]) == []


async def test_what_a_list_says_otherwise_is_found(store: Store) -> None:
    unmanaged = {"fault": Reason.UNMANAGED, "live_updated_at": START, "name": "Free"}
    await keep(
        store,
        moved=SEEN | {"name": "A"},
        emptied=SEEN | {"name": "A"},
        unnamed=SEEN,
        same=SEEN | {"name": "A"},
        renamed=unmanaged,
        left=SEEN,
        free=unmanaged,
    )
    lines = [
        ("moved", "A", LATER),
        ("emptied", "A", None),
        ("unnamed", "now it has", START),
        ("same", "B", START),
        ("renamed", "Freed", START),
        ("new", "é \" ' \\", START),
    ]
    async with store.read() as uow:
        changed = await uow.listings.changed("acme", lines)
        gone = await uow.listings.gone("acme", [line[0] for line in lines])
        assert await uow.listings.gone("elsewhere", ["none"]) == []
    assert sorted(changed) == ["emptied", "moved", "new", "renamed", "unnamed"]
    assert sorted(gone) == ["free", "left"]


async def test_what_a_list_says_is_noted_beside_other_changes(store: Store) -> None:
    await keep(store, a=SEEN, b=SEEN)
    async with store.begin() as uow:
        await uow.listings.note("acme", {"a": LATER, "b": None, "none": LATER})
        await uow.listings.note("acme", {})
    async with store.read() as uow:
        kept = await uow.chatbots.some("acme", ["a", "b"])
    assert [(kept[key].live_updated_at, kept[key].version) for key in "ab"] == [(LATER, 0), (None, 0)]


async def test_checks_are_counted_for_each_source(store: Store) -> None:
    await keep(
        store,
        a=SEEN | {"checked_by": CheckedBy.MOVED},
        b=SEEN | {"checked_by": CheckedBy.ROTATION, "checked_at": EARLIER},
        c=SEEN | {"checked_by": None},
        d=SEEN | {"checked_digest": None, "checked_at": EARLIER - timedelta(days=9)},
        e=SEEN | {"source": "other", "checked_by": CheckedBy.FULL},
        f=SEEN | {"checked_at": None, "checked_by": CheckedBy.FULL},
    )
    counts = await store.queries.checks(["main", "none"])
    assert counts.keys() == {"main"}
    assert (counts["main"].by, counts["main"].oldest_at, counts["main"].total) == (
        {CheckedBy.MOVED: 1, CheckedBy.ROTATION: 1},
        EARLIER,
        2,
    )
