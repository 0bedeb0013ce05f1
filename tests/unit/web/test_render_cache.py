"""Renderings that are kept."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.web.http.render_pool import ClientGone
from reconciler.web.plans.render_cache import RenderCache
from tests.support.waiting import PATIENCE


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


class Asked:
    """A key that tells when it is looked up."""

    def __init__(self, asked: threading.Event) -> None:
        self.asked = asked

    def __hash__(self) -> int:
        self.asked.set()
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asked)


@pytest.mark.parametrize("length", [10, 11], ids=["kept", "too large to be kept"])
def test_what_two_threads_ask_for_at_once_is_made_once(length: int) -> None:
    cache, begun, asked, made = RenderCache(most_bytes=40), threading.Event(), threading.Event(), []

    def first() -> str:
        begun.set()
        assert asked.wait(PATIENCE)
        return "x" * length

    def second() -> str:
        made.append(1)
        return "x" * length

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(cache.get_or_make, Asked(threading.Event()), first)
        assert begun.wait(PATIENCE)
        # the lock is held from the look-up on, so that what is under way is seen
        two = threads.submit(cache.get_or_make, Asked(asked), second)
        assert one.result(PATIENCE) == two.result(PATIENCE) == b"x" * length
    assert made == []


def test_who_waits_for_another_that_fails_makes_it() -> None:
    cache, begun, asked = RenderCache(), threading.Event(), threading.Event()

    def hang_up() -> str:
        begun.set()
        assert asked.wait(PATIENCE)
        raise ClientGone

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(cache.get_or_make, Asked(threading.Event()), hang_up)
        assert begun.wait(PATIENCE)
        two = threads.submit(cache.get_or_make, Asked(asked), lambda: "made")
        assert isinstance(one.exception(PATIENCE), ClientGone)
        assert two.result(PATIENCE) == b"made"
    assert cache.get(Asked(asked)) == b"made"
