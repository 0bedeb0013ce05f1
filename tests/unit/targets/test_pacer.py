"""How fast calls follow each other, against simulated limits."""

import math

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from reconciler.targets.pacer import LONGEST_GATE_S, Pacer
from tests.support.rate_limits import Limit, SimulatedSweep, SlidingWindow, TokenBucket

UNLIMITED = 10_000_000


def no_limit() -> Limit:
    return TokenBucket(per_s=1e9, burst=1e9)


def sweep(limit: Limit, calls: int, *, per_minute: int = UNLIMITED, **more: float) -> tuple[float, float]:
    """How long it took against the best possible, and which part of the calls was wasted."""
    simulated = SimulatedSweep(limit, Pacer(per_minute, 0.0), **more)  # type: ignore[arg-type]  seconds and a number
    result = simulated.run(calls)
    best = math.ceil(calls / simulated.concurrency) * simulated.latency
    if isinstance(limit, TokenBucket):
        best = max(best, (calls - limit.burst) / limit.per_s)
    return result.seconds / best, result.refused / calls


@pytest.mark.parametrize("refuses_at_once", [False, True])
@pytest.mark.parametrize("concurrency", [16, 32, 64])
@pytest.mark.parametrize("latency", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("retry_after", [1.0, None])
def test_a_hidden_limit_costs_little(
    *, latency: float, concurrency: int, retry_after: float | None, refuses_at_once: bool
) -> None:
    limit = TokenBucket(200, 50, retry_after)
    longer, wasted = sweep(limit, 3000, latency=latency, concurrency=concurrency, refuses_at_once=refuses_at_once)
    assert longer <= 1.10
    assert wasted <= 0.02


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(
    st.floats(20, 300),
    st.floats(0.05, 2),
    st.sampled_from([0.01, 0.05, 0.2]),
    st.sampled_from([4, 16, 32, 64]),
    st.sampled_from([None, 1.0]),
)
@example(200, 0.005, 0.05, 32, 1.0)
@example(20, 0.05, 0.2, 64, None)
def test_whatever_the_limit_a_sweep_neither_stands_still_nor_hammers(
    per_s: float, burst_s: float, latency: float, concurrency: int, retry_after: float | None
) -> None:
    calls = round(15 * per_s)
    limit = TokenBucket(per_s, max(1.0, burst_s * per_s), retry_after)
    longer, wasted = sweep(limit, calls, latency=latency, concurrency=concurrency)
    assert longer <= 1.6
    # those that were under way at the first refusals, and now and then one that feels for more
    assert wasted * calls <= 4 * concurrency + 0.02 * calls


@settings(max_examples=40)
@given(st.integers(1, 1_000), st.sampled_from([1, 8, 64]))
@example(100_000, 64)
def test_without_a_hidden_limit_the_settings_are_the_only_one(per_minute: int, concurrency: int) -> None:
    calls = min(2 * per_minute + 1, 2000)
    sent = SimulatedSweep(no_limit(), Pacer(per_minute, 0.0), concurrency=concurrency, latency=1e-4).run(calls).sent
    # the first second's calls at once, the rest evenly
    burst = max(1.0, per_minute / 60)
    pace = (per_minute - burst if per_minute > burst else per_minute) / 60
    assert sent[-1] <= (calls - burst) / pace + calls * 1e-4 + 1e-3
    assert all(late - early >= 60 - 1e-3 for early, late in zip(sent, sent[per_minute:], strict=False))


@pytest.mark.parametrize("calls", [60, 600])
def test_a_limit_by_the_minute_is_waited_for_and_then_kept(calls: int) -> None:
    simulated = SimulatedSweep(SlidingWindow(calls), Pacer(UNLIMITED, 0.0))
    result = simulated.run(4 * calls)
    assert result.seconds <= 3 * 60 * 1.25
    assert result.refused <= 2 * simulated.concurrency


@pytest.mark.parametrize("retry_after", [2.0, 20.0])
def test_nobody_calls_before_the_time_that_was_asked_for(retry_after: float) -> None:
    pacer = Pacer(UNLIMITED, 0.0)
    calls = [pacer.take(0.0) for _ in range(8)]
    for at, call in enumerate(calls[:4]):
        pacer.refuse(call, 0.05 + at / 100, retry_after)
    for call in calls[4:]:
        pacer.accept(call, 0.1)
    assert pacer.delay(0.1) == pytest.approx(0.08 + retry_after - 0.1)
    assert pacer.paused_for(0.1) == pacer.delay(0.1)
    assert pacer.delay(0.08 + retry_after) == 0


def test_after_a_refusal_one_call_feels_the_way() -> None:
    pacer = Pacer(UNLIMITED, 0.0)
    refused = [pacer.take(0.0) for _ in range(8)][-1]
    pacer.refuse(refused, 0.05, 1.0)
    assert pacer.delay(0.05) == pytest.approx(0.1)
    feeler = pacer.take(0.15)
    assert pacer.delay(0.16) > 0, "the others wait for its answer"
    pacer.accept(feeler, 0.2)
    assert pacer.delay(0.2 + 1 / pacer.per_s(0.2)) == 0


def test_a_feeler_that_is_not_answered_holds_nobody_up_for_long() -> None:
    pacer = Pacer(UNLIMITED, 0.0)
    pacer.refuse(pacer.take(0.0), 0.05, None)
    pacer.take(0.15)
    assert 0 < pacer.delay(0.2) <= 1
    assert pacer.delay(1.2) == 0


def test_where_every_feeler_is_refused_the_gate_doubles_up_to_a_minute() -> None:
    pacer, now, gates = Pacer(UNLIMITED, 0.0), 0.0, []
    for _ in range(14):
        pacer.refuse(pacer.take(now), now, None)
        gates.append(pacer.delay(now))
        now += gates[-1]
    assert gates[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert gates[-1] == LONGEST_GATE_S


def test_a_limit_that_is_lifted_is_forgotten() -> None:
    pacer = Pacer(60_000, 0.0)
    simulated = SimulatedSweep(TokenBucket(50, 10), pacer, lifted_at=20.0)
    simulated.run(1000)
    assert pacer.is_slowed(20.0)
    assert not pacer.is_slowed(20.0 + 60.0)
    assert pacer.per_s(80.0) == pytest.approx(1000, rel=0.02)
    again = simulated.run(6400, begin=80.0)
    assert (again.refused, again.seconds) == (0, pytest.approx(10.0, rel=0.05))


def test_time_in_which_nobody_calls_says_nothing_of_the_limit() -> None:
    """Ten seconds of sweep, five of silence, and again: the pace does not fall for the silence."""
    pacer = Pacer(UNLIMITED, 0.0)
    simulated = SimulatedSweep(TokenBucket(200, 50), pacer)
    now = 0.0
    for _ in range(6):
        result = simulated.run(2000, begin=now)
        now += result.seconds
        assert result.seconds <= 10.0 * 1.2
        now += 5.0


@given(st.lists(st.sampled_from(["accept", "refuse", "forget"]), min_size=1, max_size=60), st.floats(0.001, 5))
def test_whatever_the_answers_somebody_may_call_within_the_longest_pause(answers: list[str], step: float) -> None:
    pacer, now = Pacer(600, 0.0), 0.0
    for answer in answers:
        now += pacer.delay(now)
        assert pacer.delay(now + 1e-6) == 0
        sent = pacer.take(now + 1e-6)
        now += step
        if answer == "accept":
            pacer.accept(sent, now)
        elif answer == "refuse":
            pacer.refuse(sent, now, None)
        assert 0 <= pacer.delay(now) <= LONGEST_GATE_S
        assert 0 < pacer.per_s(now) <= 600 / 60
