"""Items that the server protects, whatever a document says and whoever approves."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import Policy, Protection
from reconciler.domain.status import Reason
from reconciler.engine.apply.request import request_apply
from reconciler.engine.decide.decisions import Item, Overrides, decide_all, reject
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict
from reconciler.ports import JobKind
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

SKILLS = [{"name": "a", "body": "one"}, {"name": "b", "body": "one"}]
LIVE = {BOT: spec(skills=SKILLS)}
FILES = {path_of(): document(spec(skills=SKILLS))}


def protecting(*patterns: str) -> Policy:
    return Policy(protected=tuple(Protection.parse(pattern) for pattern in patterns))


async def push(w: World, body: dict[str, Any], **more: Any) -> None:
    w.commit({path_of(): document(body, **more)})
    await w.refresh()


@pytest.mark.parametrize(
    ("pattern", "body"),
    [
        ("*/skills/a", spec(skills=[{"name": "a", "body": "two"}, SKILLS[1]])),
        ("*/skills/a", spec(skills=SKILLS[1:])),
        (f"{BOT}/skills/*", spec(skills=[])),
        ("bot_?/*/*", spec(prompt="new", skills=SKILLS)),
        ("*/core/behavior.systemPrompt", spec(prompt="new", skills=SKILLS)),
        ("*/core/behavior.*", spec(prompt="new", skills=SKILLS)),
        # a field that is replaced as a whole takes with it what it holds, and an object is what lies in it
        ("*/core/behavior.*", {"core": {"name": "Acme", "behavior": None}, "skills": SKILLS}),
        ("*/core/behavior.systemPrompt", {"core": {"name": "Acme", "behavior": "none"}, "skills": SKILLS}),
        (
            "*/core/behavior.systemPrompt",
            {"core": {"name": "Acme", "behavior": {"systemPrompt": "new", "a.b": 1}}, "skills": SKILLS},
        ),
        ("*/core/behavior", spec(prompt="new", skills=SKILLS)),
        # the rest of the plan waits with it: a plan is applied as it was seen, or not at all
        ("*/core/name", spec(name="Renamed", skills=[*SKILLS, {"name": "c", "body": "new"}])),
    ],
)
async def test_what_is_protected_is_neither_approved_nor_applied(
    tmp_path: Path, pattern: str, body: dict[str, Any]
) -> None:
    async with world(tmp_path, LIVE, FILES, policy=protecting(pattern)) as w:
        await push(w, body)
        plan = await w.open_plan()
        assert (plan.reason, (await w.chatbot()).reason) == (Reason.PROTECTED, Reason.PROTECTED)
        assert f"({pattern})" in plan.message
        for ask in (
            w.approve(plan),
            w.approve(plan, overrides=Overrides(deletes=True, reason="let me")),
            w.apply(plan),
        ):
            with pytest.raises(Conflict, match=r"policy\.protected") as refused:
                await ask
            assert refused.value.code == "protected"
            assert pattern in str(refused.value)
        items = [Item(plan.id, plan.fingerprint)]
        [result] = await decide_all(w.engine, await w.person(), approving=True, items=items, apply=True)
        assert result.error is not None
        assert w.writer.writes == []
        assert (await reject(w.engine, await w.person(), plan.id, plan.fingerprint)).plan.status is PlanStatus.REJECTED


@pytest.mark.parametrize(
    ("pattern", "body"),
    [
        ("*/skills/a", spec(skills=[SKILLS[0], {"name": "b", "body": "two"}])),
        ("other/skills/*", spec(skills=[{"name": "a", "body": "two"}])),
        ("*/domains/*", spec(skills=[{"name": "a", "body": "two"}])),
        ("*/core/name", spec(prompt="new", skills=SKILLS)),
        (
            "*/core/behavior.systemPrompt",
            {"core": {"name": "Acme", "behavior": {"systemPrompt": "Be kind.", "a.b": 1}}, "skills": SKILLS},
        ),
        ("*/skills/*", spec(skills=[*SKILLS, {"name": "c", "body": "new"}])),
    ],
)
async def test_what_is_not_protected_goes_its_way(tmp_path: Path, pattern: str, body: dict[str, Any]) -> None:
    async with world(tmp_path, LIVE, FILES, policy=protecting(pattern)) as w:
        await push(w, body)
        plan = await w.open_plan()
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_what_somebody_deleted_live_may_be_restored(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=protecting("*/skills/*")) as w:
        w.edit_live(skills=SKILLS[:1])
        await w.refresh()
        plan = await w.open_plan()
        await w.approve(plan)
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED
        assert [skill["name"] for skill in w.live().config["skills"]] == ["a", "b"]


async def test_a_document_that_drops_its_own_protection_is_not_asked(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES, policy=protecting("*/skills/*")) as w:
        await push(w, spec(), prune=True)  # the section is not stated, so it is not touched
        assert (await w.chatbot()).plan_id is None
        await push(w, spec(skills=[]), prune=True)
        assert (await w.open_plan()).reason is Reason.PROTECTED


async def test_a_protection_set_after_the_approval_holds_at_the_request(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await push(w, spec(skills=SKILLS[1:]))
        plan = await w.open_plan()
        await w.approve(plan)
        await w.switch(protecting("*/skills/*"))
        with pytest.raises(Conflict) as refused:
            await request_apply(w.engine, await w.person(), plan.id, plan.fingerprint)
        assert refused.value.code == "protected"
        shown = await w.plan(plan.id)
        assert (shown.status, shown.reason) == (PlanStatus.PENDING, Reason.PROTECTED)


async def test_a_protection_set_after_the_approval_is_shown_at_the_next_tick(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await push(w, spec(skills=SKILLS[1:]))
        plan = await w.open_plan()
        await w.approve(plan)
        await w.switch(protecting("*/skills/*"))
        await tick(w.engine)
        shown = await w.plan(plan.id)
        assert (shown.status, shown.reason) == (PlanStatus.PENDING, Reason.PROTECTED)
        assert (await w.chatbot()).reason is Reason.PROTECTED


async def test_a_protection_set_after_the_request_holds_at_the_re_check(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        await push(w, spec(skills=SKILLS[1:]))
        plan = await w.open_plan()
        await w.approve(plan)

        async def hold(_: str) -> None:
            return

        w.dispatcher.handlers = {**w.dispatcher.handlers, JobKind.APPLY: hold}
        queued = await w.apply(plan)
        await w.switch(protecting("*/skills/*"))
        await w.recoverer.run()
        await w.idle()
        apply = await w.apply_of(queued.id)
        assert (apply.status, apply.reason) == (ApplyStatus.FAILED, Reason.PROTECTED)
        shown = await w.plan(plan.id)
        assert (shown.status, shown.reason, shown.apply_id) == (PlanStatus.PENDING, Reason.PROTECTED, None)
        assert w.writer.writes == []
