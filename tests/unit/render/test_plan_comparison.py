from dataclasses import replace
from typing import Any

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.plan_comparison import compare_plans
from tests.support.records import a_plan

GIT, LIVE, BOTH, UNKNOWN = Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED, Direction.UNKNOWN


def update(before: dict[str, Any], after: dict[str, Any], **sides: Direction) -> DirectedOp:
    names = tuple(sorted({*before, *after}))
    return DirectedOp(
        Op("skills", Action.UPDATE, "a", before, after, names), GIT, {**dict.fromkeys(names, GIT), **sides}
    )


def create(key: str, after: dict[str, Any], side: Direction = GIT) -> DirectedOp:
    return DirectedOp(Op("skills", Action.CREATE, key, None, after), side)


OLD = a_plan("plan_1", ops=(update({"mode": "x"}, {"mode": "y"}),))
LATER = "b" * 40


def test_what_both_do_is_nothing() -> None:
    assert compare_plans(OLD, replace(OLD, id="plan_2")).is_nothing


def test_another_desired_value_is_a_move_of_git() -> None:
    (found,) = compare_plans(OLD, replace(OLD, revision=LATER, ops=(update({"mode": "x"}, {"mode": "z"}),))).differ
    assert (found.noun, found.side) == ("skill a", GIT)


def test_another_live_value_is_a_live_edit() -> None:
    (found,) = compare_plans(OLD, replace(OLD, ops=(update({"mode": "w"}, {"mode": "y"}),))).differ
    assert found.side is LIVE


def test_true_in_place_of_one_is_a_move() -> None:
    old, new = (replace(OLD, ops=(update({"mode": "x"}, {"mode": value}),)) for value in (1, True))
    (found,) = compare_plans(old, replace(new, revision=LATER)).differ
    assert (found.noun, found.side, found.fields) == ("skill a", GIT, (("mode", GIT),))
    added, other = (replace(OLD, ops=(create("b", {"n": value}),)) for value in (1, True))
    assert [moved.side for moved in compare_plans(added, replace(other, revision=LATER)).differ] == [GIT]


def test_both_values_are_both_sides() -> None:
    (found,) = compare_plans(OLD, replace(OLD, revision=LATER, ops=(update({"mode": "w"}, {"mode": "z"}),))).differ
    assert found.side is BOTH


def test_a_field_that_came_says_itself_who_moved() -> None:
    new = replace(OLD, ops=(update({"mode": "x", "enabled": False}, {"mode": "y", "enabled": True}, enabled=LIVE),))
    (found,) = compare_plans(OLD, new).differ
    assert found.side is LIVE


def test_a_field_that_went_tells_nothing_of_the_side() -> None:
    old = replace(OLD, ops=(update({"mode": "x", "enabled": False}, {"mode": "y", "enabled": True}),))
    (found,) = compare_plans(old, OLD).differ
    assert found.side is UNKNOWN


def test_what_differs_within_an_update_is_named_each_with_its_side() -> None:
    before: dict[str, Any] = {"behavior": {"firstMessage": "Hi", "tone": "plain", "other": 1}, "mode": "x"}
    after: dict[str, Any] = {"behavior": {"firstMessage": "Hello", "tone": "warm", "other": 2}, "mode": "y"}
    old = replace(OLD, ops=(update(before, after),))
    now = {"behavior": {**before["behavior"], "firstMessage": "Hey"}, "mode": "x"}
    then = {"behavior": {**after["behavior"], "tone": "kind"}, "mode": "y"}
    (found,) = compare_plans(old, replace(old, revision=LATER, ops=(update(now, then),))).differ
    assert found.fields == (("first message", LIVE), ("tone", GIT))
    assert found.side is BOTH


def test_ops_that_came_and_went() -> None:
    new = replace(OLD, revision=LATER, ops=(create("b", {"name": "b"}),))
    found = compare_plans(OLD, new)
    assert [(each.noun, each.side) for each in found.came] == [("skill b", GIT)]
    assert [(each.noun, each.side) for each in found.left] == [("skill a", UNKNOWN)]
    assert found.new_revision


def test_at_one_revision_only_the_live_side_can_have_moved() -> None:
    found = compare_plans(OLD, replace(OLD, ops=(create("b", {"name": "b"}, UNKNOWN),)))
    assert [each.side for each in (*found.came, *found.left)] == [LIVE, LIVE]
    assert not found.new_revision
