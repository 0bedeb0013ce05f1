from datetime import UTC, datetime, timedelta

import pytest

from reconciler.render.ages import age, age_or_none, due_or_none, duration, span

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=119, seconds=59), "119 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=400), "400 d"),
    ],
)
def test_a_length_is_told_in_the_unit_that_matters(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_what_ends_in_nearly_seven_days_ends_in_seven() -> None:
    nearly = timedelta(days=7) - timedelta(seconds=3)
    assert (age(NOW + nearly, NOW).words, age(NOW - nearly, NOW).words) == ("7 d", "6 d")


def test_what_lies_ahead_is_told_so() -> None:
    assert (age(NOW - timedelta(hours=3), NOW).words, age(NOW - timedelta(hours=3), NOW).ahead) == ("3 h", False)
    assert (age(NOW + timedelta(minutes=4), NOW).words, age(NOW + timedelta(minutes=4), NOW).ahead) == ("4 min", True)
    assert age_or_none(None, NOW) is None


def test_what_was_to_begin_is_due_and_was_not_ago() -> None:
    coming = [due_or_none(NOW + timedelta(seconds=seconds), NOW) for seconds in (-600, -1, 0, 1.9, 2)]
    assert [each.is_due for each in coming if each] == [True, True, True, True, False]
    assert not age(NOW, NOW).is_due
    assert due_or_none(None, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (3.14, "3.1 s"), (42, "42 s"), (125, "2 min 5 s"), (7200, "2 h")],
)
def test_what_was_short_is_timed_finely(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
