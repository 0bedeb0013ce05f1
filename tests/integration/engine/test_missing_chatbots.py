"""Chatbots that do not exist cost nothing but the list."""

from pathlib import Path

import pytest

from api_client.sandbox import Chatbot as LiveBot
from reconciler.domain.entities import Run, RunStatus, Trigger
from reconciler.domain.status import Reason, Sync
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import ChatbotHidden
from reconciler.ports import Purpose, Spender
from reconciler.web.runs.summary import run_badge
from tests.fakes.source import FakeSource
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio
MANY = 60
TINY = {path_of(f"none_{number}"): document({"core": {}}, f"none_{number}") for number in range(MANY)}
FILES = {path_of(): document(spec()), **TINY}


def dry_runs(w: World) -> list[str | None]:
    return [chatbot_id for what, chatbot_id in w.target.calls if what == "dry_run"]


async def sweep(w: World, *, full: bool = True, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    w.target.calls.clear()
    run = await request_refresh(w.engine, PROGRAM, SOURCE, trigger, full=full)
    await w.idle()
    return await w.run(run.id)


async def test_ids_that_the_list_does_not_name_are_not_dry_run(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, FILES) as w:
        assert dry_runs(w) == [BOT]
        missing = await w.chatbot("none_7")
        assert (missing.fault, missing.missing_since) == (Reason.CHATBOT_MISSING, w.clock.now())
        assert "the chatbot none_7 is not in WizChat's list: correct metadata.chatbotId" in missing.message

        for _ in range(3):
            run = await sweep(w)
            assert (dry_runs(w), run.counts.uncompared, run.counts.dry_runs) == ([BOT], MANY, 1)
            run = await sweep(w, full=False)
            assert w.target.calls == [("chatbots", None)]


async def test_a_chatbot_that_is_not_there_is_its_documents_matter(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {path_of(): document(spec())}) as w:
        run = await sweep(w)
        assert (run.status, run.counts.uncompared) == (RunStatus.SUCCEEDED, 1)
        assert "1 of 1 chatbots could not be compared (1 ChatbotMissing): the chatbot bot_1 is not" in str(run.message)
        assert run_badge(run).words == "succeeded, 1 not compared"


async def test_they_are_asked_for_now_and_then_a_few_in_a_run(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, FILES) as w:
        asked: list[str | None] = []
        for _ in range(MANY // 4):
            w.clock.advance(300)
            await sweep(w, full=False)
            assert len(dry_runs(w)) == 4
            asked += dry_runs(w)
        assert len(set(asked)) == MANY, "the one that was not asked for longest comes first"
        assert "was not found at WizChat" in (await w.chatbot("none_7")).message


async def test_what_the_list_names_again_is_compared_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {path_of(): document(spec())}) as w:
        assert (await w.chatbot()).fault is Reason.CHATBOT_MISSING
        w.target.fleet.add(LiveBot(id=BOT, config=spec()))
        await sweep(w, full=False)
        back = await w.chatbot()
        assert (back.sync, back.missing_since, back.missing_asked_at) == (Sync.SYNCED, None, None)


async def test_a_list_may_be_narrower_than_the_key(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {path_of(): document(spec())}) as w:
        w.target.fleet.add(LiveBot(id=BOT, config=spec()))
        w.target.unlisted.add(BOT)
        await sweep(w)
        assert dry_runs(w) == []
        await sweep(w, trigger=Trigger.MANUAL)
        assert dry_runs(w) == [BOT], "a person asks for it at once"
        assert (await w.chatbot()).sync is Sync.SYNCED
        for _ in range(3):
            await sweep(w)
            assert dry_runs(w) == [BOT], "what was compared before is asked for, listed or not"
            assert (await w.chatbot()).sync is Sync.SYNCED

        w.target.fail(ChatbotHidden("the API key may not use chatbot bot_1: add the chatbot to the key"), BOT)
        await sweep(w)
        hidden = await w.chatbot()
        assert (hidden.fault, "may not use" in hidden.message) == (Reason.CHATBOT_MISSING, True)
        await sweep(w)
        assert dry_runs(w) == []
        assert "may not use" in (await w.chatbot()).message, "WizChat's own answer says more than the list"


async def test_each_call_is_made_for_somebody(tmp_path: Path) -> None:
    other = FakeSource({path_of("bot_2"): document(spec(), "bot_2")})
    live = {BOT: spec("Old"), "bot_2": spec()}
    async with world(tmp_path, live, {path_of(): document(spec())}, more_sources={"other": other}) as w:
        # what may have changed at WizChat goes before those whose turn it is in rotation
        purposes = (Purpose.DRIFT, Purpose.FULL_SWEEP)
        assert set(w.target.spenders) == {Spender(what, name) for what in purposes for name in (SOURCE, "other")}
        w.target.spenders.clear()
        plan = await w.open_plan()
        await w.approve(plan)
        await w.apply(plan)
        assert [each.purpose for each in w.target.spenders] == [Purpose.RECHECK, Purpose.APPLY]
    assert TENANT in w.engine.tenants
