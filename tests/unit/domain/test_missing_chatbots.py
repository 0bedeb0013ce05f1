"""When a chatbot that the list does not name is asked for again."""

from datetime import timedelta

from reconciler.domain.missing_chatbots import is_due
from tests.fakes.clock import START

MINUTE = timedelta(minutes=1)


def test_it_is_asked_for_less_and_less_and_at_last_once_a_day() -> None:
    asked, moments = None, []
    for minute in range(6 * 24 * 60):
        now = START + minute * MINUTE
        if is_due(START, asked, now):
            asked = now
            moments.append(minute)
    assert moments[:5] == [5, 10, 20, 40, 80]
    assert [after - before for before, after in zip(moments[-3:], moments[-2:], strict=False)] == [1440, 1440]


def test_what_is_newly_missing_is_not_asked_for_at_once() -> None:
    assert not is_due(None, None, START)
    assert not is_due(START, None, START + 4 * MINUTE)


def test_a_moment_that_was_written_before_the_clock_was_set_back_puts_nothing_off() -> None:
    ahead = START + 2 * 24 * 60 * MINUTE
    assert is_due(ahead, None, START)
    assert is_due(START - 60 * MINUTE, ahead, START)
    assert not is_due(START + MINUTE, None, START)
