"""Random histories of commits, edits at WizChat and applies: passes give what comparing everything gives, for less.

Some edits move no `updatedAt`. The sandbox's planner answers, and its calls are counted.
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.domain.entities import Chatbot, Plan, Trigger
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from tests.support.answers import forget_answers
from tests.support.world import SOURCE, TENANT, World, document, handlers, path_of, spec, world

T = TypeVar("T")

BOTS = tuple(f"bot_{number}" for number in range(6))
INTERVAL = timedelta(minutes=15)
PASSES = 8
"""In so many passes every chatbot has its turn."""
bots = st.sampled_from(BOTS)
prompts = st.sampled_from(["a", "b", "c"])


class Histories(RuleBasedStateMachine):
    """What people do, and the schedule."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.touched: set[str] = set()
        self.stated = set(BOTS)
        self.world: World | None = None

    @property
    def w(self) -> World:
        assert self.world is not None
        return self.world

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.do(self._begin())

    async def _begin(self) -> None:
        folder = self.opened.enter_context(tempfile.TemporaryDirectory())
        live = {bot: spec(prompt="a") for bot in BOTS}
        files = {path_of(bot): document(spec(prompt="a"), bot) for bot in BOTS}
        self.world = await self.opened.enter_async_context(world(Path(folder), live, files))
        binding = replace(self.w.engine.sources[SOURCE], drift_interval=INTERVAL, full_sweep_interval=PASSES * INTERVAL)
        self.w.engine = replace(self.w.engine, sources={SOURCE: binding})
        self.w.dispatcher.handlers = handlers(self.w.engine, self.w.applier, self.w.recoverer)

    @rule(bot=bots, prompt=prompts)
    def commit(self, bot: str, prompt: str) -> None:
        self.w.commit({path_of(bot): document(spec(prompt=prompt), bot)})
        self.stated.add(bot)
        self.touched.add(bot)

    @rule(bot=bots, prompt=prompts)
    def edit(self, bot: str, prompt: str) -> None:
        self.w.edit_live(bot, core=spec(prompt=prompt)["core"])
        self.touched.add(bot)

    @rule(bot=bots, prompt=prompts)
    def edit_unseen(self, bot: str, prompt: str) -> None:
        self.w.edit_live(bot, silently=True, core=spec(prompt=prompt)["core"])

    @rule(bot=bots)
    def apply(self, bot: str) -> None:
        self.do(self._apply(bot))

    async def _apply(self, bot: str) -> None:
        chatbot = await self.w.chatbot(bot)
        if chatbot.plan_id is not None:
            plan = await self.w.plan(chatbot.plan_id)
            await self.w.approve(plan)
            await self.w.apply(plan)
            self.touched.add(bot)

    @rule(bot=bots)
    def remove_document(self, bot: str) -> None:
        if bot in self.stated and len(self.stated) > len(BOTS) - 2:
            self.stated.remove(bot)
            self.w.commit({path_of(bot): None})

    @rule()
    def lose_answers(self) -> None:
        self.do(forget_answers(self.w.store))

    @rule()
    def restart(self) -> None:
        self.do(self.w.restart())

    @rule()
    def git_pass(self) -> None:
        self.do(self._run(drift=False))

    @rule()
    def drift_pass(self) -> None:
        self.do(self._pass())

    async def _pass(self) -> None:
        self.w.clock.advance(INTERVAL.total_seconds())
        off_before = await self._is_judged()
        self.w.target.calls.clear()
        await self._run(drift=True)
        asked = [chatbot for what, chatbot in self.w.target.calls if what == "dry_run"]
        lists = sum(what == "chatbots" for what, _ in self.w.target.calls)
        assert lists <= 1
        if not off_before:
            # a chatbot in six passes, or two at the edge of one, besides what was touched
            assert len(asked) <= len(self.touched) + 2
            assert len(asked) == len(set(asked))
        self.touched.clear()

    async def _is_judged(self) -> bool:
        """Whether everything is compared, because the shortcut is off, or about to be judged."""
        async with self.w.store.read() as uow:
            noted = await uow.comparisons.has_unexplained(SOURCE)
        return noted or (await self.w.tenant()).shortcut_off_since is not None

    async def _run(self, *, drift: bool) -> None:
        await request_refresh(self.w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False, drift=drift)
        await self.w.idle()

    @invariant()
    def nothing_is_compared_too_late(self) -> None:
        if self.world is not None:
            self.do(self._check_ages())

    async def _check_ages(self) -> None:
        checks = (await self.w.store.queries.checks([SOURCE])).get(SOURCE)
        record = await self.w.source_record()
        if checks is not None and checks.oldest_at is not None and record.drift_checked_at is not None:
            assert record.drift_checked_at - checks.oldest_at <= PASSES * INTERVAL

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.do(self._compare_with_everything())
        finally:
            self.do(self.opened.aclose())
            self.runner.close()

    async def _compare_with_everything(self) -> None:
        for _ in range(PASSES):
            await self._pass()
        found = await self._found()
        await self.w.refresh(full=True)
        assert await self._found() == found

    async def _found(self) -> dict[str, tuple[Any, ...]]:
        async with self.w.store.read() as uow:
            chatbots = await uow.chatbots.of_tenant(TENANT)
            plans = await uow.plans.some([bot.plan_id for bot in chatbots if bot.plan_id])
        return {bot.id: _shown(bot, plans.get(bot.plan_id or "")) for bot in chatbots}


def _shown(bot: Chatbot, plan: Plan | None) -> tuple[Any, ...]:
    decided = plan and (plan.id, plan.fingerprint, plan.status, plan.direction, plan.ops)
    return bot.sync, bot.direction, bot.fault, bot.reason, decided


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
class TestHistories(Histories.TestCase):
    settings = settings(max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
