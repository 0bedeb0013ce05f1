import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.alignment import Effort, align
from tests.support.work import counted

ITEMS = st.lists(st.sampled_from("abc \n"), max_size=14)
ENOUGH = 10_000


@given(ITEMS, ITEMS, st.sampled_from([0, 30, ENOUGH]))
def test_the_runs_give_both_sequences_back_whatever_the_effort(left: list[str], right: list[str], effort: int) -> None:
    runs = align(left, right, Effort(effort))
    assert [item for run in runs for item in left[run.left]] == left
    assert [item for run in runs for item in right[run.right]] == right
    for run in runs:
        assert run.same == (left[run.left] == right[run.right])


@given(ITEMS, ITEMS)
def test_replaced_runs_never_follow_each_other(left: list[str], right: list[str]) -> None:
    runs = align(left, right, Effort(ENOUGH))
    assert all(first.same or second.same for first, second in itertools.pairwise(runs))


@given(ITEMS)
def test_a_sequence_is_the_same_as_itself(items: list[str]) -> None:
    assert [run.same for run in align(items, items, Effort(0))] == ([True] if items else [])


def test_what_moved_past_a_unique_item_is_told_as_gone_and_come() -> None:
    runs = align("xay", "axy", Effort(ENOUGH))
    assert sum(len("xay"[run.left]) for run in runs if run.same) == 2


def test_without_effort_all_between_the_common_ends_is_replaced() -> None:
    runs = align("ab1c2de", "ab2c1de", Effort(0))
    assert [(run.same, "ab1c2de"[run.left], "ab2c1de"[run.right]) for run in runs] == [
        (True, "ab", "ab"),
        (False, "1c2", "2c1"),
        (True, "de", "de"),
    ]


@pytest.mark.parametrize("letters", ["ab", "abcdefgh", "a"])
def test_the_work_is_bounded_however_the_texts_are_made(letters: str) -> None:
    random = Random(7)
    left, right = ("".join(random.choices(letters, k=200_000)) + end for end in "xy")
    with counted(most=3_000_000):
        align(left, right, Effort(1_500_000))
