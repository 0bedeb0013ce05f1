"""Direction, per field, op and chatbot: section 3 of the design, its last paragraph."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.direction import (
    NO_BASELINE,
    Baseline,
    SectionBaseline,
    advance,
    common,
    direct,
    is_same_baseline,
    settle,
)
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction

IN_SYNC, GIT, LIVE, BOTH, UNKNOWN = Direction

AGREED: Baseline = {"skills": SectionBaseline({"refunds": {"mode": "on_demand", "enabled": True}})}


def update(before: dict[str, Any], after: dict[str, Any]) -> Op:
    changed = tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))
    return Op("skills", Action.UPDATE, "refunds", before=before, after=after, changed_fields=changed)


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ("on_demand", "always", GIT),
        ("always", "on_demand", LIVE),
        ("always", "never", BOTH),
    ],
)
def test_an_update_is_told_by_who_left_the_baseline(live: str, desired: str, expected: Direction) -> None:
    directed = direct(update({"mode": live}, {"mode": desired}), AGREED)
    assert directed.direction is expected
    assert directed.fields == {"mode": expected}


@pytest.mark.parametrize(
    ("items", "unsettled", "expected"),
    [
        ({"": {"logoUrl": "x"}}, frozenset(), (LIVE, GIT)),
        ({}, frozenset(), (GIT, LIVE)),
        ({}, frozenset({""}), (UNKNOWN, UNKNOWN)),
    ],
)
def test_a_section_without_keys_is_one_item(
    items: dict[str, Any], unsettled: frozenset[str], expected: tuple[Direction, Direction]
) -> None:
    baseline = {"theme": SectionBaseline(items, unsettled)}
    created = direct(Op("theme", Action.CREATE, None, after={"logoUrl": "x"}), baseline)
    deleted = direct(Op("theme", Action.DELETE, None, before={"logoUrl": "x"}), baseline)
    assert (created.direction, deleted.direction) == expected
    assert direct(Op("other", Action.CREATE, None, after={}), baseline).direction is UNKNOWN


@pytest.mark.parametrize(("agreed", "other"), [(1, True), (0, False), ([1], [True]), ({"x": 0}, {"x": False})])
def test_true_is_not_one(agreed: Any, other: Any) -> None:
    baseline = {"skills": SectionBaseline({"refunds": {"mode": agreed}})}
    for live, desired, side in ((agreed, other, GIT), (other, agreed, LIVE)):
        op = Op("skills", Action.UPDATE, "refunds", {"mode": live}, {"mode": desired}, ("mode",))
        assert direct(op, baseline).direction is side


def test_one_is_one_however_it_is_written() -> None:
    baseline = {"skills": SectionBaseline({"refunds": {"mode": 1.0}})}
    op = Op("skills", Action.UPDATE, "refunds", {"mode": 2}, {"mode": 1}, ("mode",))
    assert direct(op, baseline).direction is LIVE


def test_baselines_that_differ_by_true_and_one_are_two() -> None:
    one, true = ({"skills": SectionBaseline({"a": {"x": value}})} for value in (1, True))
    assert is_same_baseline(one, {"skills": SectionBaseline({"a": {"x": 1}})})
    assert not is_same_baseline(one, true)
    assert not is_same_baseline(one, {})


def test_what_was_written_and_stored_differently_is_nobodys_edit_and_what_was_not_written_still_is() -> None:
    agreed = {"skills": SectionBaseline({"refunds": {"mode": "x", "body": "old"}})}
    sent = Op("skills", Action.UPDATE, "refunds", {"body": "old"}, {"body": "new "}, ("body",))
    before, after = {"mode": "y", "body": "new"}, {"mode": "x", "body": "new "}
    left = Op("skills", Action.UPDATE, "refunds", before, after, ("body", "mode"))
    beside = Op("skills", Action.UPDATE, "other", {"body": "a"}, {"body": "b"}, ("body",))
    settled = settle(agreed, [sent], [left, beside])
    assert direct(left, settled).fields == {"body": GIT, "mode": LIVE}
    assert set(settled["skills"].items) == {"refunds"}


def test_different_fields_moved_by_different_sides_make_the_op_diverged() -> None:
    directed = direct(update({"mode": "on_demand", "enabled": False}, {"mode": "always", "enabled": True}), AGREED)
    assert directed.fields == {"mode": GIT, "enabled": LIVE}
    assert directed.direction is BOTH


@pytest.mark.parametrize(
    ("action", "key", "expected"),
    [
        (Action.CREATE, "new", GIT),
        (Action.CREATE, "refunds", LIVE),
        (Action.DELETE, "refunds", GIT),
        (Action.DELETE, "new", LIVE),
    ],
)
def test_creates_and_deletes_are_told_by_what_was_agreed_on(action: Action, key: str, expected: Direction) -> None:
    assert direct(Op("skills", action, key), AGREED).direction is expected


@pytest.mark.parametrize("op", [update({"mode": "a"}, {"mode": "b"}), Op("skills", Action.CREATE, "refunds")])
def test_without_a_baseline_it_is_unknown(op: Op) -> None:
    assert direct(op, NO_BASELINE).direction is UNKNOWN


def after_dry_run(baseline: Baseline, *ops: Op, prune: bool = True) -> Baseline:
    return advance(baseline, ops, sections=["skills"], prune=prune, whole=True)


def test_what_differed_at_the_first_dry_run_stays_unknown_until_it_once_was_noop() -> None:
    create = Op("skills", Action.CREATE, "refunds", after={"name": "refunds"})
    baseline = after_dry_run(after_dry_run(NO_BASELINE, create), create)
    assert direct(create, baseline).direction is UNKNOWN
    noop = Op("skills", Action.NOOP, "refunds", before={"name": "refunds"}, after={"name": "refunds"})
    settled = after_dry_run(baseline, noop)
    assert direct(create, settled).direction is LIVE
    assert direct(Op("skills", Action.CREATE, "other"), settled).direction is GIT


def test_fields_that_agree_within_an_update_refresh_their_baseline() -> None:
    baseline = after_dry_run(
        AGREED, update({"mode": "on_demand", "enabled": False}, {"mode": "always", "enabled": False})
    )
    assert baseline["skills"].items["refunds"] == {"mode": "on_demand", "enabled": False}


def test_a_field_that_is_new_on_one_side_is_told_by_that_side() -> None:
    assert direct(update({}, {"note": "new in git"}), AGREED).direction is GIT
    assert direct(update({"note": "new live"}, {"note": "other"}), AGREED).direction is BOTH
    settled = after_dry_run(NO_BASELINE, Op("skills", Action.NOOP, "refunds", before={"mode": "a"}))
    assert direct(update({"mode": "a"}, {"mode": "a", "note": "x"}), settled).direction is GIT


def test_a_field_that_never_agreed_stays_unknown_while_the_others_are_told() -> None:
    first = update({"mode": "a", "enabled": True}, {"mode": "b", "enabled": True})
    baseline = after_dry_run(NO_BASELINE, first)
    later = update({"mode": "a", "enabled": True}, {"mode": "b", "enabled": False})
    assert direct(later, baseline).fields == {"mode": UNKNOWN, "enabled": GIT}
    agreed = after_dry_run(baseline, update({"mode": "b", "enabled": True}, {"mode": "b", "enabled": False}))
    assert direct(update({"mode": "b"}, {"mode": "c"}), agreed).fields == {"mode": GIT}


def test_with_prune_a_key_that_no_op_names_is_forgotten() -> None:
    assert after_dry_run(AGREED)["skills"].items == {}
    assert after_dry_run(AGREED, prune=False)["skills"].items == AGREED["skills"].items


def test_a_section_that_no_document_states_is_forgotten_by_a_whole_dry_run_only() -> None:
    assert advance(AGREED, [], sections=["core"], prune=True, whole=True).keys() == {"core"}
    assert advance(AGREED, [], sections=["core"], prune=True, whole=False).keys() == {"core", "skills"}


@given(st.lists(st.sampled_from(list(Direction))))
def test_the_common_direction_is_diverged_exactly_when_a_part_is_or_both_sides_moved(parts: list[Direction]) -> None:
    both = BOTH in parts or {GIT, LIVE} <= set(parts)
    assert (common(parts) is BOTH) == both


@given(st.lists(st.sampled_from(list(Direction))), st.randoms())
def test_the_common_direction_does_not_depend_on_order(parts: list[Direction], random: Any) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert common(shuffled) is common(parts)


@given(st.sampled_from(["a", "b", "c"]), st.sampled_from(["a", "b", "c"]), st.sampled_from(["a", "b", "c"]))
def test_three_way_law(agreed: str, desired: str, live: str) -> None:
    baseline: Baseline = {"core": SectionBaseline({"": {"name": agreed}})}
    if desired == live:
        return
    op = Op("core", Action.UPDATE, before={"name": live}, after={"name": desired}, changed_fields=("name",))
    expected = BOTH if agreed not in (desired, live) else (GIT if live == agreed else LIVE)
    assert direct(op, baseline).direction is expected


@pytest.mark.parametrize("prune", [True, False])
def test_what_both_sides_never_agreed_on_stays_unknown_however_often_it_is_seen(*, prune: bool) -> None:
    create = Op("skills", Action.CREATE, "refunds", after={"name": "refunds"})
    baseline = NO_BASELINE
    for _ in range(3):
        baseline = after_dry_run(baseline, create, prune=prune)
        assert direct(create, baseline).direction is UNKNOWN


def test_without_prune_what_is_unsettled_stays_so_while_no_op_names_it() -> None:
    create = Op("skills", Action.CREATE, "refunds", after={"name": "refunds"})
    baseline = after_dry_run(after_dry_run(NO_BASELINE, create, prune=False), prune=False)
    assert direct(create, baseline).direction is UNKNOWN
