import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api_client import WizChatApiError, WizChatConnectionError, WizChatError
from api_client._transport import MAX_CONNECTIONS
from reconciler.domain.setting_values import MOST_CALLS_AT_ONCE
from reconciler.errors import QuotaExceeded, TargetRateLimited
from reconciler.ports import APPLYING, COMPARING, RECHECKING, Purpose, Spender
from reconciler.targets.budget import LONGEST_PAUSE_S, LONGEST_REFUSAL_S, MOST_ATTEMPTS, CallBudget
from tests.fakes.clock import FakeClock
from tests.support.defaults import call_budget
from tests.support.rate_limits import TokenBucket
from tests.support.simulated_time import in_simulated_time, settled
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio
SLOW_DOWN = WizChatApiError(429, "rate_limited", "Slow.", retry_after=20)
SWEEP, PUSH = Spender(Purpose.FULL_SWEEP, "a"), Spender(Purpose.CHANGE, "a")
HALF_A_DAY = 12 * 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def _call(budget: CallBudget, spender: Spender = COMPARING) -> None:
    async with budget.call(spender):
        pass


async def _refused(budget: CallBudget, error: WizChatError) -> None:
    """A call that ends with an error."""
    with pytest.raises(type(error)):
        async with budget.call():
            raise error


def _write(budget: CallBudget) -> None:
    with budget.writing():
        pass


def _answers(*answers: WizChatError | str) -> tuple[Callable[[], Awaitable[str]], list[WizChatError | str]]:
    """A request that is answered by one after the other, and those that are left."""
    left = list(answers)

    async def request() -> str:
        answer = left.pop(0)
        if isinstance(answer, WizChatError):
            raise answer
        return answer

    return request, left


async def test_calls_are_counted_and_the_count_starts_again_at_midnight_utc(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=2)
    await _call(budget)
    _write(budget)
    assert budget.view().used_today == 2
    with pytest.raises(QuotaExceeded, match="daily_budget of 2 calls of tenant t") as refused:
        await _call(budget)
    assert refused.value.retry_after == HALF_A_DAY
    with pytest.raises(QuotaExceeded):
        _write(budget)
    clock.advance(HALF_A_DAY)
    await _call(budget)
    assert budget.view().used_today == 1


async def test_every_caller_waits_until_wizchat_listens_again(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    await _refused(budget, SLOW_DOWN)
    blocked_until = budget.view().blocked_until
    assert blocked_until is not None
    assert (blocked_until - clock.now()).total_seconds() == pytest.approx(20)
    with pytest.raises(TargetRateLimited):
        _write(budget)
    waiting = asyncio.create_task(_call(budget))
    await clock.until_asleep()
    clock.advance(20)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert budget.view().blocked_until is None


async def test_a_used_up_quota_refuses_without_a_call_until_it_is_renewed(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    await _refused(budget, WizChatApiError(429, "quota_exceeded", "No.", retry_after=100))
    with pytest.raises(QuotaExceeded, match="try again in 100 s"):
        await _call(budget)
    assert budget.view().used_today == 1
    clock.advance(100)
    await _call(budget)


async def test_a_quota_that_is_used_up_ends_everything_that_waits(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=2, requests_per_minute=60)
    begun = asyncio.Event()

    async def last() -> None:
        async with budget.call(SWEEP):
            await begun.wait()
            raise WizChatApiError(429, "quota_exceeded", "No.", retry_after=100)

    calls = [asyncio.create_task(last()), *(asyncio.create_task(_call(budget, SWEEP)) for _ in range(5))]
    await settled()
    used = budget.view().used_today
    begun.set()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in ended] == [WizChatApiError, *[QuotaExceeded] * 5]
    assert budget.view().used_today == used, "no further call was made"
    clock.advance(100)
    await _call(budget)


async def test_a_quota_without_a_time_lasts_until_midnight(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    await _refused(budget, WizChatApiError(429, "quota_exceeded", "No."))
    with pytest.raises(QuotaExceeded) as refused:
        await _call(budget)
    assert refused.value.retry_after == pytest.approx(HALF_A_DAY)


async def test_a_pause_too_long_to_wait_for_fails_at_once(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    await _refused(budget, WizChatApiError(429, "rate_limited", "Slow.", retry_after=LONGEST_PAUSE_S + 1))
    with pytest.raises(TargetRateLimited) as refused:
        await _call(budget)
    assert not isinstance(refused.value, QuotaExceeded)


async def test_other_errors_slow_nobody(clock: FakeClock) -> None:
    budget = call_budget("t", clock, requests_per_minute=60_000)
    for _ in range(50):
        await _refused(budget, WizChatConnectionError("refused"))
        await _refused(budget, WizChatApiError(503))
        budget.retried(1, 5.0, WizChatApiError(503))
    view = budget.view()
    assert (view.blocked_until, view.slowed_to, view.refused, view.used_today) == (None, None, 0, 150)
    await _call(budget)


async def test_a_write_is_not_held_up_by_a_sweep(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=1, requests_per_minute=1)
    async with budget.call():
        _write(budget)
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
    """600 a minute: a burst of ten, and no more than 600 in any 60 seconds."""
    budget = call_budget("t", clock, requests_per_minute=600, concurrency=16)
    began = clock.monotonic()
    passed: list[float] = []

    async def call() -> None:
        async with budget.call():
            passed.append(clock.monotonic() - began)

    async def calls() -> None:
        await asyncio.gather(*(call() for _ in range(620)))

    await in_simulated_time(clock, calls())
    assert passed[:11] == [*[0.0] * 10, pytest.approx(60 / 590)]
    assert all(late - early >= 60 - 1e-6 for early, late in zip(passed, passed[600:], strict=False))


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
    await _refused(budget, WizChatApiError(429, "quota_exceeded", "No.", retry_after=100))
    for jump in (-86_400, 172_800):
        clock.jump(jump)
        with pytest.raises(QuotaExceeded, match="try again in 100 s"):
            await _call(budget)
    clock.advance(100)
    await _call(budget)


async def test_a_short_pause_does_not_shorten_a_long_one(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    begun = asyncio.Event()

    async def refused(seconds: float) -> None:
        async with budget.call():
            await begun.wait()
            raise WizChatApiError(429, "rate_limited", "Slow.", retry_after=seconds)

    calls = [asyncio.create_task(refused(seconds)) for seconds in (20, 2)]
    await settled()
    begun.set()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in ended] == [WizChatApiError] * 2
    blocked_until = budget.view().blocked_until
    assert blocked_until is not None
    assert (blocked_until - clock.now()).total_seconds() == pytest.approx(20)


async def test_a_call_that_waited_for_its_turn_heeds_a_pause_that_began_meanwhile(clock: FakeClock) -> None:
    budget = call_budget("t", clock, requests_per_minute=600)
    await asyncio.gather(*(_call(budget) for _ in range(9)))
    begun = asyncio.Event()

    async def refused() -> None:
        async with budget.call():
            await begun.wait()
            raise SLOW_DOWN

    under_way = asyncio.create_task(refused())
    await settled()
    waiting = asyncio.create_task(_call(budget))
    await clock.until_asleep()
    begun.set()
    with pytest.raises(WizChatApiError):
        await under_way
    clock.advance(19.9)
    await settled()
    assert not waiting.done()
    clock.advance(0.1)
    async with asyncio.timeout(PATIENCE):
        await waiting


async def test_what_is_more_urgent_waits_for_no_more_than_the_calls_under_way(clock: FakeClock) -> None:
    """A sweep has taken all places and queued for more; a push, a re-check and an apply come last."""
    budget = call_budget("t", clock, requests_per_minute=60_000, concurrency=4)
    order: list[Purpose] = []
    free = asyncio.Semaphore(0)

    async def call(spender: Spender) -> None:
        async with budget.call(spender):
            order.append(spender.purpose)
            await free.acquire()

    async with asyncio.TaskGroup() as group:
        for spender in [*[SWEEP] * 12, PUSH, APPLYING, RECHECKING]:
            group.create_task(call(spender))
            await settled()
        assert order == [*[Purpose.FULL_SWEEP] * 4, Purpose.APPLY, Purpose.RECHECK], "they need no free place"
        free.release()
        await settled()
        assert order[6:] == [Purpose.CHANGE], "and it goes as soon as a place is free"
        for _ in range(15):
            free.release()
    assert order[7:] == [Purpose.FULL_SWEEP] * 8


async def test_an_apply_goes_before_the_comparisons_that_wait_for_the_pace(clock: FakeClock) -> None:
    """Sixty calls a minute: each turn takes a second, and a sweep has queued for many of them."""
    budget = call_budget("t", clock, requests_per_minute=60, concurrency=4)
    await _call(budget)
    order: list[Purpose] = []

    async def call(spender: Spender) -> None:
        async with budget.call(spender):
            order.append(spender.purpose)

    calls = []
    for spender in [*[SWEEP] * 4, PUSH, RECHECKING, APPLYING]:
        calls.append(asyncio.create_task(call(spender)))
        await settled()
    await in_simulated_time(clock, asyncio.gather(*calls))
    assert order == [Purpose.APPLY, Purpose.RECHECK, Purpose.CHANGE, *[Purpose.FULL_SWEEP] * 4]


def test_the_sdk_opens_as_many_connections_as_the_settings_allow_calls() -> None:
    assert MOST_CALLS_AT_ONCE == MAX_CONNECTIONS


async def test_an_apply_needs_no_free_place(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=1)
    async with budget.call(SWEEP), asyncio.timeout(PATIENCE), budget.call(APPLYING):
        pass
    assert budget.view().used_today == 2


@pytest.mark.parametrize("which", range(4))
async def test_one_that_gives_up_waiting_takes_nobody_elses_turn(clock: FakeClock, which: int) -> None:
    budget = call_budget("t", clock, requests_per_minute=60, concurrency=1)
    await _call(budget)
    calls = [asyncio.create_task(_call(budget, SWEEP)) for _ in range(4)]
    await settled()
    calls[which].cancel()
    ended = await in_simulated_time(clock, asyncio.gather(*calls, return_exceptions=True))
    assert [at for at, error in enumerate(ended) if error is not None] == [which]
    assert budget.view().used_today == 4


async def test_one_that_gives_up_during_its_call_leaves_its_place(clock: FakeClock) -> None:
    budget = call_budget("t", clock, concurrency=1)

    async def hang() -> None:
        async with budget.call(SWEEP):
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await settled()
    waiting = asyncio.create_task(_call(budget, SWEEP))
    await settled()
    assert not waiting.done()
    hanging.cancel()
    async with asyncio.timeout(PATIENCE):
        await waiting


async def test_looks_and_sweeps_cannot_use_up_what_applies_need(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=20, requests_per_minute=60_000, apply_reserve=0.2)
    ann = Spender(Purpose.LIVE_VIEW, "ann")
    async with budget.call(ann), budget.call(ann):
        pass
    with pytest.raises(QuotaExceeded, match="daily_budget of 20 calls of tenant t has been used for live views"):
        await _call(budget, ann)
    for _ in range(14):
        await _call(budget)
    with pytest.raises(QuotaExceeded, match="what apply_reserve keeps for applies: raise it"):
        await _call(budget)
    for _ in range(3):
        async with budget.call(APPLYING):
            pass
    _write(budget)
    assert budget.view().used_today == 20


async def test_a_pass_early_in_the_day_leaves_what_pushes_need_later(clock: FakeClock) -> None:
    clock.jump(-HALF_A_DAY)
    budget = call_budget("t", clock, daily_budget=100, requests_per_minute=60_000)
    for _ in range(70):
        await _call(budget, SWEEP)
    with pytest.raises(QuotaExceeded, match="what change_reserve keeps for changes of the day"):
        await _call(budget, SWEEP)
    for _ in range(20):
        await _call(budget, PUSH)


async def test_a_repetition_is_counted_for_whoever_made_the_call(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=20, apply_reserve=0.2, requests_per_minute=60_000)
    for _ in range(16):
        await _call(budget)
    async with budget.call(APPLYING):
        budget.retried(1, 5.0, WizChatApiError(503))
    assert budget.view().used_today == 18
    with pytest.raises(QuotaExceeded, match="apply_reserve"):
        budget.retried(1, 5.0, WizChatApiError(503))


async def test_the_sdk_repeats_no_call_that_was_refused_because_of_the_pace(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    with pytest.raises(WizChatApiError) as ended:
        budget.retried(1, 20.0, SLOW_DOWN)
    assert ended.value is SLOW_DOWN
    assert budget.view().used_today == 0


async def test_a_refused_read_is_made_again_when_wizchat_listens(clock: FakeClock) -> None:
    budget = call_budget("t", clock)
    request, left = _answers(SLOW_DOWN, SLOW_DOWN, "read")
    began = clock.monotonic()
    assert await in_simulated_time(clock, budget.make(request, SWEEP)) == "read"
    assert clock.monotonic() - began >= 40
    assert (left, budget.view().used_today, budget.view().refused) == ([], 3, 2)


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (WizChatApiError(429, "rate_limited", "Slow.", retry_after=LONGEST_PAUSE_S + 1), 1),
        (WizChatApiError(429, "quota_exceeded", "No.", retry_after=1), 1),
        (WizChatApiError(403, "forbidden", "No."), 1),
        (WizChatConnectionError("refused"), 1),
        (WizChatApiError(429, "rate_limited", "Slow."), MOST_ATTEMPTS),
        (WizChatApiError(429), MOST_ATTEMPTS),
    ],
)
async def test_what_repeating_does_not_help_is_said(clock: FakeClock, error: WizChatError, attempts: int) -> None:
    budget = call_budget("t", clock, requests_per_minute=60_000)
    request, left = _answers(*[error] * (MOST_ATTEMPTS + 1))
    with pytest.raises(type(error)):
        await in_simulated_time(clock, budget.make(request, SWEEP))
    assert len(left) == MOST_ATTEMPTS + 1 - attempts


@pytest.mark.parametrize(
    ("code", "longest"), [("rate_limited", LONGEST_REFUSAL_S), ("quota_exceeded", 2.0 * HALF_A_DAY)]
)
async def test_one_answer_with_a_wrong_date_does_not_end_a_tenant_until_the_next_start(
    clock: FakeClock, code: str, longest: float
) -> None:
    budget = call_budget("t", clock)
    await _refused(budget, WizChatApiError(429, code, "No.", retry_after=1e9))
    with pytest.raises(TargetRateLimited):
        _write(budget)
    clock.advance(longest)
    _write(budget)
    await in_simulated_time(clock, _call(budget))


async def test_what_compared_a_source_is_told_by_itself(clock: FakeClock) -> None:
    budget = call_budget("t", clock, daily_budget=100)
    mine = [PUSH, Spender(Purpose.DRIFT, "a"), SWEEP]
    others = [Spender(Purpose.CHANGE, "b"), Spender(Purpose.LIVE_VIEW, "a"), APPLYING, COMPARING]
    for spender in [*mine, *others]:
        await _call(budget, spender)
    whole = budget.view()
    assert (whole.used_today, whole.is_whole) == (7, True)
    seen = whole.of_sources(["a"])
    assert (seen.used_today, seen.is_whole, seen.daily_budget) == (3, False, 100)
    assert whole.of_sources([]).used_today == 0


@pytest.mark.parametrize("concurrency", [32, 64])
async def test_a_sweep_against_a_limit_that_nobody_knows_takes_little_longer(
    clock: FakeClock, concurrency: int
) -> None:
    calls, latency, limit = 1500, 0.05, TokenBucket(per_s=200, burst=50, retry_after=1.0)
    budget = call_budget("t", clock, requests_per_minute=10_000_000, concurrency=concurrency)
    began = clock.monotonic()
    left = iter(range(calls))

    async def request() -> None:
        await clock.sleep(latency / 2)
        is_taken = limit.takes(clock.monotonic() - began)
        await clock.sleep(latency / 2)
        if not is_taken:
            raise WizChatApiError(429, "rate_limited", "Slow.", retry_after=1.0)

    async def work() -> None:
        for _ in left:
            await budget.make(request, SWEEP)

    await in_simulated_time(clock, asyncio.gather(*(work() for _ in range(concurrency))))
    assert clock.monotonic() - began <= 1.10 * (calls - limit.burst) / limit.per_s + 1.0
    # besides those, what was under way at the first refusals
    assert budget.view().refused <= 0.02 * calls + 2 * concurrency
    assert budget.view().used_today == calls + budget.view().refused
