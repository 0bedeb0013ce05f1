"""Passes over the live side cost what changed there: a list, what moved, and a few whose turn it is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api_client.sandbox import Fleet
from reconciler.domain.access import Role
from reconciler.domain.entities import Run, Trigger
from reconciler.domain.plan import Op
from reconciler.domain.status import CheckedBy, Direction, Reason, Sync
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.shortcut import turn_shortcut_on
from reconciler.errors import Forbidden, NotFound, TargetRateLimited, TargetUnreachable
from tests.fakes.clock import FakeClock
from tests.fakes.target import FakeTarget
from tests.support.defaults import tenant_binding
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

INTERVAL = 900.0
DAY = 86_400.0
PASSES = int(DAY / INTERVAL)


def bots(number: int) -> list[str]:
    return [f"bot_{at}" for at in range(1, number + 1)]


def live(number: int) -> Mapping[str, Mapping[str, Any]]:
    return {bot: spec() for bot in bots(number)}


def files(number: int) -> Mapping[str, str]:
    return {path_of(bot): document(spec(), bot) for bot in bots(number)}


def dry_runs(w: World) -> list[str | None]:
    return [chatbot_id for what, chatbot_id in w.target.calls if what == "dry_run"]


def lists(w: World) -> int:
    return sum(what == "chatbots" for what, _ in w.target.calls)


async def drift_pass(w: World, *, drift: bool = True, seconds: float = INTERVAL) -> Run:
    """What the schedule does when an interval is over; the calls are those of this pass alone."""
    w.clock.advance(seconds)
    w.target.calls.clear()
    run = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False, drift=drift)
    await w.idle()
    return await w.run(run.id)


async def with_off(w: World) -> bool:
    return (await w.tenant()).shortcut_off_since is not None


async def audited(w: World, action: str) -> int:
    return sum(entry.action == action for entry in await w.audit())


async def test_a_quiet_pass_costs_the_list_and_writes_nothing_about_chatbots(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        before = [await w.chatbot(bot) for bot in bots(5)]
        run = await drift_pass(w)
        assert (dry_runs(w), lists(w), run.counts.dry_runs, run.counts.skipped) == ([], 1, 0, 5)
        assert [await w.chatbot(bot) for bot in bots(5)] == before
        assert (await w.source_record()).compared_at == w.clock.now()


async def test_what_moved_is_compared_at_once_and_once(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.edit_live("bot_3", core=spec(prompt="edited")["core"])
        await drift_pass(w)
        assert (dry_runs(w), lists(w)) == (["bot_3"], 1)
        drifted = await w.chatbot("bot_3")
        assert (drifted.sync, drifted.direction, drifted.checked_by) == (
            Sync.OUT_OF_SYNC,
            Direction.LIVE_AHEAD,
            CheckedBy.MOVED,
        )
        await drift_pass(w)
        assert dry_runs(w) == []


async def test_a_moment_that_was_set_back_has_moved_as_well(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        w.live("bot_2").updated_at = "2019-01-01T00:00:00.000Z"
        await drift_pass(w)
        assert dry_runs(w) == ["bot_2"]


async def test_a_pass_over_git_alone_asks_nothing_of_what_did_not_change_there(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.edit_live("bot_3", core=spec(prompt="edited")["core"])
        w.commit({path_of("bot_4"): document(spec(prompt="new"), "bot_4")})
        run = await drift_pass(w, drift=False)
        assert (w.target.calls, run.counts.skipped) == ([("dry_run", "bot_4")], 4)
        assert (await w.chatbot("bot_4")).checked_by is CheckedBy.COMMIT


class EditedMeanwhile(FakeTarget):
    """Somebody edits the chatbot right after its dry run."""

    def __init__(self, fleet: Fleet, clock: FakeClock, chatbot_id: str) -> None:
        super().__init__(fleet, clock)
        self.edited: str | None = chatbot_id

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        ops = await super().dry_run(chatbot_id, body)
        if chatbot_id == self.edited:
            self.edited = None
            self._chatbot(chatbot_id).replace_section("core", spec(prompt="meanwhile")["core"], self.now())
        return ops


async def test_an_edit_after_the_list_and_the_dry_run_is_found_by_the_next_pass(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        w.target = EditedMeanwhile(w.target.fleet, w.clock, "bot_2")
        w.switch_tenants({TENANT: tenant_binding(TENANT, w.target)})
        await w.refresh()
        assert (await w.chatbot("bot_2")).sync is Sync.SYNCED
        await drift_pass(w)
        assert dry_runs(w) == ["bot_2"]
        assert (await w.chatbot("bot_2")).sync is Sync.OUT_OF_SYNC


async def test_within_the_second_of_the_list_another_edit_is_waited_for(tmp_path: Path) -> None:
    async with world(tmp_path, live(2), files(2)) as w:
        w.clock.advance(INTERVAL)
        w.live(BOT).updated_at = w.clock.now().isoformat()
        w.target.calls.clear()
        await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False, drift=True)
        await w.clock.until_asleep()
        assert dry_runs(w) == []
        w.live(BOT).config["core"] = spec(prompt="within the same second")["core"]
        w.clock.advance(1.0)
        await w.idle()
        assert (dry_runs(w), (await w.chatbot()).sync) == ([BOT], Sync.OUT_OF_SYNC)
        await drift_pass(w)
        assert dry_runs(w) == []


async def test_what_the_list_does_not_name_any_more_is_asked_for_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        w.target.fleet.remove("bot_2")
        await drift_pass(w)
        assert (dry_runs(w), (await w.chatbot("bot_2")).reason) == (["bot_2"], Reason.CHATBOT_MISSING)


async def test_one_that_comes_again_under_the_same_id_is_compared(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        gone = w.live("bot_2")
        w.target.fleet.remove("bot_2")
        await drift_pass(w)
        w.target.fleet.add(replace(gone, config=dict(spec(prompt="another"))))
        await drift_pass(w)
        assert ((await w.chatbot("bot_2")).sync, dry_runs(w)) == (Sync.OUT_OF_SYNC, ["bot_2"])


async def test_a_chatbot_without_a_moment_is_compared_at_each_pass(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        w.live("bot_2").updated_at = "none"
        w.target.unlisted.add("bot_3")
        for _ in range(3):
            await drift_pass(w)
            assert dry_runs(w) == ["bot_2", "bot_3"]


async def test_a_restart_does_not_sweep(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.edit_live("bot_2", core=spec(prompt="edited")["core"])
        w.clock.advance(60.0)
        w.target.calls.clear()
        await w.restart()
        assert dry_runs(w) == ["bot_2"]


async def test_a_person_has_everything_compared(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.target.calls.clear()
        await w.refresh()
        assert (dry_runs(w), lists(w)) == (bots(5), 1)
        assert {(await w.chatbot(bot)).checked_by for bot in bots(5)} == {CheckedBy.FULL}


async def test_a_list_that_cannot_be_read_says_nothing_so_everything_is_compared(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.target.fail(TargetUnreachable("the list is too long"))
        run = await drift_pass(w)
        assert (dry_runs(w), run.counts.dry_runs) == (bots(5), 5)


async def test_while_wizchat_puts_calls_off_nothing_more_is_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path, live(5), files(5)) as w:
        w.target.fail(TargetRateLimited("slow down", 30.0))
        await drift_pass(w)
        assert w.target.calls == [("chatbots", None)]
        assert (await w.chatbot()).sync is Sync.SYNCED


async def test_an_apply_of_ours_costs_one_dry_run_more(tmp_path: Path) -> None:
    async with world(tmp_path, live(3), files(3)) as w:
        w.edit_live("bot_2", core=spec(prompt="edited")["core"])
        await drift_pass(w)
        plan = await w.open_plan("bot_2")
        await w.approve(plan)
        await w.apply(plan)
        passes = []
        for _ in range(2):
            await drift_pass(w)
            passes += dry_runs(w)
        assert (passes, await with_off(w)) == (["bot_2"], False)


async def test_in_a_full_sweep_interval_everything_has_its_turn(tmp_path: Path) -> None:
    number = 150
    async with world(tmp_path, live(number), files(number)) as w:
        seen: list[str | None] = []
        most = 0
        for _ in range(PASSES):
            await drift_pass(w)
            seen += dry_runs(w)
            most = max(most, len(dry_runs(w)))
            oldest = min((await _checked(w)).values())
            assert w.clock.now() - oldest <= timedelta(days=1)
        assert set(seen) == set(bots(number))
        # 150 in 94 passes, as the last two are kept in hand
        assert (most, len(seen)) == (2, pytest.approx(150 * 96 / 94, abs=1))


async def _checked(w: World) -> dict[str, Any]:
    async with w.store.read() as uow:
        return {bot.id: bot.checked_at for bot in await uow.chatbots.of_source(SOURCE)}


async def until_off(w: World, passes: int) -> int:
    """How many passes it takes until the shortcut is off."""
    for number in range(passes):
        if await with_off(w):
            return number
        await drift_pass(w)
    return passes


async def test_an_edit_that_nothing_announced_turns_the_shortcut_off(tmp_path: Path) -> None:
    async with world(tmp_path, live(20), files(20)) as w:
        w.edit_live("bot_7", silently=True, core=spec(prompt="edited")["core"])
        assert await until_off(w, PASSES + 2) <= PASSES
        assert (await w.chatbot("bot_7")).direction is Direction.LIVE_AHEAD
        tenant = await w.tenant()
        assert "1 of 20 chatbots changed at WizChat, and their updatedAt did not" in str(tenant.shortcut_off_reason)
        w.edit_live("bot_9", silently=True, core=spec(prompt="edited")["core"])
        for _ in range(2):
            await drift_pass(w)
            assert sorted(map(str, dry_runs(w))) == sorted(bots(20))
        assert (await w.chatbot("bot_9")).sync is Sync.OUT_OF_SYNC
        assert await audited(w, "tenant.shortcut_off") == 1
        assert await w.tenant() == tenant


async def test_an_admin_turns_the_shortcut_on_again(tmp_path: Path) -> None:
    async with world(tmp_path, live(4), files(4)) as w:
        w.edit_live(BOT, silently=True, core=spec(prompt="edited")["core"])
        await w.refresh()
        await drift_pass(w)
        assert await with_off(w)
        with pytest.raises(Forbidden):
            await turn_shortcut_on(w.engine, await w.person("ann", Role.APPROVER), TENANT, "they mended it")
        with pytest.raises(NotFound):
            await turn_shortcut_on(w.engine, await w.person("ada", Role.ADMIN), "nobody", "they mended it")
        for _ in range(2):
            await turn_shortcut_on(w.engine, await w.person("ada", Role.ADMIN), TENANT, "they mended it")
        await drift_pass(w)
        assert (dry_runs(w), await with_off(w), await audited(w, "tenant.shortcut_on")) == ([], False, 1)


async def test_one_that_was_edited_back_unseen_shows_it_as_well(tmp_path: Path) -> None:
    async with world(tmp_path, live(4), files(4)) as w:
        w.edit_live(BOT, core=spec(prompt="edited")["core"])
        await drift_pass(w)
        w.edit_live(BOT, silently=True, core=spec()["core"])
        await w.refresh()
        await drift_pass(w)
        assert await with_off(w)


async def test_an_edit_that_the_next_list_announces_is_none(tmp_path: Path) -> None:
    async with world(tmp_path, live(4), files(4)) as w:
        # seen by a dry run before the list shows it, as where the list is a little behind
        w.edit_live(BOT, silently=True, core=spec(prompt="edited")["core"])
        await w.refresh()
        assert (await w.chatbot()).unexplained_at is not None
        w.live(BOT).updated_at = w.target.now().isoformat()
        await drift_pass(w)
        assert (dry_runs(w), await with_off(w), (await w.chatbot()).unexplained_at) == ([BOT], False, None)


async def test_a_change_in_git_is_none(tmp_path: Path) -> None:
    async with world(tmp_path, live(4), files(4)) as w:
        w.commit({path_of(): document(spec(prompt="new"))})
        await w.refresh()
        w.commit({path_of(): document(spec(prompt="newer"))})
        await w.refresh()
        await drift_pass(w)
        assert not await with_off(w)


async def test_a_plan_that_ended_by_itself_is_none(tmp_path: Path) -> None:
    async with world(tmp_path, live(4), files(4)) as w:
        w.edit_live(BOT, core=spec(prompt="edited")["core"])
        await drift_pass(w)
        await w.refresh()
        w.clock.advance(w.engine.policy.plan_ttl.total_seconds() + 1)
        await drift_pass(w)
        await w.refresh()
        await drift_pass(w)
        assert not await with_off(w)


async def test_another_release_of_wizchat_is_none_and_has_everything_compared_once(tmp_path: Path) -> None:
    async with world(tmp_path, live(200), files(200)) as w:
        for bot in bots(200):
            w.edit_live(bot, silently=True, core=spec()["core"] | {"name": "Rendered otherwise"})
        for _ in range(3):
            await drift_pass(w)
        assert not await with_off(w)
        async with w.store.read() as uow:
            assert {bot.sync for bot in await uow.chatbots.of_source(SOURCE)} == {Sync.OUT_OF_SYNC}
        assert await audited(w, "tenant.release") == 1
        await drift_pass(w)
        assert len(dry_runs(w)) <= 3
