"""What is said of a pass before it begins."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.pass_forecast import CallRate, call_spread, forecast_pass


@pytest.mark.parametrize(
    ("calls", "rate", "text"),
    [
        (10_000, CallRate(600, 8, 0.05, 150_000, 150_000), "10,000 calls, 17 min at 600/min, 7 % of today's quota"),
        (
            10_000,
            CallRate(600, 8, None, 150_000, 150_000),
            "10,000 calls, at least 17 min at 600/min, 7 % of today's quota",
        ),
        (10_000, CallRate(600, 8, 0.05), "10,000 calls, 17 min at 600/min"),
        (10_000, CallRate(60_000, 32, 0.05), "10,000 calls, 16 s with 32 at once"),
        (10_000, CallRate(60_000, 32), "10,000 calls, at least 10 s at 60,000/min"),
        (10_000, CallRate(60, 8, 0.05), "10,000 calls, 2 h 49 min at 60/min"),
        (1, CallRate(600, 8, 0.05, 1000, 1000), "1 call, 1 s at 600/min, less than 1 % of today's quota"),
        (
            10_000,
            CallRate(600, 8, 0.05, 8_000, 1_200),
            "10,000 calls, 17 min at 600/min, 125 % of today's quota; 1,200 are left for it today",
        ),
        (
            10,
            CallRate(600, 8, 0.05, 100, 0),
            "10 calls, 1 s with 8 at once, 10 % of today's quota; 0 are left for it today",
        ),
    ],
)
def test_a_pass_is_told_beforehand(calls: int, rate: CallRate, text: str) -> None:
    assert forecast_pass(calls, rate).text == text


@given(st.integers(1, 100_000), st.integers(1, 1_000_000), st.integers(1, 64), st.floats(0.001, 30))
def test_no_pass_is_promised_sooner_than_any_of_its_limits(
    calls: int, per_minute: int, concurrency: int, latency: float
) -> None:
    told = forecast_pass(calls, CallRate(per_minute, concurrency, latency))
    burst, per_s = call_spread(per_minute)
    assert told.seconds >= math.ceil(calls / concurrency) * latency
    assert told.seconds >= (calls - burst) / per_s
    unknown = forecast_pass(calls, CallRate(per_minute, concurrency))
    assert unknown.is_least
    assert unknown.seconds <= told.seconds
