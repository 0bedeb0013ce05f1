"""A cache that is bounded by the size of what it holds."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bounded_cache import BoundedCache

MOST = 40


def cache() -> BoundedCache[str, str]:
    return BoundedCache(MOST, lambda key, value: len(key) + len(value))


def test_a_key_counts_as_well_as_its_value() -> None:
    bounded = cache()
    bounded.keep("abc", "12345")
    assert (bounded.get("abc"), bounded.size) == ("12345", 8)


def test_another_value_of_a_key_takes_the_place_of_the_former() -> None:
    bounded = cache()
    bounded.keep("a", "123456789")
    bounded.keep("a", "1")
    assert (bounded.get("a"), bounded.size) == ("1", 2)


def test_a_value_that_is_too_large_ends_the_former_one() -> None:
    bounded = cache()
    bounded.keep("a", "1")
    bounded.keep("a", "x" * MOST)
    assert (bounded.get("a"), bounded.size) == (None, 0)


def test_an_empty_value_is_a_value() -> None:
    bounded = cache()
    bounded.keep("a", "")
    assert bounded.get("a") == ""


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12), st.booleans()), max_size=60))
def test_however_it_is_used_it_holds_no_more_than_it_may(steps: list[tuple[str, int, bool]]) -> None:
    bounded = cache()
    for key, length, keeps in steps:
        if keeps:
            bounded.keep(key, "x" * length)
        found = {key: value for key in "abcdefgh" if (value := bounded.get(key)) is not None}
        assert bounded.size == sum(len(key) + len(value) for key, value in found.items()) <= MOST
        assert all(len(value) < MOST // 4 for value in found.values())
