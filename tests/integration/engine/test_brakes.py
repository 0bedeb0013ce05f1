"""Rule 6: the fleet brake. What one revision may do to a fleet without a person, and how that is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.status import Reason, Sync
from reconciler.errors import TargetRateLimited
from reconciler.ports import JobKind
from tests.support.world import World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = [f"bot_{n:02}" for n in range(20)]
SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {key: spec(skills=SKILLS) for key in BOTS}
FILES = {path_of(key): document(spec(skills=SKILLS), key) for key in BOTS}
FULL = Policy(auto_apply=AutoApply.FULL, fleet_max_deletes=2, fleet_max_share=0.3)


async def change(w: World, keys: list[str], prompt: str = "new") -> str:
    return await push(w, {path_of(key): document(spec(prompt=prompt, skills=SKILLS), key) for key in keys})


async def delete_in(w: World, keys: list[str]) -> str:
    return await push(w, {path_of(key): document(spec(skills=SKILLS[:1]), key) for key in keys})


async def push(w: World, files: dict[str, str]) -> str:
    head = w.commit(files)
    await w.refresh()
    return head


async def actions(w: World) -> list[str]:
    return [entry.action for entry in await w.audit() if entry.action.startswith("source.brake")]


async def test_within_the_limits_everything_is_applied(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await change(w, BOTS[:6])
        await delete_in(w, BOTS[6:8])
        assert len(w.writer.writes) == 8
        assert (await w.source_record()).brake is None
        assert await actions(w) == []


async def test_deletes_in_too_many_chatbots_stop_the_whole_revision_and_say_why(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        head = await delete_in(w, BOTS[:3])
        assert w.writer.writes == []
        said = f"policy.fleet_max_deletes = 2 at revision {head[:12]}: its plans take something away from 3 chatbots"
        record = await w.source_record()
        assert record.brake == said
        run = await w.run(record.last_run_id or "")
        assert run.status is RunStatus.SUCCEEDED
        assert run.message == f"Nothing of it is applied without a person, because of {said}."
        for key in BOTS[:3]:
            plan = await w.open_plan(key)
            assert (plan.status, plan.reason) == (PlanStatus.PENDING, Reason.BLOCKED_BY_FLEET_BRAKE)
            assert plan.message.endswith(f"Because of {said}.")
            assert (await w.chatbot(key)).reason is Reason.BLOCKED_BY_FLEET_BRAKE
        assert await actions(w) == ["source.brake"]


async def test_a_large_share_of_the_fleet_stops_the_whole_revision(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await change(w, BOTS[:7])
        assert w.writer.writes == []
        brake = (await w.source_record()).brake
        assert brake is not None
        assert brake.startswith("policy.fleet_max_share = 0.3 at revision ")
        assert brake.endswith("its plans change 7 of 20 chatbots")


async def test_what_a_small_change_of_the_same_revision_would_do_waits_too(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        files = {path_of(key): document(spec(skills=SKILLS[:1]), key) for key in BOTS[:3]}
        await push(w, {**files, path_of(BOTS[9]): document(spec(prompt="new", skills=SKILLS), BOTS[9])})
        assert (await w.open_plan(BOTS[9])).reason is Reason.BLOCKED_BY_FLEET_BRAKE
        assert w.writer.writes == []


async def test_three_chatbots_are_no_fleet(tmp_path: Path) -> None:
    few = BOTS[:3]
    async with world(
        tmp_path, {key: LIVE[key] for key in few}, {path_of(key): FILES[path_of(key)] for key in few}, policy=FULL
    ) as w:
        await change(w, few)
        assert len(w.writer.writes) == 3


async def test_a_person_may_still_approve_each_and_that_releases_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await delete_in(w, BOTS[:3])
        for key in BOTS[:2]:
            plan = await w.open_plan(key)
            await w.approve(plan)
            assert (await w.apply(plan)).status is ApplyStatus.APPLIED
        await w.refresh()
        assert (await w.open_plan(BOTS[2])).reason is Reason.BLOCKED_BY_FLEET_BRAKE
        assert len(w.writer.writes) == 2


async def test_a_new_revision_is_judged_anew_and_lets_nothing_of_the_old_one_pass(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await delete_in(w, BOTS[:3])
        await change(w, BOTS[9:10])
        assert [write.chatbot_id for write in w.writer.writes] == BOTS[9:10]
        assert (await w.open_plan(BOTS[0])).reason is Reason.BLOCKED_BY_FLEET_BRAKE
        assert (await w.source_record()).brake is not None
        assert await actions(w) == ["source.brake"]


async def test_a_revision_that_takes_it_back_releases_the_brake(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await delete_in(w, BOTS[:3])
        await push(w, {path_of(key): FILES[path_of(key)] for key in BOTS[:3]})
        assert (await w.source_record()).brake is None
        assert await actions(w) == ["source.brake", "source.brake_released"]
        assert w.writer.writes == []
        assert all([(await w.chatbot(key)).sync is Sync.SYNCED for key in BOTS])


async def test_without_automatic_applies_there_is_nothing_to_brake(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        await delete_in(w, BOTS[:3])
        await w.switch(FULL.model_copy(update={"auto_apply": AutoApply.NONE}))
        await w.refresh()
        assert (await w.source_record()).brake is None
        assert (await w.open_plan(BOTS[0])).reason is Reason.AWAITING_APPROVAL


async def test_chatbots_that_could_not_be_compared_count_as_if_they_lost_something(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        for key in BOTS[1:3]:
            w.target.fail(TargetRateLimited("slow down"), key)
        await delete_in(w, BOTS[:3])
        assert w.writer.writes == []
        plan = await w.open_plan(BOTS[0])
        assert plan.reason is Reason.AWAITING_APPROVAL
        assert plan.message.endswith("its plans take something away from 3 chatbots, 2 of them not compared yet)")
        await w.refresh()
        assert (await w.open_plan(BOTS[0])).reason is Reason.BLOCKED_BY_FLEET_BRAKE
        assert w.writer.writes == []


async def test_chatbots_that_were_not_compared_hold_up_the_rest_only_until_they_are(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        for key in BOTS[:3]:
            w.target.fail(TargetRateLimited("slow down"), key)
        await change(w, BOTS[:4])
        assert w.writer.writes == []
        await w.refresh()
        assert len(w.writer.writes) == 4


async def test_the_brake_is_judged_again_before_the_intent(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL) as w:
        usual = w.dispatcher.handlers

        async def hold(_: str) -> None:
            return

        w.dispatcher.handlers = {**usual, JobKind.APPLY: hold}
        await change(w, BOTS[:6])
        plans = [await w.open_plan(key) for key in BOTS[:6]]
        assert {plan.status for plan in plans} == {PlanStatus.APPROVED}
        w.dispatcher.handlers = usual
        # one more plan of the same revision comes in
        async with w.store.begin() as uow:
            one = await w.open_plan(BOTS[0])
            more = replace(one, id="plan_x", chatbot_id="bot_x", status=PlanStatus.EXPIRED, apply_id=None)
            await uow.plans.add(more)
        await w.recoverer.run()
        await w.idle()
        assert w.writer.writes == []
        assert {(await w.plan(plan.id)).status for plan in plans} == {PlanStatus.PENDING}
        entries = [entry for entry in await w.audit() if entry.action == "apply.failed"]
        assert len(entries) == 6
        assert all("policy.fleet_max_share = 0.3" in entry.detail["message"] for entry in entries)


async def test_many_live_edits_at_once_are_not_undone_without_a_person(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL.model_copy(update={"self_heal": True})) as w:
        for key in BOTS[:7]:
            w.edit_live(key, core=spec(prompt="moved platform")["core"])
        await w.refresh()
        assert w.writer.writes == []
        brake = (await w.source_record()).brake
        assert brake == "policy.fleet_max_share = 0.3 for live edits: its plans change 7 of 20 chatbots"


async def test_live_edits_one_by_one_never_use_up_the_limit(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL.model_copy(update={"self_heal": True})) as w:
        for key in BOTS[:9]:
            w.edit_live(key, core=spec(prompt="edited")["core"])
            await w.refresh()
        assert len(w.writer.writes) == 9
        assert (await w.source_record()).brake is None


async def test_live_edits_wait_not_for_a_revision_that_is_braked(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=FULL.model_copy(update={"self_heal": True})) as w:
        await delete_in(w, BOTS[:3])
        w.edit_live(BOTS[9], core=spec(prompt="edited")["core"])
        await w.refresh()
        assert [write.chatbot_id for write in w.writer.writes] == BOTS[9:10]
