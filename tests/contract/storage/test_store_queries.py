"""Lists: paging loses nothing, repeats nothing, and filters hold together."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.listing import AuditFilter, ChatbotFilter, Page, PlanFilter
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.storage import Store
from tests.fakes.clock import START
from tests.support import records

pytestmark = pytest.mark.anyio

List = Callable[[int, str | None], Awaitable[Page[Any]]]


async def _pages(part: List, limit: int) -> list[list[Any]]:
    pages, cursor = list[list[Any]](), None
    while True:
        page = await part(limit, cursor)
        pages.append(list(page.items))
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def _fill(store: Store) -> None:
    async with store.begin() as uow:
        for number in range(7):
            # pairs share a moment: only the id tells them apart
            created_at = START + timedelta(microseconds=number // 2)
            await uow.plans.add(records.a_plan(f"p{number}", chatbot_id=f"b{number}", created_at=created_at))
            await uow.runs.add(records.a_run(f"r{number}", created_at=created_at))
            await uow.chatbots.add(records.a_chatbot(f"b{number}", tenant="zeta" if number % 2 else "acme"))
            await uow.audit.append(at=START, actor="ana", action="x", subject="s")


def _lists(store: Store) -> dict[str, List]:
    queries = store.queries
    return {
        "plans": lambda limit, cursor: queries.plans(PlanFilter(), limit=limit, cursor=cursor),
        "runs": lambda limit, cursor: queries.runs(None, limit=limit, cursor=cursor),
        "chatbots": lambda limit, cursor: queries.chatbots(ChatbotFilter(), limit=limit, cursor=cursor),
        "audit": lambda limit, cursor: queries.audit(None, limit=limit, cursor=cursor),
    }


@pytest.mark.parametrize("name", ["plans", "runs", "chatbots", "audit"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_pages_put_together_are_the_whole_list(store: Store, name: str, limit: int) -> None:
    await _fill(store)
    part = _lists(store)[name]
    whole = list((await part(100, None)).items)
    pages = await _pages(part, limit)
    assert [item for page in pages for item in page] == whole
    assert len(whole) == 7
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1]


async def test_the_newest_comes_first_and_chatbots_by_tenant_and_id(store: Store) -> None:
    await _fill(store)
    lists = _lists(store)
    assert [plan.id for plan in (await lists["plans"](9, None)).items] == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]
    assert [run.id for run in (await lists["runs"](9, None)).items] == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
    assert [entry.seq for entry in (await lists["audit"](9, None)).items] == [7, 6, 5, 4, 3, 2, 1]
    chatbots = (await lists["chatbots"](9, None)).items
    assert [bot.id for bot in chatbots] == ["b0", "b2", "b4", "b6", "b1", "b3", "b5"]


async def test_new_rows_do_not_shift_the_next_page(store: Store) -> None:
    await _fill(store)
    first = await store.queries.plans(PlanFilter(), limit=3, cursor=None)
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("newer", chatbot_id="new", created_at=START + timedelta(days=1)))
    second = await store.queries.plans(PlanFilter(), limit=3, cursor=first.next_cursor)
    assert [plan.id for plan in second.items] == ["p3", "p2", "p1"]


@pytest.mark.parametrize("cursor", ["", "x", "ä", "e30", "WyJwbGFucyIsMSwyXQ", "WyJwbGFucyJd", "bnVsbA"])
async def test_a_cursor_that_was_not_handed_out_is_refused(store: Store, cursor: str) -> None:
    for part in _lists(store).values():
        with pytest.raises(ValueError, match="cursor was not handed out by this list"):
            await part(10, cursor)


async def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    await _fill(store)
    lists = _lists(store)
    cursor = (await lists["plans"](1, None)).next_cursor
    with pytest.raises(ValueError, match="cursor was not handed out by this list"):
        await lists["runs"](1, cursor)


async def _found(store: Store, **wanted: Any) -> list[str]:
    page = await store.queries.chatbots(ChatbotFilter(**wanted), limit=100, cursor=None)
    return [chatbot.id for chatbot in page.items]


async def test_chatbots_are_filtered_by_everything_given(store: Store) -> None:
    bots = [
        records.a_chatbot("a", source="main", sync=Sync.SYNCED, direction=Direction.IN_SYNC, reason=Reason.IN_SYNC),
        records.a_chatbot("b", source="main", sync=Sync.OUT_OF_SYNC, direction=Direction.GIT_AHEAD),
        records.a_chatbot("c", source="other", sync=Sync.OUT_OF_SYNC, direction=Direction.LIVE_AHEAD),
        records.a_chatbot("d", tenant="zeta"),
    ]
    async with store.begin() as uow:
        for bot in bots:
            await uow.chatbots.add(bot)
    assert await _found(store) == ["a", "b", "c", "d"]
    assert await _found(store, sync=Sync.OUT_OF_SYNC) == ["b", "c"]
    assert await _found(store, sync=Sync.OUT_OF_SYNC, direction=Direction.LIVE_AHEAD) == ["c"]
    assert await _found(store, reason=Reason.IN_SYNC) == ["a"]
    assert await _found(store, source="main") == ["a", "b"]
    assert await _found(store, tenant="zeta") == ["d"]
    assert await _found(store, visible=["other", "main"]) == ["a", "b", "c"]
    assert await _found(store, visible=[]) == []


async def test_a_suspended_chatbot_is_found_and_counted_by_its_reason_and_as_suspended(store: Store) -> None:
    async with store.begin() as uow:
        await uow.suspensions.add(records.a_suspension("stop_1"))
        await uow.chatbots.add(records.a_chatbot("a", reason=Reason.BLOCKED_BY_DELETE_GATE, suspension_id="stop_1"))
        await uow.chatbots.add(records.a_chatbot("b", reason=Reason.IN_SYNC, suspension_id="stop_1"))
        await uow.chatbots.add(records.a_chatbot("c", reason=Reason.IN_SYNC))
        await uow.plans.add(records.a_plan("p", suspension_id="stop_1"))
    assert await _found(store, reason=Reason.BLOCKED_BY_DELETE_GATE) == ["a"]
    assert await _found(store, reason=Reason.IN_SYNC) == ["b", "c"]
    assert await _found(store, reason=Reason.SUSPENDED) == ["a", "b"]
    counts = await store.queries.counts()
    assert counts.reason == {Reason.BLOCKED_BY_DELETE_GATE: 1, Reason.IN_SYNC: 2, Reason.SUSPENDED: 2}
    assert sum(counts.sync.values()) == 3
    plan = await store.queries.plan("p")
    assert plan is not None
    assert plan.suspension_id == "stop_1"
    assert await store.queries.suspensions_with(["stop_1", "gone"]) == {"stop_1": records.a_suspension("stop_1")}


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("team=support", ["a"]),
        ("team", ["a", "b", "c"]),
        ("team=", ["c"]),
        ("team=x=y", ["b"]),
        ("tea", []),
        ('we"ird.na$me=1', ["d"]),
        ('"', []),
        ("'; drop table chatbots", []),
    ],
)
async def test_chatbots_are_found_by_label(store: Store, label: str, found: list[str]) -> None:
    labels = {"a": {"team": "support"}, "b": {"team": "x=y"}, "c": {"team": ""}, "d": {'we"ird.na$me': "1"}}
    async with store.begin() as uow:
        for chatbot_id, stated in labels.items():
            await uow.chatbots.add(records.a_chatbot(chatbot_id, labels=stated))
    assert await _found(store, label=label) == found


@pytest.mark.parametrize(
    ("q", "found"),
    [("BOT", ["bot_a"]), ("über", ["b"]), ("ÜBER", ["b"]), ("100%", ["c"]), ("%", ["c"]), ("_", ["bot_a"])],
)
async def test_chatbots_are_found_by_a_part_in_any_case(store: Store, q: str, found: list[str]) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot("bot_a"))
        await uow.chatbots.add(records.a_chatbot("b", name="Über uns"))
        await uow.chatbots.add(records.a_chatbot("c", path="chat/100%.yaml"))
    assert await _found(store, q=q) == found


async def test_a_renamed_chatbot_is_found_by_its_new_name(store: Store) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot(name="Old"))
        await uow.chatbots.save(records.a_chatbot(name="New"))
    assert await _found(store, q="new") == ["bot_1"]
    assert await _found(store, q="old") == []


async def test_an_id_of_two_tenants_is_two_chatbots(store: Store) -> None:
    async with store.begin() as uow:
        for tenant in ("zeta", "acme"):
            await uow.chatbots.add(records.a_chatbot("same", tenant=tenant))
    assert [bot.tenant for bot in await store.queries.chatbots_with(["same", "none"])] == ["acme", "zeta"]
    assert await store.queries.chatbots_with([]) == []


async def test_plans_and_runs_are_filtered(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("a", status=PlanStatus.APPLIED))
        await uow.plans.add(records.a_plan("b", source="other"))
        await uow.plans.add(records.a_plan("c", chatbot_id="bot_2", tenant="zeta"))
        await uow.runs.add(records.a_run("r1"))
        await uow.runs.add(records.a_run("r2", source="other", status=RunStatus.FAILED))

    async def found(**wanted: Any) -> list[str]:
        return [plan.id for plan in (await store.queries.plans(PlanFilter(**wanted), limit=9, cursor=None)).items]

    assert await found() == ["c", "b", "a"]
    assert await found(status={PlanStatus.APPLIED, PlanStatus.FAILED}) == ["a"]
    assert await found(status=()) == []
    assert await found(source="other") == ["b"]
    assert await found(chatbot="bot_1") == ["b", "a"]
    assert await found(tenant="zeta", chatbot="bot_2") == ["c"]
    assert await found(visible=["other"]) == ["b"]
    assert [run.id for run in (await store.queries.runs(["other"], limit=9, cursor=None)).items] == ["r2"]
    assert [run.id for run in (await store.queries.runs([], limit=9, cursor=None)).items] == []


async def test_audit_entries_are_found_by_subject(store: Store) -> None:
    async with store.begin() as uow:
        for subject in ("plan/1", "plan/2", "plan/1"):
            await uow.audit.append(at=START, actor="ana", action="x", subject=subject)
    page = await store.queries.audit(AuditFilter(subject="plan/1"), limit=9, cursor=None)
    assert [entry.seq for entry in page.items] == [3, 1]


async def test_audit_entries_are_found_by_who_what_and_since_when(store: Store) -> None:
    async with store.begin() as uow:
        for actor, action in (
            ("ana", "plan.approve"),
            ("ben", "plan.approve.refused"),
            ("ana", "planXapprove"),
            ("ana", "suspend"),
        ):
            await uow.audit.append(at=START, actor=actor, action=action, subject="s")

    async def found(**wanted: Any) -> list[int]:
        page = await store.queries.audit(AuditFilter(**wanted), limit=9, cursor=None)
        return [entry.seq for entry in page.items]

    assert await found(actor="ana") == [4, 3, 1]
    assert await found(action="plan.") == [2, 1]
    assert await found(action="plan_") == []
    assert await found(action="plan.approve", actor="ben") == [2]
    assert await found(after=2) == [4, 3]


async def test_applies_and_approvals_of_plans(store: Store) -> None:
    async with store.begin() as uow:
        for number in (1, 2, 3):
            await uow.plans.add(records.a_plan(f"plan_{number}", chatbot_id=f"bot_{number}"))
        await uow.applies.add(records.an_apply("z_first"))
        await uow.applies.add(records.an_apply("a_second", created_at=START + timedelta(seconds=1)))
        await uow.approvals.add(records.an_approval("z_first"))
        await uow.approvals.add(records.an_approval("a_second", created_at=START + timedelta(seconds=1)))
        await uow.approvals.add(records.an_approval("elsewhere", plan_id="plan_2"))
    applies = await store.queries.applies_of(["plan_1", "plan_2", "plan_3"])
    assert {plan_id: apply.id for plan_id, apply in applies.items()} == {"plan_1": "a_second"}
    approvals = await store.queries.approvals_of(["plan_1", "plan_3"])
    assert {plan_id: [one.id for one in found] for plan_id, found in approvals.items()} == {
        "plan_1": ["z_first", "a_second"]
    }
    assert await store.queries.applies_of([]) == {}


async def test_single_things_are_read_without_a_writer(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan())
        await uow.runs.add(records.a_run())
        await uow.applies.add(records.an_apply())
        await uow.tokens.add(records.a_token())
        await uow.suspensions.add(records.a_suspension())
    assert await store.queries.plan("plan_1") == records.a_plan()
    assert await store.queries.run("run_1") == records.a_run()
    assert await store.queries.apply("apply_1") == records.an_apply()
    assert await store.queries.runs_with(["run_1", "none"]) == {"run_1": records.a_run()}
    assert await store.queries.applies_with(["apply_1", "none"]) == {"apply_1": records.an_apply()}
    assert await store.queries.tokens() == [records.a_token()]
    assert await store.queries.suspensions() == [records.a_suspension()]
    assert await store.queries.plan("none") is None


async def test_counts_are_of_what_may_be_seen(store: Store) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(records.a_chatbot("a", source="main", sync=Sync.SYNCED, reason=Reason.IN_SYNC))
        await uow.chatbots.add(records.a_chatbot("b", source="other", sync=Sync.OUT_OF_SYNC))
        await uow.chatbots.add(records.a_chatbot("c"))
        await uow.plans.add(records.a_plan("a", status=PlanStatus.APPLIED))
        await uow.plans.add(records.a_plan("b", source="other"))
    counts = await store.queries.counts()
    assert counts.sync == {Sync.SYNCED: 1, Sync.OUT_OF_SYNC: 1, Sync.UNKNOWN: 1}
    assert counts.direction[Direction.UNKNOWN] == 3
    assert counts.direction[Direction.DIVERGED] == 0
    assert counts.reason == {Reason.IN_SYNC: 1, Reason.NOT_CHECKED: 2}
    assert counts.open_plans == {
        PlanStatus.PENDING: 1,
        PlanStatus.APPROVED: 0,
        PlanStatus.APPLYING: 0,
        PlanStatus.OUTCOME_UNKNOWN: 0,
    }
    assert [await store.queries.waiting(of) for of in (None, ["other"], ["main"], [])] == [1, 1, 0, 0]
    mine = await store.queries.counts(["main"])
    assert (sum(mine.sync.values()), sum(mine.open_plans.values())) == (1, 0)


async def test_the_plan_that_came_directly_after_one(store: Store) -> None:
    first, later = records.a_plan("p1"), START + timedelta(hours=1)
    async with store.begin() as uow:
        await uow.plans.add(first)
        await uow.plans.add(records.a_plan("p2", status=PlanStatus.STALE, closed_at=later))
        await uow.plans.add(records.a_plan("p3", status=PlanStatus.STALE, created_at=later, source="side"))
        await uow.plans.add(records.a_plan("p4", status=PlanStatus.STALE, created_at=later + timedelta(hours=1)))
        await uow.plans.add(records.a_plan("p5", chatbot_id="another"))

    async def after(plan_id: str, *visible: str) -> str | None:
        plan = await store.queries.plan(plan_id)
        assert plan is not None
        found = await store.queries.plan_after(plan, visible or None)
        return found.id if found else None

    assert [await after(each) for each in ("p1", "p2", "p3", "p4", "p5")] == ["p2", "p3", "p4", None, None]
    assert await after("p2", first.source) == "p4"
