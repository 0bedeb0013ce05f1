import asyncio

import pytest

from api_client import WizChatApiError, WizChatConnectionError
from reconciler.errors import QuotaExceeded, TargetRateLimited
from reconciler.ports import APPLYING, Purpose, Spender
from reconciler.targets.budget import LONGEST_PAUSE_S, LONGEST_REFUSAL_S, CallBudget
from tests.fakes.clock import FakeClock
from tests.support.defaults import call_budget
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio
SLOW_DOWN = WizChatApiError(429, "rate_limited", "Slow.", retry_after=20)
HALF_A_DAY = 12 * 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def _call(budget: CallBudget) -> None:
    async with budget.call():
        pass


async def test_calls_are_counted_and_the_count_starts_again_at_midnight_utc(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=2)
    await _call(budget)
    budget.spend_write()
    assert budget.view().used_today == 2
    with pytest.raises(QuotaExceeded, match="daily_budget of 2 calls of tenant t") as refused:
        await _call(budget)
    assert refused.value.retry_after == HALF_A_DAY
    with pytest.raises(QuotaExceeded):
        budget.spend_write()
    clock.advance(HALF_A_DAY)
    await _call(budget)
    assert budget.view().used_today == 1


async def test_every_caller_waits_until_wizchat_listens_again(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.retried(1, 20.0, SLOW_DOWN)
    blocked_until = budget.view().blocked_until
    assert blocked_until is not None
    assert (blocked_until - clock.now()).total_seconds() == pytest.approx(20)
    with pytest.raises(TargetRateLimited):
        budget.spend_write()
    waiting = asyncio.create_task(_call(budget))
    await clock.until_asleep()
    clock.advance(20)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert budget.view().blocked_until is None


async def test_a_used_up_quota_refuses_without_a_call_until_it_is_renewed(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatApiError(429, "quota_exceeded", "No.", retry_after=100))
    with pytest.raises(QuotaExceeded, match="try again in 100 s"):
        await _call(budget)
    assert budget.view().used_today == 0
    clock.advance(100)
    await _call(budget)


async def test_a_quota_without_a_time_lasts_until_midnight(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatApiError(429, "quota_exceeded", "No."))
    with pytest.raises(QuotaExceeded) as refused:
        await _call(budget)
    assert refused.value.retry_after == pytest.approx(HALF_A_DAY)


async def test_a_pause_too_long_to_wait_for_fails_at_once(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatApiError(429, "rate_limited", "Slow.", retry_after=LONGEST_PAUSE_S + 1))
    with pytest.raises(TargetRateLimited) as refused:
        await _call(budget)
    assert not isinstance(refused.value, QuotaExceeded)


async def test_other_errors_stop_nobody(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatConnectionError("refused"))
    budget.retried(1, 5.0, WizChatApiError(503))
    assert budget.view().blocked_until is None
    assert budget.view().used_today == 1


async def test_a_write_is_not_held_up_by_a_sweep(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=1, requests_per_minute=1)
    async with budget.call():
        budget.spend_write()
    assert budget.view().used_today == 2


async def test_no_more_calls_than_the_concurrency_are_under_way(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=2)
    under_way = most = 0

    async def call() -> None:
        nonlocal under_way, most
        async with budget.call():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(call() for _ in range(6)))
    assert most == 2


async def test_the_first_calls_pass_at_once_and_the_rest_is_spread(clock: FakeClock) -> None:
    """600 a minute: a burst of ten, then one about every tenth of a second."""
    budget = call_budget("t", clock, requests_per_minute=600, concurrency=16)
    started = asyncio.get_running_loop().time()
    calls = [asyncio.create_task(_call(budget)) for _ in range(13)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert all(call.done() for call in calls[:10])
    await asyncio.gather(*calls)
    assert asyncio.get_running_loop().time() - started > 0.25


@pytest.mark.parametrize("jump", [-HALF_A_DAY - 3600, -30 * 86_400])
async def test_a_clock_set_back_gives_no_calls_again_and_the_next_midnight_does(clock: FakeClock, jump: int) -> None:
    budget = call_budget("t", clock, daily_budget=1)
    await _call(budget)
    clock.jump(jump)
    with pytest.raises(QuotaExceeded) as refused:
        await _call(budget)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after <= 2 * HALF_A_DAY
    clock.advance(refused.value.retry_after)
    await _call(budget)
    assert budget.view().used_today == 1


async def test_a_pause_lasts_as_long_as_was_asked_whatever_the_wall_clock_says(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatApiError(429, "quota_exceeded", "No.", retry_after=100))
    for jump in (-86_400, 172_800):
        clock.jump(jump)
        with pytest.raises(QuotaExceeded, match="try again in 100 s"):
            await _call(budget)
    clock.advance(100)
    await _call(budget)


async def test_a_short_pause_does_not_shorten_a_long_one(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    budget.retried(1, 20.0, SLOW_DOWN)
    budget.retried(1, 1.0, SLOW_DOWN)
    blocked_until = budget.view().blocked_until
    assert blocked_until is not None
    assert (blocked_until - clock.now()).total_seconds() == pytest.approx(20)


async def test_a_call_that_waited_for_its_turn_heeds_a_pause_that_began_meanwhile(clock: FakeClock) -> None:
    budget = call_budget("t", clock, requests_per_minute=600)
    await asyncio.gather(*(_call(budget) for _ in range(10)))
    waiting = asyncio.create_task(_call(budget))
    await asyncio.sleep(0)
    budget.retried(1, 20.0, SLOW_DOWN)
    await clock.until_asleep()
    assert not waiting.done()
    clock.advance(20)
    async with asyncio.timeout(PATIENCE):
        await waiting


async def test_an_apply_goes_before_the_comparisons_that_wait(clock: FakeClock) -> None:
    """Sixty calls a minute: each turn takes a second, and a sweep has queued for many of them."""
    budget = call_budget("t", clock, requests_per_minute=60, concurrency=4)
    await _call(budget)
    order: list[str] = []

    async def call(spender: Spender) -> None:
        async with budget.call(spender):
            order.append(spender.purpose)

    sweep = [asyncio.create_task(call(Spender(Purpose.COMPARE, "a"))) for _ in range(4)]
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await call(APPLYING)
        assert order == [Purpose.COMPARE, Purpose.APPLY], "only the one whose turn it was came first"
        for task in sweep:
            task.cancel()
        await asyncio.gather(*sweep, return_exceptions=True)


async def test_an_apply_needs_no_free_place(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=1)
    async with budget.call(Spender(Purpose.COMPARE, "a")), asyncio.timeout(PATIENCE), budget.call(APPLYING):
        pass
    assert budget.view().used_today == 2


async def test_looks_and_sweeps_cannot_use_up_what_applies_need(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=20, requests_per_minute=60_000, apply_reserve=0.2)
    ann = Spender(Purpose.LIVE_VIEW, "ann")
    async with budget.call(ann), budget.call(ann):
        pass
    with pytest.raises(QuotaExceeded, match="daily_budget of 20 calls of tenant t has been used for live views"):
        async with budget.call(ann):
            pass
    for _ in range(14):
        await _call(budget)
    with pytest.raises(QuotaExceeded, match="what apply_reserve keeps for applies: raise it"):
        await _call(budget)
    for _ in range(3):
        async with budget.call(APPLYING):
            pass
    budget.spend_write()
    assert budget.view().used_today == 20


async def test_a_repetition_is_counted_for_whoever_made_the_call(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=20, apply_reserve=0.2)
    for _ in range(16):
        await _call(budget)
    async with budget.call(APPLYING):
        budget.retried(1, 5.0, WizChatApiError(503))
    assert budget.view().used_today == 18
    with pytest.raises(QuotaExceeded, match="apply_reserve"):
        budget.retried(1, 5.0, WizChatApiError(503))


@pytest.mark.parametrize(
    ("code", "longest"), [("rate_limited", LONGEST_REFUSAL_S), ("quota_exceeded", 2.0 * HALF_A_DAY)]
)
async def test_one_answer_with_a_wrong_date_does_not_end_a_tenant_until_the_next_start(
    clock: FakeClock, code: str, longest: float
) -> None:
    budget = call_budget("t", clock)
    budget.failed(WizChatApiError(429, code, "No.", retry_after=1e9))
    with pytest.raises(TargetRateLimited):
        budget.spend_write()
    clock.advance(longest)
    budget.spend_write()
    await _call(budget)


async def test_what_compared_a_source_is_told_by_itself(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=100)
    spenders = [Spender(Purpose.COMPARE, "a")] * 3 + [Spender(Purpose.COMPARE, "b"), Spender(Purpose.LIVE_VIEW, "a")]
    for spender in [*spenders, APPLYING, Spender(Purpose.COMPARE)]:
        async with budget.call(spender):
            pass
    whole = budget.view()
    assert (whole.used_today, whole.is_whole) == (7, True)
    seen = whole.of_sources(["a"])
    assert (seen.used_today, seen.is_whole, seen.daily_budget) == (3, False, 100)
    assert whole.of_sources([]).used_today == 0
