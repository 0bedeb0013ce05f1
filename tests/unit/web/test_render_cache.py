"""Renderings that are kept."""

import pytest

from reconciler.web.render_cache import RenderCache


def test_what_is_kept_is_not_made_again() -> None:
    cache, made = RenderCache(), []

    def make() -> str:
        made.append(1)
        return "ä"

    assert cache.get("a") is None
    assert cache.get_or_make("a", make) == cache.get_or_make("a", make) == cache.get("a") == "ä".encode()
    assert (len(made), cache.size) == (1, 2)
    assert cache.get_or_make("b", make) == "ä".encode()
    assert len(made) == 2


def test_what_was_used_longest_ago_makes_room() -> None:
    cache = RenderCache(most_bytes=40)
    for name in "abcd":
        cache.get_or_make(name, lambda: "x" * 10)
    cache.get("a")
    cache.get_or_make("e", lambda: "x" * 10)
    assert [name for name in "abcde" if cache.get(name) is not None] == ["a", "c", "d", "e"]
    assert cache.size == 40


@pytest.mark.parametrize(("length", "kept"), [(10, True), (11, False)])
def test_what_would_displace_the_rest_is_not_kept(length: int, *, kept: bool) -> None:
    cache = RenderCache(most_bytes=40)
    assert len(cache.get_or_make("large", lambda: "x" * length)) == length
    assert (cache.get("large") is not None) is kept
    assert cache.size == length * kept


def test_what_fails_is_not_kept() -> None:
    cache = RenderCache()

    def fail() -> str:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  it has no message
        cache.get_or_make("a", fail)
    assert cache.get_or_make("a", lambda: "made") == b"made"
