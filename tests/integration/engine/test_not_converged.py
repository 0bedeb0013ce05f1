"""WizChat stores something else than what was sent: nobody is blamed for it, and it does not come back for ever."""

from pathlib import Path

import pytest

from reconciler.domain.condition_rules import HELD, STORED_OTHERWISE
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.render.plan_summary import overwritten
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

SKILLS = [{"name": "a", "body": "one"}]
LIVE = {BOT: spec(skills=SKILLS)}
FILES = {path_of(): document(spec(skills=SKILLS))}
SENT = spec(prompt="Be brief.\n", skills=SKILLS)


async def push(w: World, **sections: object) -> None:
    w.commit({path_of(): document({**SENT, **sections})})
    await w.refresh()


async def apply_in_vain(w: World) -> None:
    plan = await w.open_plan()
    await w.approve(plan)
    assert (await w.apply(plan)).status is ApplyStatus.APPLIED_NOT_CONVERGED


async def test_the_next_plan_says_that_wizchat_stored_it_differently_and_blames_nobody(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w)
        await apply_in_vain(w)
        plan = await w.open_plan()
        assert (plan.direction, overwritten(plan.ops)) == (Direction.GIT_AHEAD, ())
        assert STORED_OTHERWISE in plan.message
        assert (await w.chatbot()).direction is Direction.GIT_AHEAD


async def test_an_equal_plan_is_not_offered_again_after_two_such_ends(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w)
        for _ in range(2):
            await apply_in_vain(w)
        for _ in range(2):
            await w.refresh()
            chatbot = await w.chatbot()
            assert (chatbot.plan_id, chatbot.sync) == (None, Sync.OUT_OF_SYNC)
            assert (chatbot.reason, chatbot.message) == (Reason.NOT_CONVERGED, HELD)
        assert len(w.writer.writes) == 2


async def test_a_document_that_says_what_wizchat_stores_ends_it(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w)
        for _ in range(2):
            await apply_in_vain(w)
        await push(w, **spec(prompt="Be brief."))
        assert (await w.chatbot()).sync is Sync.SYNCED
        await push(w)
        assert (await w.open_plan()).status is PlanStatus.PENDING


async def test_another_change_is_offered_and_an_equal_one_after_it_too(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w)
        for _ in range(2):
            await apply_in_vain(w)
        await push(w, skills=[{"name": "a", "body": "two"}])
        plan = await w.open_plan()
        assert STORED_OTHERWISE not in plan.message
        await push(w)
        assert (await w.open_plan()).status is PlanStatus.PENDING


async def test_another_text_that_is_stored_differently_is_counted_by_itself(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        for text in ("Be brief.\n", "Be short.\n"):
            await push(w, **spec(prompt=text))
            await apply_in_vain(w)
            assert (await w.chatbot()).unconverged_ends == 1
            await w.open_plan()
        await apply_in_vain(w)
        assert (await w.chatbot()).unconverged_ends == 2


async def test_a_live_edit_after_such_an_end_is_still_told(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w)
        await apply_in_vain(w)
        w.edit_live(core=spec(prompt="Edited by hand.")["core"])
        await w.refresh()
        plan = await w.open_plan()
        assert plan.direction is Direction.DIVERGED
        assert overwritten(plan.ops) == ("system prompt",)
        assert STORED_OTHERWISE not in plan.message


async def test_a_new_item_that_is_stored_differently_blames_nobody_either(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.writer.strips_texts = True
        await push(w, **spec(), skills=[*SKILLS, {"name": "b", "body": "Say so.\n"}])
        await apply_in_vain(w)
        plan = await w.open_plan()
        assert (plan.direction, overwritten(plan.ops)) == (Direction.GIT_AHEAD, ())
        assert STORED_OTHERWISE in plan.message
