"""People are reminded of what they stopped."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from api_client.sandbox import Chatbot as LiveBot
from reconciler.domain.access import Role
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.status import Reason
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.decide.decisions import reject
from reconciler.engine.decide.suspension import resume, suspend
from reconciler.engine.reconcile.schedule import tick
from tests.support.world import BOT, SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec()}
FILES = {path_of(): document(spec())}
SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
DELETING_LIVE = {BOT: spec(skills=SKILLS)}
DELETING = {path_of(): document(spec(skills=SKILLS[:1]))}
HOUR = 3600


async def reminders(w: World) -> list[str]:
    await tick(w.engine)
    return [entry.subject for entry in await w.audit() if entry.action == "suspension.remind"]


async def test_a_suspension_that_stands_is_reminded_of_again_and_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(suspension_reminder=timedelta(hours=1))) as w:
        operator = await w.person("olga", Role.OPERATOR)
        await suspend(w.engine, operator, ScopeKind.SOURCE, SOURCE, "campaign")
        w.clock.advance(HOUR - 1)
        assert await reminders(w) == []
        w.clock.advance(1)
        with caplog.at_level(logging.WARNING, "reconciler"):
            assert await reminders(w) == [f"source/{SOURCE}"]
        assert [record.message for record in caplog.records] == ["suspension still stands"]
        assert await reminders(w) == [f"source/{SOURCE}"]
        w.clock.advance(HOUR)
        assert len(await reminders(w)) == 2
        await resume(w.engine, operator, ScopeKind.SOURCE, SOURCE)
        w.clock.advance(HOUR)
        assert len(await reminders(w)) == 2


async def test_a_suspension_that_ends_by_itself_is_not_reminded_of_afterwards(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(suspension_reminder=timedelta(hours=1))) as w:
        until = w.clock.now() + timedelta(minutes=30)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "lunch", until)
        w.clock.advance(HOUR)
        assert await reminders(w) == []


async def test_what_a_suspension_held_up_goes_on_at_the_tick_that_ends_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=Policy(auto_apply=AutoApply.FULL)) as w:
        until = w.clock.now() + timedelta(minutes=1)
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "lunch", until)
        w.commit({path_of(): document(spec(prompt="new"))})
        await w.refresh()
        assert w.writer.writes == []
        w.clock.advance(60)  # no run is due yet
        await tick(w.engine)
        await w.idle()
        assert len(w.writer.writes) == 1


async def test_a_suspension_hides_neither_the_delete_gate_nor_who_waits(tmp_path: Path) -> None:
    async with world(tmp_path, DELETING_LIVE, DELETING, policy=Policy(max_deletes=0)) as w:
        free, operator = await w.open_plan(), await w.person("olga", Role.OPERATOR)
        assert free.reason is Reason.BLOCKED_BY_DELETE_GATE
        for kind, subject in ((ScopeKind.CHATBOT, BOT), (ScopeKind.SOURCE, SOURCE), (ScopeKind.ALL, "")):
            suspension = await suspend(w.engine, operator, kind, subject, "campaign")
            await w.refresh()
            for shown in (await w.open_plan(), await w.chatbot()):
                assert (shown.reason, shown.message) == (free.reason, free.message)
                assert shown.suspension_id == suspension.id
            await resume(w.engine, operator, kind, subject)
            for shown in (await w.open_plan(), await w.chatbot()):
                assert (shown.reason, shown.message, shown.suspension_id) == (free.reason, free.message, None)


async def test_what_the_list_brings_while_everything_is_suspended_is_suspended_too(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        suspension = await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "campaign")
        for chatbot_id in ("bot_late", "bot_free"):
            w.target.fleet.add(LiveBot(id=chatbot_id, config=spec()))
        w.commit({path_of("bot_late"): document(spec(), "bot_late")})
        await w.refresh()
        late, free = await w.chatbot("bot_late"), await w.chatbot("bot_free")
        assert (late.source, late.reason, late.suspension_id) == (SOURCE, Reason.IN_SYNC, suspension.id)
        assert (free.source, free.reason, free.suspension_id) == (None, Reason.UNMANAGED, suspension.id)


async def test_a_closed_plan_keeps_no_suspension(tmp_path: Path) -> None:
    async with world(tmp_path, DELETING_LIVE, DELETING) as w:
        plan = await w.open_plan()
        await suspend(w.engine, await w.person("olga", Role.OPERATOR), ScopeKind.ALL, "", "campaign")
        assert (await w.plan(plan.id)).suspension_id is not None
        await reject(w.engine, await w.person(), plan.id, plan.fingerprint)
        closed = await w.plan(plan.id)
        assert (closed.status, closed.suspension_id) == (PlanStatus.REJECTED, None)
        assert (await w.chatbot()).suspension_id is not None
