"""When a read or a dry run is sent again, and how long that waits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_client import WizChatApiError, WizChatConnectionError, WizChatError, WizChatResponseError
from api_client._retry import LONGEST_BACKOFF_S, Retries, parse_retry_after, retry_wait

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BOTS = httpx.Response(200, json={"chatbots": []})


def retries(**changes: Any) -> Retries:
    given_: dict[str, Any] = {
        "limit": 3,
        "backoff_s": 0.5,
        "longest_wait_s": 60.0,
        "now": lambda: NOW,
        "random": lambda: 1.0,
    }
    return Retries(**{**given_, **changes})


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_refusal_is_tried_again(call: Callable[..., Any], script: Callable[..., Any], status: int) -> None:
    sent = script(httpx.Response(status, headers={"Retry-After": "0"}), BOTS)
    seen: list[tuple[int, float, WizChatError]] = []
    call("list_chatbots", transport=sent.transport, on_retry=lambda *what: seen.append(what))
    assert len(sent.requests) == 2
    assert [(number, error.status) for number, _, error in seen if isinstance(error, WizChatApiError)] == [(1, status)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 501])
def test_a_lasting_refusal_is_not(call: Callable[..., Any], script: Callable[..., Any], status: int) -> None:
    sent = script(httpx.Response(status), BOTS)
    with pytest.raises(WizChatApiError):
        call("list_chatbots", transport=sent.transport)
    assert len(sent.requests) == 1


def test_a_daily_quota_is_reported_and_not_tried_again(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    body = {"error": {"code": "quota_exceeded", "message": "tomorrow"}}
    sent = script(httpx.Response(429, json=body, headers={"Retry-After": "1"}), BOTS)
    with pytest.raises(WizChatApiError) as caught:
        call("list_chatbots", transport=sent.transport)
    assert (caught.value.is_quota_exceeded, caught.value.retry_after, len(sent.requests)) == (True, 1.0, 1)


def test_a_rate_limit_says_how_long_to_wait(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    body = {"error": {"code": "rate_limited", "message": "slower"}}
    sent = script(httpx.Response(429, json=body, headers={"Retry-After": "3600"}))
    with pytest.raises(WizChatApiError) as caught:
        call("list_chatbots", transport=sent.transport)
    assert (caught.value.is_quota_exceeded, caught.value.retry_after) == (False, 3600.0)
    assert len(sent.requests) == 1, "longer than max_retry_wait"


def test_the_last_refusal_is_raised_when_the_attempts_are_used_up(
    call: Callable[..., Any], script: Callable[..., Any]
) -> None:
    sent = script(httpx.Response(503), httpx.ReadError("cut"), httpx.Response(504))
    with pytest.raises(WizChatApiError, match="http_504"):
        call("get_config", "b", transport=sent.transport, max_retries=2)
    assert len(sent.requests) == 3


def test_what_on_retry_raises_ends_the_call(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    def stop(*_: Any) -> None:
        raise LookupError("no budget left")

    sent = script(httpx.Response(503))
    with pytest.raises(LookupError):
        call("list_chatbots", transport=sent.transport, on_retry=stop)
    assert len(sent.requests) == 1


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1), backoff=st.floats(0, 100))
def test_a_wait_is_within_its_bounds(attempt: int, chance: float, backoff: float) -> None:
    wait = retry_wait(
        WizChatConnectionError("x"), attempt, retries(limit=10_000, random=lambda: chance, backoff_s=backoff)
    )
    assert wait is not None
    assert 0 <= wait <= LONGEST_BACKOFF_S


@given(attempt=st.integers(1, 3), chance=st.floats(0, 1), asked=st.floats(0, 1e6))
def test_a_wait_is_never_shorter_than_asked_nor_longer_than_allowed(attempt: int, chance: float, asked: float) -> None:
    error = WizChatApiError(429, retry_after=asked)
    wait = retry_wait(error, attempt, retries(random=lambda: chance))
    assert (wait is None) == (asked > 60)
    assert wait is None or asked <= wait <= max(asked, LONGEST_BACKOFF_S)


def test_waits_grow_and_the_attempts_end() -> None:
    error = WizChatConnectionError("x")
    waits = [retry_wait(error, attempt, retries()) for attempt in (1, 2, 3, 4)]
    assert waits == [0.5, 1.0, 2.0, None]


def test_a_short_limit_shortens_a_wait_that_nobody_asked_for() -> None:
    assert retry_wait(WizChatConnectionError("x"), 1, retries(longest_wait_s=0.1)) == 0.1


def test_an_unreadable_answer_is_not_worth_another_attempt() -> None:
    assert retry_wait(WizChatResponseError("x"), 1, retries()) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sun, 22 Nov 2026 12:00:05 -0000", 5.0),
        ("9" * 5000, 1e9),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 1e9),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_the_reading(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def test_a_retry_after_shorter_than_the_backoff_does_not_shorten_it() -> None:
    error = WizChatApiError(503, retry_after=0.1)
    assert [retry_wait(error, attempt, retries()) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]
