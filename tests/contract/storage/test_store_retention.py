"""What is kept once, what goes when its time has come, and what stays all the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.entities import Plan, RunStatus
from reconciler.domain.lifecycle import APPLY_ENDED, OPEN, ApplyStatus, PlanStatus
from reconciler.domain.retention import Expiring
from reconciler.domain.status import Direction, Reason
from reconciler.domain.uncompared import Uncompared
from reconciler.storage import Store, tables
from tests.fakes.clock import START
from tests.support.records import BODY, a_chatbot, a_plan, a_run, a_source, a_suspension, an_apply, an_approval

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
LATER = START + DAY
LONG = "text " * 5000
FOUND = tuple(
    Diagnostic(Severity.ERROR, f"finding {number} of a broken file", "a.yaml", number) for number in range(100)
)


async def _rows(store: Store, name: str) -> int:
    async with store._reading() as transaction:
        statement = select(func.count()).select_from(tables.metadata.tables[name])
        return int(await transaction.connection.scalar(statement) or 0)


async def _remove(store: Store, what: Expiring, *, most: int = 100, spared: Sequence[str] = ()) -> int:
    async with store.begin() as uow:
        return await uow.retention.remove(what, LATER, limit=most, spared=spared)


def _closed(plan_id: str, status: PlanStatus = PlanStatus.SUPERSEDED, **changes: Any) -> Plan:
    return a_plan(plan_id, **({"status": status, "closed_at": START} | changes))


async def test_equal_findings_are_kept_once_and_go_with_the_last_run_that_has_them(store: Store) -> None:
    async with store.begin() as uow:
        for number in range(3):
            moment = START + number * timedelta(minutes=5)
            await uow.runs.add(a_run(f"run_{number}", created_at=moment, finished_at=moment, diagnostics=FOUND))
    assert await _rows(store, "contents") == 1
    assert {run.diagnostics for run in (await store.queries.runs(None, limit=10, cursor=None)).items} == {FOUND}
    assert await _remove(store, Expiring.RUNS) == 2
    assert (await _rows(store, "contents"), await _rows(store, "content_uses")) == (1, 1)
    async with store.begin() as uow:
        run = await uow.runs.get("run_2")
        assert run is not None
        assert run.diagnostics == FOUND
        await uow.runs.save(a_run("run_2", created_at=run.created_at, finished_at=START, version=run.version))
    assert (await _rows(store, "contents"), await _rows(store, "content_uses")) == (0, 0)


async def test_what_runs_could_not_compare_is_kept_once_beside_their_findings(store: Store) -> None:
    down = tuple(Uncompared(f"bot_{n}", f"{n}.yaml", Reason.TARGET_UNREACHABLE, "check base_url") for n in range(100))
    async with store.begin() as uow:
        for number in range(3):
            moment = START + number * timedelta(minutes=5)
            ended = a_run(f"run_{number}", created_at=moment, finished_at=moment, diagnostics=FOUND)
            await uow.runs.add(replace(ended, uncompared=down))
    assert await _rows(store, "contents") == 2
    assert {run.uncompared for run in (await store.queries.runs(None, limit=10, cursor=None)).items} == {down}
    assert await _remove(store, Expiring.RUNS) == 2
    assert (await _rows(store, "contents"), await _rows(store, "content_uses")) == (2, 2)


async def test_plans_share_the_texts_that_they_have_in_common(store: Store) -> None:
    body = {**BODY, "spec": {"skills": [{"name": str(number), "body": f"{number} {LONG}"} for number in range(20)]}}
    changed = {**body, "spec": {"skills": [*body["spec"]["skills"][1:], {"name": "new", "body": f"new {LONG}"}]}}  # type: ignore[index]
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1", body=body))
        await uow.plans.add(a_plan("plan_2", body=changed))
    assert await _rows(store, "contents") == 21 + 2
    assert await _remove(store, Expiring.PLANS) == 1
    assert await _rows(store, "contents") == 20 + 1
    plan = await store.queries.plan("plan_2")
    assert plan is not None
    assert plan.body == changed


async def test_what_a_source_still_needs_of_its_runs_stays(store: Store) -> None:
    ends = [RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.FAILED]
    async with store.begin() as uow:
        for source in ("main", "other"):
            for number, status in enumerate(ends):
                moment = START + timedelta(minutes=number)
                run = a_run(f"{source}_{number}", source=source, status=status, created_at=moment, finished_at=moment)
                await uow.runs.add(run)
        await uow.runs.add(a_run("main_now", status=RunStatus.RUNNING, created_at=START - DAY))
    assert await _remove(store, Expiring.RUNS, spared=["other_0"]) == 3
    kept = {run.id for run in (await store.queries.runs(None, limit=100, cursor=None)).items}
    assert kept == {"main_1", "main_3", "main_now", "other_0", "other_1", "other_3"}


async def test_no_more_go_at_once_than_asked_for_and_the_oldest_first(store: Store) -> None:
    async with store.begin() as uow:
        for number in range(5):
            await uow.plans.add(_closed(f"plan_{number}", closed_at=START - number * DAY))
        assert await uow.retention.oldest(Expiring.PLANS, LATER) == START - 4 * DAY
    assert await _remove(store, Expiring.PLANS, most=2) == 2
    kept = {plan.id for plan in [*(await _plans(store))]}
    assert kept == {"plan_0", "plan_1", "plan_2"}
    async with store.read() as uow:
        assert await uow.retention.oldest(Expiring.PLANS, START - 2 * DAY) is None


async def _plans(store: Store) -> Sequence[Plan]:
    async with store.read() as uow:
        return list((await uow.plans.some([f"plan_{number}" for number in range(20)])).values())


@pytest.mark.parametrize("status", sorted(OPEN))
async def test_an_open_plan_stays_whatever_is_written_of_its_end(store: Store, status: PlanStatus) -> None:
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1", status))
    assert await _remove(store, Expiring.PLANS) == 0


@pytest.mark.parametrize("status", sorted(set(PlanStatus) - OPEN - {PlanStatus.REJECTED, PlanStatus.APPLIED}))
async def test_a_closed_plan_goes(store: Store, status: PlanStatus) -> None:
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1", status))
    assert await _remove(store, Expiring.PLANS) == 1


async def test_a_rejected_plan_stays_so_that_it_is_not_applied_by_itself(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1", PlanStatus.REJECTED))
    assert await _remove(store, Expiring.PLANS) == 0
    async with store.read() as uow:
        assert await uow.plans.was_rejected("acme", "bot_1", "f" * 64)


async def test_a_plan_of_which_an_approval_was_taken_back_stays(store: Store) -> None:
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1"))
        await uow.approvals.add(an_approval(revoked_at=START))
    assert await _remove(store, Expiring.PLANS) == 0


@pytest.mark.parametrize("status", sorted(set(ApplyStatus) - {ApplyStatus.APPLIED}))
async def test_a_plan_with_an_apply_that_fell_short_or_has_not_ended_stays(store: Store, status: ApplyStatus) -> None:
    async with store.begin() as uow:
        await uow.plans.add(_closed("plan_1", PlanStatus.STALE))
        await uow.applies.add(an_apply(status=status, finished_at=START if status in APPLY_ENDED else None))
    assert await _remove(store, Expiring.PLANS) == 0
    async with store.read() as uow:
        assert await uow.applies.fell_short("acme", "bot_1", "f" * 64, except_for=None)


async def test_of_applied_plans_the_last_of_each_chatbot_stays(store: Store) -> None:
    async with store.begin() as uow:
        for number, bot in enumerate(("bot_1", "bot_2", "bot_1")):
            moment = START + timedelta(minutes=number)
            plan = _closed(f"plan_{number}", PlanStatus.APPLIED, chatbot_id=bot, created_at=moment, closed_at=moment)
            await uow.plans.add(plan)
            apply = an_apply(f"apply_{number}", plan_id=plan.id, chatbot_id=bot, status=ApplyStatus.APPLIED)
            await uow.applies.add(apply)
            spent = an_approval(f"approval_{number}", plan_id=plan.id, spent_at=moment, spent_by=apply.id)
            await uow.approvals.add(spent)
    assert await _remove(store, Expiring.PLANS) == 1
    assert {plan.id for plan in await _plans(store)} == {"plan_1", "plan_2"}
    assert (await _rows(store, "applies"), await _rows(store, "approvals")) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "removed"),
    [
        ({}, 0),
        ({"direction": Direction.LIVE_AHEAD}, 1),
        ({"status": PlanStatus.RESOLVED}, 1),
        ({"revision": "b" * 40}, 1),
        ({"source": "other"}, 1),
    ],
)
async def test_what_counts_for_the_brake_of_a_revision_that_a_chatbot_has_stays(
    store: Store, changes: dict[str, Any], removed: int
) -> None:
    async with store.begin() as uow:
        await uow.chatbots.add(a_chatbot("bot_2", source="main", revision="a" * 40))
        await uow.plans.add(_closed("plan_1", **changes))
    assert await _remove(store, Expiring.PLANS) == removed


async def test_what_counts_for_the_brake_of_the_good_revision_stays(store: Store) -> None:
    async with store.begin() as uow:
        await uow.sources.add(a_source(good_revision="a" * 40))
        await uow.plans.add(_closed("plan_1"))
    assert await _remove(store, Expiring.PLANS) == 0


async def test_a_suspension_goes_after_it_was_ended_and_never_before(store: Store) -> None:
    async with store.begin() as uow:
        await uow.suspensions.add(a_suspension("suspension_1", ended_at=START))
        await uow.suspensions.add(a_suspension("suspension_2", created_at=START - 999 * DAY))
        await uow.suspensions.add(a_suspension("suspension_3", until=START - DAY))
    assert await _remove(store, Expiring.SUSPENSIONS) == 1
    async with store.read() as uow:
        assert {each.id for each in await uow.suspensions.active()} == {"suspension_2", "suspension_3"}


async def test_the_size_is_known(store: Store) -> None:
    size = await store.size()
    assert size.total > (size.free or 0) >= 0
