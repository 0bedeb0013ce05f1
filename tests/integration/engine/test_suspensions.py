"""People are reminded of what they stopped."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.records import Role, ScopeKind
from reconciler.engine.scheduling import tick
from reconciler.engine.suspending import resume, suspend
from tests.support.world import BOT, SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec()}
FILES = {path_of(): document(spec())}
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
