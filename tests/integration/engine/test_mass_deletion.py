"""However a mass deletion comes about, nothing is deleted without a person's override.

Each shape is something that people or their tools do to a repository, or to the live side. The policy is the loosest
that there is; then a person says yes to everything that is offered, without an override.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.errors import Conflict, SourceCause
from tests.support.world import World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LOOSEST = Policy(auto_apply=AutoApply.FULL, self_heal=True)
BOTS = [f"bot_{n:02}" for n in range(12)]
KEYS = {"skills": "name", "mcpServers": "name", "domains": "domain"}
Body = dict[str, Any]


def body_of(chatbot_id: str) -> Body:
    return spec(
        chatbot_id,
        skills=[{"name": f"{chatbot_id}-skill-{n}", "body": "text"} for n in range(4)],
        mcpServers=[{"name": f"server-{n}", "url": f"https://mcp-{n}.example.com/"} for n in range(2)],
        domains=[{"domain": f"{chatbot_id.replace('_', '-')}-{n}.example.com"} for n in range(3)],
    )


BODIES = {key: body_of(key) for key in BOTS}
FILES = {path_of(key): document(body, key) for key, body in BODIES.items()}
Shape = Callable[[World], object]


def each(change: Callable[[str, Body], Body], keys: list[str] = BOTS, **more: Any) -> Shape:
    """Every document changed alike."""

    def shape(w: World) -> None:
        bodies = {key: change(key, json.loads(json.dumps(BODIES[key]))) for key in keys}
        w.commit({path_of(key): document(body, key, **more) for key, body in bodies.items()})

    return shape


def without(*sections: str) -> Callable[[str, Body], Body]:
    return lambda _, body: {**body, **{section: [] for section in sections}}


def cut(section: str, kept: int) -> Callable[[str, Body], Body]:
    return lambda _, body: {**body, section: body[section][:kept]}


def renamed(section: str, rename: Callable[[str], str], every: int = 1) -> Callable[[str, Body], Body]:
    key = KEYS[section]

    def change(_: str, body: Body) -> Body:
        items = [item if n % every else {**item, key: rename(item[key])} for n, item in enumerate(body[section])]
        return {**body, section: items}

    return change


def files(make: Callable[[], Mapping[str, str | None]]) -> Shape:
    return lambda w: w.commit(dict(make()))


def forced(make: Callable[[], Mapping[str, str]]) -> Shape:
    return lambda w: w.source.force_push(dict(make()))


def live(keys: list[str], section: str, items: list[Body]) -> Shape:
    """Somebody adds items at WizChat: undoing that deletes them."""

    def shape(w: World) -> None:
        for key in keys:
            w.edit_live(key, **{section: [*w.live(key).config[section], *items]})

    return shape


def several(*shapes: Shape) -> Shape:
    def shape(w: World) -> None:
        for one in shapes:
            one(w)

    return shape


def renamed_ids(keys: list[str]) -> dict[str, str | None]:
    return {path_of(key): document(BODIES[key], f"{key}-new") for key in keys}


EMPTY_SECTIONS = without(*KEYS)
SHAPES: dict[str, Shape] = {
    "all files removed": files(lambda: dict.fromkeys(FILES) | {"README.md": "gone"}),
    "half of the files removed": files(lambda: dict.fromkeys(list(FILES)[::2])),
    "a third of the files removed": files(lambda: dict.fromkeys(list(FILES)[::3])),
    "all but one file removed": files(lambda: dict.fromkeys(list(FILES)[1:])),
    "folder moved": files(lambda: dict.fromkeys(FILES) | {f"bots/{path}": text for path, text in FILES.items()}),
    "extension changed": files(lambda: dict.fromkeys(FILES) | {f"{path}.bak": text for path, text in FILES.items()}),
    "all ids renamed": files(lambda: renamed_ids(BOTS)),
    "half of the ids renamed": files(lambda: renamed_ids(BOTS[::2])),
    "a third of the ids renamed": files(lambda: renamed_ids(BOTS[::3])),
    "all files truncated": files(lambda: dict.fromkeys(FILES, "")),
    "all files a brace": files(lambda: dict.fromkeys(FILES, "{")),
    "all documents empty objects": files(lambda: dict.fromkeys(FILES, "{}")),
    "conflict markers everywhere": files(lambda: {path: f"<<<<<<< HEAD\n{text}" for path, text in FILES.items()}),
    "one document over all others": each(lambda _, __: BODIES[BOTS[0]]),
    "documents shifted by one": each(lambda key, _: BODIES[BOTS[BOTS.index(key) - 1]]),
    "branch replaced by another": forced(lambda: {path_of(key): document(spec(key), key) for key in BOTS}),
    "branch replaced by empty sections": forced(
        lambda: {path_of(key): document(EMPTY_SECTIONS(key, BODIES[key]), key) for key in BOTS}
    ),
    "branch replaced by nothing": forced(lambda: {"README.md": "hello"}),
    "branch deleted": lambda w: w.source.fail(SourceCause.BRANCH_MISSING),
    "repository emptied": lambda w: w.source.fail(SourceCause.REPOSITORY_EMPTY),
    "skills emptied everywhere": each(without("skills")),
    "servers emptied everywhere": each(without("mcpServers")),
    "domains emptied everywhere": each(without("domains")),
    "every section emptied everywhere": each(EMPTY_SECTIONS),
    "every section emptied in one": each(EMPTY_SECTIONS, BOTS[:1]),
    "one section emptied in two": each(without("skills"), BOTS[:2]),
    "every section dropped": each(lambda key, _: spec(key)),
    "lists cut to their first item": each(lambda key, body: cut("skills", 1)(key, cut("domains", 1)(key, body))),
    "one skill less everywhere": each(cut("skills", 3)),
    "two skills less everywhere": each(cut("skills", 2)),
    "one domain less in half": each(cut("domains", 2), BOTS[::2]),
    "three skills less in one": each(cut("skills", 1), BOTS[:1]),
    "three skills less in five": each(cut("skills", 1), BOTS[:5]),
    "one server less everywhere": each(cut("mcpServers", 1)),
    "one server less in one": each(cut("mcpServers", 1), BOTS[:1]),
    "all skills renamed": each(renamed("skills", lambda name: f"{name}-v2")),
    "half of the skills renamed": each(renamed("skills", lambda name: f"{name}-v2", 2)),
    "all skills in capitals": each(renamed("skills", str.upper)),
    "all servers renamed": each(renamed("mcpServers", lambda name: f"{name}-v2")),
    "all domains under another": each(renamed("domains", lambda name: name.replace("example.com", "example.org"))),
    "skills moved to the neighbour": each(
        lambda key, body: {**body, "skills": BODIES[BOTS[BOTS.index(key) - 1]]["skills"]}
    ),
    "live: one skill more everywhere": live(BOTS, "skills", [{"name": "live", "body": "kept"}]),
    "live: one skill more in half": live(BOTS[::2], "skills", [{"name": "live", "body": "kept"}]),
    "live: five skills more in one": live(BOTS[:1], "skills", [{"name": f"live-{n}", "body": "k"} for n in range(5)]),
    "live: one server more everywhere": live(BOTS, "mcpServers", [{"name": "live", "url": "https://live.example.com/"}]),
    "live and git at once": several(
        live(BOTS, "skills", [{"name": "live", "body": "kept"}]), each(cut("skills", 3), BOTS[:6])
    ),
}  # fmt: skip


def items(w: World) -> dict[tuple[str, str], set[str]]:
    """What is live: (chatbot, section) → keys."""
    return {
        (key, section): {item[name] for item in w.live(key).config[section]}
        for key in BOTS
        for section, name in KEYS.items()
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_nothing_is_deleted_without_a_persons_override(tmp_path: Path, shape: Shape) -> None:
    async with world(tmp_path, BODIES, FILES, policy=LOOSEST) as w:
        shape(w)
        before = items(w)
        for _ in range(2):
            await w.refresh()
        assert items_lost(before, items(w)) == {}, "without a person nothing is deleted"

        await approve_everything(w)
        for (_, section), lost in items_lost(before, items(w)).items():
            assert section != "mcpServers"
            assert len(lost) <= LOOSEST.max_deletes
        assert all(after for place, after in items(w).items() if before[place]), "no section was emptied"


def items_lost(
    before: Mapping[tuple[str, str], set[str]], after: Mapping[tuple[str, str], set[str]]
) -> dict[tuple[str, str], set[str]]:
    return {place: keys - after[place] for place, keys in before.items() if keys - after[place]}


async def approve_everything(w: World) -> None:
    """A person says yes to whatever is offered, without an override."""
    for key in BOTS:
        chatbot = await w.chatbot(key)
        plan = await w.plan(chatbot.plan_id) if chatbot.plan_id else None
        if plan is None or plan.status is not PlanStatus.PENDING:
            continue
        with suppress(Conflict):
            await w.approve(plan, apply=True)
    await w.idle()


def test_there_are_enough_shapes() -> None:
    assert len(SHAPES) >= 30


PRUNES = {
    "everywhere with one item each": (BOTS, 1),
    "in half with one item each": (BOTS[::2], 1),
    "in one with five items": (BOTS[:1], 5),
}


@pytest.mark.parametrize(("keys", "more"), PRUNES.values(), ids=PRUNES)
async def test_a_flip_of_prune_deletes_nothing_that_was_only_live(tmp_path: Path, keys: list[str], more: int) -> None:
    kept = {path_of(key): document(body, key, prune=False) for key, body in BODIES.items()}
    extra = [{"name": f"live-{n}", "body": "kept"} for n in range(more)]
    richer = {key: {**body, "skills": [*body["skills"], *extra]} for key, body in BODIES.items()}
    async with world(tmp_path, richer, kept, policy=LOOSEST) as w:
        before = items(w)
        w.commit({path_of(key): document(BODIES[key], key, prune=True) for key in keys})
        for _ in range(2):
            await w.refresh()
        assert items_lost(before, items(w)) == {}
