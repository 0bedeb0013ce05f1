"""A dry run that is answered as the one before is not gone through again, and everything else is as if it were."""

from dataclasses import replace
from pathlib import Path

import pytest

from api_client.sandbox import Fleet
from reconciler.domain.canonical import EncodedBody
from reconciler.domain.plan import Op
from reconciler.domain.policy import Policy
from reconciler.domain.status import Sync
from reconciler.engine.decide.decisions import reject
from reconciler.ports import DryRunAnswer
from tests.fakes.clock import FakeClock
from tests.fakes.target import FakeTarget
from tests.support.answers import forget_answers
from tests.support.defaults import tenant_binding
from tests.support.world import BOT, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="live"), "bot_2": spec()}
FILES = {path_of(BOT): document(spec(prompt="git"), BOT), path_of("bot_2"): document(spec(), "bot_2")}


class CountingTarget(FakeTarget):
    """Counts whose answers are gone through.

    Attributes:
        read: The chatbots, in order.
        noise: What each answer has besides the ops, and that says nothing.
    """

    def __init__(self, fleet: Fleet, clock: FakeClock) -> None:
        super().__init__(fleet, clock)
        self.read: list[str] = []
        self.noise = b""

    async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
        answer = await super().dry_run_answer(chatbot_id, body)

        def ops() -> tuple[Op, ...]:
            self.read.append(chatbot_id)
            return answer.ops()

        return DryRunAnswer(answer.content + self.noise, ops)


async def counting(w: World) -> CountingTarget:
    """Go on with a target that counts, once every answer is known."""
    target = CountingTarget(w.target.fleet, w.clock)
    w.target = target
    w.switch_tenants({TENANT: tenant_binding(TENANT, target)})
    await w.refresh()
    await w.refresh()  # what differs is known for good only once seeing it again changed nothing
    target.read.clear()
    return target


async def sweep(w: World, target: CountingTarget) -> list[str]:
    """A full refresh, and whose answers it went through."""
    target.read.clear()
    w.clock.advance(60)
    run = await w.refresh()
    assert (run.counts.dry_runs, run.counts.errors) == (2, 0)
    for bot in (BOT, "bot_2"):
        assert (await w.chatbot(bot)).checked_at == w.clock.now()
    return sorted(target.read)


async def test_an_answer_that_is_known_is_not_gone_through(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        plan = (await w.chatbot(BOT)).plan_id
        assert await sweep(w, target) == []
        assert (await w.chatbot(BOT)).plan_id == plan
        assert (await w.chatbot("bot_2")).synced_at == w.clock.now()


async def test_another_answer_is_gone_through_and_what_it_says_counts(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        w.edit_live("bot_2", core=spec(prompt="edited")["core"])
        assert await sweep(w, target) == ["bot_2"]
        assert (await w.chatbot("bot_2")).sync is Sync.OUT_OF_SYNC


async def test_other_bytes_that_say_the_same_are_known_from_then_on(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        versions = [(await w.chatbot(bot)).version for bot in (BOT, "bot_2")]
        target.noise = b" "
        assert await sweep(w, target) == [BOT, "bot_2"]
        assert await sweep(w, target) == []
        assert [(await w.chatbot(bot)).version for bot in (BOT, "bot_2")] == versions


async def test_answers_may_be_forgotten(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        before = [replace(await w.chatbot(bot), checked_at=None, synced_at=None) for bot in (BOT, "bot_2")]
        await forget_answers(w.store)
        assert await sweep(w, target) == [BOT, "bot_2"]
        after = [replace(await w.chatbot(bot), checked_at=None, synced_at=None) for bot in (BOT, "bot_2")]
        assert after == before


async def test_another_policy_has_every_answer_gone_through(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        await w.switch(Policy(max_deletes=7))
        assert await sweep(w, target) == [BOT, "bot_2"]


async def test_another_document_has_its_answer_gone_through(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        w.commit({path_of(BOT): document({"core": spec(prompt="other")["core"]}, BOT)})
        assert await sweep(w, target) == [BOT]


async def test_a_decision_since_has_the_answer_gone_through(tmp_path: Path) -> None:
    """What is known of a chatbot holds for its row as it was written: a rejected plan is not offered again."""
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)
        plan = await w.open_plan(BOT)
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert await sweep(w, target) == [BOT]
        assert (await w.chatbot(BOT)).plan_id is None


async def test_a_known_answer_is_gone_through_after_all_when_somebody_was_faster(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        target = await counting(w)

        class Renaming(CountingTarget):
            """Somebody renames the chatbot while its dry run is under way."""

            async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
                answer = await super().dry_run_answer(chatbot_id, body)
                if chatbot_id == BOT:
                    async with w.store.begin() as uow:
                        chatbot = await uow.chatbots.get(TENANT, BOT)
                        assert chatbot is not None
                        await uow.chatbots.save(replace(chatbot, name="Renamed"))
                return answer

        target = Renaming(w.target.fleet, w.clock)
        w.target = target
        w.switch_tenants({TENANT: tenant_binding(TENANT, target)})
        assert BOT in await sweep(w, target)
        assert (await w.chatbot(BOT)).name == "Renamed"
