"""How often one tenant's API may be called, shared by everything that calls it.

Calls are spread evenly over the minute with a small burst, counted per UTC day by who makes them, and stop together
when WizChat asks for it. Those of applies go before all others, and a part of the day is kept for them (`shares`). The
SDK repeats failed reads by itself; it reports each repetition here (`CallBudget.retried`), so that it is counted and
the whole tenant waits, not only the call that was told to.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus

from aiolimiter import AsyncLimiter

from api_client.errors import WizChatApiError, WizChatError
from reconciler.errors import QuotaExceeded, TargetRateLimited
from reconciler.ports import APPLYING, COMPARING, Budget, Clock, Purpose, Spender
from reconciler.settings.sections import TenantSettings
from reconciler.targets.budget_shares import BudgetShares
from reconciler.targets.fair_queue import FairQueue

LONGEST_PAUSE_S = 60.0
"""A call waits for a pause up to this long; when it lasts longer, it fails at once."""
LONGEST_REFUSAL_S = 3600.0
"""However long WizChat asks to wait, it is asked again after this; a quota is renewed within a day."""
_SMALLEST_PAUSE_S = 1.0
_BURST_S = 1.0
_DAY_S = 86_400.0
_SPENDER: ContextVar[Spender] = ContextVar("spender", default=COMPARING)
"""Who makes the call that is under way in this task: the SDK repeats it without knowing."""


class CallBudget:
    """One tenant's call budget.

    Args:
        tenant: The tenant, with its limits.
        clock: Where time comes from.
        sources: How many sources share a day.
    """

    def __init__(
        self,
        tenant: TenantSettings,
        clock: Clock,
        *,
        sources: int = 1,
    ) -> None:
        self._tenant = tenant.name
        self._clock = clock
        self._per_minute = tenant.requests_per_minute
        self._daily = tenant.daily_budget
        self._limiter = _limiter(tenant.requests_per_minute)
        self._turns = FairQueue()
        self._slots = asyncio.Semaphore(tenant.concurrency)
        self._shares = BudgetShares(tenant.apply_reserve, tenant.live_share, max(1, sources))
        self._day: date = clock.now().date()
        self._used: Counter[Spender] = Counter()
        self._open_at = clock.monotonic()
        self._quota_used_up = False

    def view(self) -> Budget:
        """What is left."""
        self._roll_day()
        left = self._blocked_for()
        until = self._clock.now() + timedelta(seconds=left) if left > 0 else None
        by_source = {who.name: count for who, count in self._used.items() if who.purpose is Purpose.COMPARE}
        return Budget(self._per_minute, self._daily, self._used.total(), until, by_source)

    @asynccontextmanager
    async def call(self, spender: Spender = COMPARING) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for one read or dry run.

        Args:
            spender: Who makes the call; an apply's goes first, and needs no free place.

        Raises:
            QuotaExceeded: The day's calls are used up, here or at WizChat; nothing is sent.
            TargetRateLimited: WizChat asked for a longer pause than a call waits for; nothing is sent.
        """
        urgent = spender.purpose is Purpose.APPLY
        async with nullcontext() if urgent else self._slots:
            await self._until_open()
            async with self._turns.next(urgent=urgent):
                await self._limiter.acquire()
            await self._until_open()
            self._spend(spender)
            token = _SPENDER.set(spender)
            try:
                yield
            finally:
                _SPENDER.reset(token)

    def spend_write(self) -> None:
        """Count an apply. It waits for nothing, so that a sweep cannot starve it.

        Raises:
            QuotaExceeded: The day's calls are used up.
            TargetRateLimited: A pause is under way.
        """
        blocked = self._blocked_for()
        if blocked > 0:
            raise self._refusal(blocked)
        self._spend(APPLYING)

    def retried(self, _attempt: int, wait: float, error: WizChatError) -> None:
        """The SDK is about to repeat a call: count it, and have the others wait as well if WizChat asked for it.

        Raises:
            QuotaExceeded: The day's calls are used up; the call is not repeated.
        """
        self._spend(_SPENDER.get())
        if isinstance(error, WizChatApiError) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pause(wait)

    def failed(self, error: WizChatError) -> None:
        """A call ended with an error: stop the others too if WizChat asked for it."""
        if isinstance(error, WizChatApiError) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            quota = error.is_quota_exceeded
            default, longest = (self._until_midnight(), _DAY_S) if quota else (_SMALLEST_PAUSE_S, LONGEST_REFUSAL_S)
            # one answer with a wrong date must not keep the tenant from being asked until the next start
            self._pause(min(longest, default if error.retry_after is None else error.retry_after), quota=quota)

    def _pause(self, seconds: float, *, quota: bool = False) -> None:
        now = self._clock.monotonic()
        self._quota_used_up = quota or (self._quota_used_up and self._open_at > now)
        self._open_at = max(self._open_at, now + seconds)

    def _blocked_for(self) -> float:
        return max(0.0, self._open_at - self._clock.monotonic())

    async def _until_open(self) -> None:
        while (left := self._blocked_for()) > 0:
            if self._quota_used_up or left > LONGEST_PAUSE_S:
                raise self._refusal(left)
            await self._clock.sleep(left)

    def _refusal(self, left: float) -> TargetRateLimited:
        if self._quota_used_up:
            return QuotaExceeded(
                f"the daily quota of tenant {self._tenant}'s API key is used up: raise it at WizChat, "
                f"or try again in {left:.0f} s",
                left,
            )
        return TargetRateLimited(
            f"WizChat asks to slow down: lower requests_per_minute of tenant {self._tenant}, "
            f"or try again in {left:.0f} s",
            left,
        )

    def _spend(self, spender: Spender) -> None:
        self._roll_day()
        left = self._until_midnight()
        refused = self._daily and self._shares.refusal(spender, self._used, self._daily, left / _DAY_S)
        if refused:
            raise QuotaExceeded(
                f"the daily_budget of {self._daily} calls of tenant {self._tenant} {refused}: raise it, "
                "or try again after midnight UTC",
                left,
            )
        self._used[spender] += 1

    def _roll_day(self) -> None:
        today = self._clock.now().astimezone(UTC).date()
        if today > self._day:
            self._used = Counter()
        # a clock that was set back gives no calls again: the count goes on until its next midnight
        self._day = today

    def _until_midnight(self) -> float:
        now = self._clock.now()
        midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, UTC)
        return (midnight - now).total_seconds()


def _limiter(per_minute: int) -> AsyncLimiter:
    """A bucket that never lets more than ``per_minute`` through in any 60 seconds, its burst included."""
    burst = max(1.0, per_minute * _BURST_S / 60)
    steady_per_minute = per_minute - burst if per_minute > burst else per_minute
    return AsyncLimiter(burst, burst * 60 / steady_per_minute)
