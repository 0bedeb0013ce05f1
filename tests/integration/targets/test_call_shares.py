"""What calls cost, counted by the journal of a real server."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api_client.sandbox import SandboxServer
from reconciler.domain.entities import Trigger
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.domain.status import Reason
from reconciler.engine.context import PROGRAM
from reconciler.engine.live_views import KEPT, LiveViews
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.targets.wizchat import Access, WizChatTarget, WizChatWriter
from tests.support.defaults import call_budget, tenant_binding
from tests.support.service import READ_KEY, WRITE_KEY, sandbox_of
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio
DAILY = 40


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_of({BOT: spec("Old")}) as running:
        yield running


@asynccontextmanager
async def connected(w: World, sandbox: SandboxServer) -> AsyncIterator[World]:
    """Go on with the real API, within a budget of `DAILY` calls of which a fifth is kept for applies."""
    limits = {"requests_per_minute": 60_000, "daily_budget": DAILY, "apply_reserve": 0.2, "live_share": 1.0}
    budget = call_budget(TENANT, w.clock, **limits)
    async with (
        WizChatTarget(Access(TENANT, sandbox.url, READ_KEY), budget) as target,
        WizChatWriter(Access(TENANT, sandbox.url, WRITE_KEY), budget) as writer,
    ):
        w.switch_tenants({TENANT: tenant_binding(TENANT, target, read_only=False, live_views_per_hour=1000)})
        w.applier.writers = {TENANT: writer}
        yield w


def paths(sandbox: SandboxServer) -> list[str]:
    """The path of every request that reached the API."""
    return [request["path"] for request in sandbox.control.journal()["requests"]]


async def test_a_commit_of_many_ids_that_do_not_exist_costs_one_call_a_run(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    async with world(tmp_path, {}, {path_of(): document(spec("Old"))}) as made, connected(made, sandbox) as w:
        tiny = {path_of(f"none_{number}"): document({"core": {}}, f"none_{number}") for number in range(200)}
        await w.refresh()
        before = len(paths(sandbox))
        w.commit(tiny)
        for full in (False, True, False):
            await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=full)
            await w.idle()
        since = Counter(paths(sandbox)[before:])
        # one list for each run, and one with the write key for the full one
        assert since == {"/api/v1/chatbots": 4, f"/api/v1/chatbots/{BOT}/apply": 1}
        assert (await w.chatbot("none_199")).fault is Reason.CHATBOT_MISSING


async def test_looks_that_use_up_the_day_leave_an_approved_apply_its_calls(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    async with world(tmp_path, {}, {path_of(): document(spec("New"))}) as made, connected(made, sandbox) as w:
        await w.refresh()
        plan = await w.open_plan()
        await w.approve(plan)
        looks, refused = LiveViews(w.engine), None
        for _ in range(DAILY):
            w.clock.advance(KEPT.total_seconds() + 1)
            refused = (await looks.get(TENANT, BOT, "viewer")).failure or refused
        assert "what apply_reserve keeps for applies" in str(refused)
        run = await w.refresh()
        assert "apply_reserve" in str(run.message)

        apply = await w.apply(await w.plan(plan.id))
        assert (apply.status, apply.message) == (ApplyStatus.APPLIED, "The plan was applied and verified.")
        assert len(paths(sandbox)) <= DAILY


async def test_a_quota_that_is_used_up_is_asked_nothing_until_it_is_renewed_and_nothing_is_forgotten(
    tmp_path: Path,
) -> None:
    bots = [f"bot_{number:02}" for number in range(12)]
    files = {path_of(bot): document(spec("New"), bot) for bot in bots}
    with sandbox_of({bot: spec("Old") for bot in bots}) as sandbox:
        async with world(tmp_path, {bot: spec("Old") for bot in bots}, files) as made, connected(made, sandbox) as w:
            sandbox.control.put_key("read", key=READ_KEY, daily_quota=7)
            await w.refresh()
            refused_at = len(paths(sandbox))
            assert refused_at <= 7 + w.engine.tenants[TENANT].concurrency, "no more than those under way were refused"
            for full in (True, False):
                await w.refresh(full=full)
            assert len(paths(sandbox)) == refused_at

            sandbox.control.put_key("read", key=READ_KEY)
            before = len(paths(sandbox))
            w.clock.advance(86_400)
            run = await w.refresh()
            assert len(paths(sandbox)) > before
            assert run.counts.dry_runs == len(bots)
            assert run.counts.uncompared == 0
