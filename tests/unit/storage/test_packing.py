"""Large values apart from their rows: they come back as they were, and what is equal is there once."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.storage.packing import LONGEST_WITHIN, SMALLEST, pack, reference_in, unpack

LONG = 'a "quoted" \\ text with ü and \n lines. ' * (LONGEST_WITHIN // 20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from((LONG, LONG[1:], "\ud800" * 5000, "\0" * 5000)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(("$content", LONG)), inner),
)


@given(VALUES)
def test_what_was_packed_comes_back(value: Any) -> None:
    packed = pack(value)
    assert unpack(json.loads(json.dumps(packed.column)), packed.contents) == value


def test_a_small_value_stays_where_it_is() -> None:
    value = {"a": ["x" * (SMALLEST // 2)]}
    packed = pack(value)
    assert packed.column == value
    assert not packed.contents


def test_a_small_value_that_looks_like_a_reference_is_none() -> None:
    value = {"$content": "nothing"}
    packed = pack(value)
    assert packed.column != value
    assert unpack(packed.column, packed.contents) == value


def test_values_that_differ_share_their_long_texts() -> None:
    one, other = pack({"skills": [LONG, "one"]}), pack([{"before": None, "after": LONG}, "other"])
    assert reference_in(one.column) != reference_in(other.column)
    (shared,) = one.contents.keys() & other.contents.keys()
    assert json.loads(one.contents[shared]) == LONG
    assert len(one.contents) == len(other.contents) == 2


@given(st.lists(VALUES))
def test_a_list_that_is_read_item_by_item_comes_back(values: list[Any]) -> None:
    packed = pack([LONG, *values])
    assert unpack(json.loads(json.dumps(packed.column)), packed.contents) == [LONG, *values]
