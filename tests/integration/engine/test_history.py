"""What people and programs do leaves its transitions, with what did it, and they make up the episodes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.history import Episode, Transition, episodes
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy
from reconciler.domain.status import Direction, Sync
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.decide.expiry import expire_plans
from reconciler.engine.retention import INTERVAL, RetentionKeeper
from reconciler.errors import TargetUnreachable
from tests.support.defaults import retention_rules
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

HOUR = 3600.0
AGREE: dict[str, Any] = {"live": {BOT: spec()}, "files": {path_of(): document(spec())}}


async def told(w: World, chatbot_id: str = BOT) -> list[Transition]:
    """In order of time."""
    return list(await w.store.queries.transitions_of(TENANT, chatbot_id, limit=100))[::-1]


async def lived(w: World, chatbot_id: str = BOT) -> Sequence[Episode]:
    return episodes((await told(w, chatbot_id))[::-1])


def steps(transitions: Sequence[Transition]) -> list[Any]:
    return [(one.sync, one.direction, one.cause) for one in transitions]


async def test_a_chatbot_appears_and_agrees_by_the_first_run(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        first = (await w.source_record()).last_run_id
        assert steps(await told(w)) == [
            (Sync.UNKNOWN, Direction.UNKNOWN, f"run/{first}"),
            (Sync.SYNCED, Direction.IN_SYNC, f"run/{first}"),
        ]
        appeared, agreed = await told(w)
        assert (appeared.sync_before, appeared.source) == (None, SOURCE)
        assert (agreed.sync_before, agreed.direction_before) == (Sync.UNKNOWN, Direction.UNKNOWN)


async def test_a_live_edit_opens_an_episode_a_push_changes_it_and_going_back_closes_it(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        w.clock.advance(HOUR)
        opened_at = w.clock.now()
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        edited = await w.refresh()
        assert (await w.chatbot()).drifted_at == opened_at
        w.clock.advance(HOUR)
        w.commit({path_of(): document(spec(prompt="Be brief."))})
        pushed = await w.refresh()
        assert (await w.chatbot()).drifted_at == opened_at
        w.clock.advance(HOUR)
        w.edit_live(core=spec(prompt="Be brief.")["core"])
        resolved = await w.refresh()
        (episode,) = await lived(w)
        assert steps([episode.opened]) == [(Sync.OUT_OF_SYNC, Direction.LIVE_AHEAD, f"run/{edited.id}")]
        assert steps(episode.changes) == [(Sync.OUT_OF_SYNC, Direction.DIVERGED, f"run/{pushed.id}")]
        assert episode.closed is not None
        assert steps([episode.closed]) == [(Sync.SYNCED, Direction.IN_SYNC, f"run/{resolved.id}")]
        assert (episode.opened.at, episode.closed.at) == (opened_at, w.clock.now())
        assert (await w.chatbot()).drifted_at is None
        assert await w.store.queries.oldest_drift() is None


async def test_an_apply_closes_the_episode(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        revision = w.commit({path_of(): document(spec(prompt="Be brief."))})
        pushed = await w.refresh()
        oldest = await w.store.queries.oldest_drift()
        assert oldest is not None
        assert oldest.id == BOT
        plan = await w.open_plan()
        await w.approve(plan)
        apply = await w.apply(plan)
        assert apply.status is ApplyStatus.APPLIED
        (episode,) = await lived(w)
        assert (episode.opened.cause, episode.opened.revision) == (f"run/{pushed.id}", revision)
        assert episode.opened.direction is Direction.GIT_AHEAD
        assert episode.closed is not None
        assert (episode.closed.cause, episode.changes) == (f"apply/{apply.id}", ())


async def test_looks_that_find_the_same_add_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        before = await told(w)
        w.clock.advance(HOUR)
        await w.refresh()
        await w.approve(await w.open_plan())
        assert await told(w) == before


async def test_a_drift_that_nobody_could_see_for_a_while_is_as_old_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        drifted_at = (await w.chatbot()).drifted_at
        w.clock.advance(HOUR)
        w.target.fail(TargetUnreachable("no route"), BOT, times=None)
        await w.refresh()
        unknown = await w.chatbot()
        assert (unknown.sync, unknown.drifted_at) == (Sync.UNKNOWN, None)
        w.target.heal(BOT)
        w.clock.advance(HOUR)
        await w.refresh()
        assert (await w.chatbot()).drifted_at == drifted_at
        (episode,) = await lived(w)
        assert [one.sync for one in episode.changes] == [Sync.UNKNOWN, Sync.OUT_OF_SYNC]
        assert (episode.opened.at, episode.closed) == (drifted_at, None)


async def test_an_expired_plan_and_an_accepted_revision_are_causes(tmp_path: Path) -> None:
    policy = Policy(plan_ttl=timedelta(hours=2))
    async with world(tmp_path, **AGREE, policy=policy) as w:
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        plan = await w.open_plan()
        w.target.fail(TargetUnreachable("no route"), BOT, times=None)
        await w.refresh()
        w.clock.advance(3 * HOUR)
        await expire_plans(w.engine)
        assert steps(await told(w))[-1] == (Sync.OUT_OF_SYNC, Direction.UNKNOWN, f"plan/{plan.id}")
        w.target.heal(BOT)
        revision = w.source.force_push({"README.md": "nothing any more"})
        await w.refresh()
        await accept_revision(w.engine, await w.person(), SOURCE, revision, "moved")
        orphaned = (await told(w))[-1]
        assert (orphaned.sync, orphaned.cause) == (Sync.UNKNOWN, f"source/{SOURCE}")


async def test_a_plan_that_its_chatbot_does_not_name_any_more_does_not_expire(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE, policy=Policy(plan_ttl=timedelta(hours=2))) as w:
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        plan = await w.open_plan()
        async with w.store.begin() as uow:
            await uow.chatbots.save(replace(await w.chatbot(), plan_id=None))
        before = await w.chatbot()
        w.clock.advance(3 * HOUR)
        await expire_plans(w.engine)
        assert ((await w.plan(plan.id)).status, await w.chatbot()) == (PlanStatus.PENDING, before)


async def test_an_unmanaged_chatbot_appears_and_is_forgotten(tmp_path: Path) -> None:
    live = {BOT: spec(), "bot_2": spec("Other")}
    async with world(tmp_path, live, {path_of(): document(spec())}) as w:
        await w.refresh()
        w.target.fleet.remove("bot_2")
        await w.refresh()
        appeared, gone = await told(w, "bot_2")
        assert (appeared.sync_before, appeared.sync, appeared.source) == (None, Sync.UNKNOWN, None)
        assert (gone.sync_before, gone.sync) == (Sync.UNKNOWN, None)


async def test_the_same_change_on_many_chatbots_is_one_group(tmp_path: Path) -> None:
    bots = [f"bot_{number}" for number in range(4)]
    live = {bot: spec(name=bot) for bot in bots}
    files = {path_of(bot): document(spec(name=bot), bot) for bot in bots}
    async with world(tmp_path, live, files) as w:
        changed = {path_of(bot): document(spec(name=bot, prompt="Be brief."), bot) for bot in bots[:3]}
        w.commit(changed | {path_of(bots[3]): document(spec(name=bots[3], prompt="Be long."), bots[3])})
        await w.refresh()
        plans = [await w.open_plan(bot) for bot in bots]
        (group,) = await w.store.queries.plan_groups()
        assert (group.count, set(group.plan_ids)) == (3, {plan.id for plan in plans[:3]})
        assert {plan.change for plan in plans[:3]} == {group.change}
        assert plans[3].change not in ("", group.change)
        assert len({plan.fingerprint for plan in plans}) == 4


async def test_what_ended_is_forgotten_after_its_time_and_looked_for_once_an_hour(tmp_path: Path) -> None:
    async with world(tmp_path, **AGREE) as w:
        keeper = RetentionKeeper(w.engine, retention_rules(history=timedelta(days=2)))
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        w.clock.advance(3 * 24 * HOUR)
        await keeper.tick()
        assert [one.sync for one in await told(w)] == [Sync.OUT_OF_SYNC]
        w.edit_live(core=spec()["core"])
        await w.refresh()
        w.clock.advance(3 * 24 * HOUR)
        await keeper.tick()
        assert await told(w) == []
        w.edit_live(core=spec(prompt="Be rude.")["core"])
        await w.refresh()
        w.clock.advance(INTERVAL - 1)
        await keeper.tick()  # gives what became free back to the disk
        generation = w.store.generation
        await keeper.tick()
        assert w.store.generation == generation
