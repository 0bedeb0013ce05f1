"""Rule 4: an unknown outcome is decided by a dry run. Rule 7: what is done is noop."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.apply_answers import ReadBack, read_back, undone
from reconciler.domain.plan import Action, Op

CREATE = Op("skills", Action.CREATE, "returns", after={"name": "returns"})
UPDATE = Op(
    "skills",
    Action.UPDATE,
    "refunds",
    before={"mode": "a", "n": 1},
    after={"mode": "b", "n": 1},
    changed_fields=("mode",),
)
DELETE = Op("domains", Action.DELETE, "old.example", before={"domain": "old.example"})
APPROVED = tuple(op.essence() for op in (CREATE, UPDATE, DELETE))


def done(op: Op) -> list[Op]:
    """What a dry run says of an op that took effect."""
    return [] if op.action is Action.DELETE else [replace(op, action=Action.NOOP, changed_fields=())]


def test_everything_noop_or_gone_is_applied() -> None:
    fresh = [*done(CREATE), *done(UPDATE), *done(DELETE)]
    assert undone(APPROVED, fresh) == ()
    assert read_back(APPROVED, fresh) is ReadBack.ALL_DONE


@given(st.sets(st.sampled_from([CREATE, UPDATE, DELETE]).map(lambda op: op.place)))
def test_the_same_ops_left_are_told_by_how_many(left: set[object]) -> None:
    fresh = [new for op in (CREATE, UPDATE, DELETE) for new in ([op] if op.place in left else done(op))]
    expected = {0: ReadBack.ALL_DONE, 3: ReadBack.NOTHING_DONE}.get(len(left), ReadBack.PART_DONE)
    assert read_back(APPROVED, fresh) is expected


def test_another_op_in_its_place_is_not_done_and_cannot_be_told() -> None:
    changed = replace(UPDATE, before={"mode": "c", "n": 1})
    assert read_back(APPROVED, [*done(CREATE), changed]) is ReadBack.UNDETERMINED


def test_a_value_that_is_true_in_place_of_one_is_another_op() -> None:
    op = Op("skills", Action.UPDATE, "a", before={"n": 1}, after={"n": 2}, changed_fields=("n",))
    assert read_back([op.essence()], [op]) is ReadBack.NOTHING_DONE
    assert read_back([op.essence()], [replace(op, before={"n": True})]) is ReadBack.UNDETERMINED


def test_an_op_beside_the_plan_does_not_count() -> None:
    other = Op("domains", Action.CREATE, "new.example", after={"domain": "new.example"})
    assert read_back(APPROVED, [*done(CREATE), *done(UPDATE), other]) is ReadBack.ALL_DONE


def test_a_create_that_no_op_names_is_not_done() -> None:
    assert undone([CREATE], []) == (CREATE.place,)
