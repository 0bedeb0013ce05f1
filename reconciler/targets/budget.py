"""How a tenant's API may be called, shared by everything that calls it.

Calls wait for a turn by how urgent they are (`call_queue`), start at a pace that follows what WizChat takes (`pacer`),
and are counted by the day (`day_count`). A read that WizChat refuses because of the pace is made again here, when the
tenant's calls go on, and not by each call on a schedule of its own. What else the SDK repeats it reports here
(`CallBudget.retried`), so that it is counted.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar

from api_client.errors import WizChatApiError, WizChatConnectionError, WizChatError
from reconciler.errors import QuotaExceeded, TargetRateLimited
from reconciler.ports import APPLYING, COMPARING, Budget, Clock, Spender
from reconciler.settings.sections import TenantSettings
from reconciler.targets.budget_shares import BudgetShares, calls_by_source
from reconciler.targets.call_turns import CallTurns
from reconciler.targets.day_count import DayCount
from reconciler.targets.pacer import Pacer, SentCall

LONGEST_PAUSE_S = 60.0
"""A call waits for a pause up to this long; when it lasts longer, it fails at once."""
LONGEST_REFUSAL_S = 3600.0
"""However long WizChat asks to wait, it is asked again after this; a quota is renewed within a day."""
MOST_ATTEMPTS = 6
"""A call that WizChat refuses so often because of the pace fails."""
_DAY_S = 86_400.0
_NEWEST = 0.1
"""How much the newest call counts for what a call takes lately."""
_SPENDER: ContextVar[Spender] = ContextVar("spender", default=COMPARING)
"""Who makes the call that is under way in this task: the SDK repeats it without knowing."""

T = TypeVar("T")


class CallBudget:
    """One tenant's call budget.

    Args:
        tenant: The tenant, with its limits.
        clock: Where time comes from.
        sources: How many sources share a day.
    """

    def __init__(self, tenant: TenantSettings, clock: Clock, *, sources: int = 1) -> None:
        self._settings = tenant
        self._clock = clock
        shares = BudgetShares(tenant.apply_reserve, tenant.change_reserve, tenant.live_share, max(1, sources))
        self._day = DayCount(tenant.name, tenant.daily_budget, shares, clock)
        self._pacer = Pacer(tenant.requests_per_minute, clock.monotonic())
        self._turns = CallTurns(
            clock, self._pacer, tenant.concurrency, refuse=self._refuse_long_waits, spend=self._day.spend
        )
        self._quota_used_up_until = clock.monotonic()
        self._latency_s: float | None = None

    def view(self) -> Budget:
        """What is left, and how fast it may be used."""
        now = self._clock.monotonic()
        paused = self._pacer.paused_for(now)
        used = self._day.used()
        return Budget(
            requests_per_minute=self._settings.requests_per_minute,
            daily_budget=self._settings.daily_budget,
            used_today=sum(used.values()),
            blocked_until=self._clock.now() + timedelta(seconds=paused) if paused > 0 else None,
            by_source=calls_by_source(used),
            slowed_to=max(1, round(self._pacer.per_s(now) * 60)) if self._pacer.is_slowed(now) else None,
            refused=self._pacer.refused,
            concurrency=self._settings.concurrency,
            latency_s=self._latency_s,
            left_for_a_pass=self._day.left_for_a_pass(),
        )

    async def make(self, request: Callable[[], Awaitable[T]], spender: Spender = COMPARING) -> T:
        """Make a read or a dry run; once more, when the calls go on, where WizChat refuses it because of the pace.

        Args:
            request: Makes it by the SDK.
            spender: Who makes it.

        Raises:
            WizChatError: What the SDK raised.
            QuotaExceeded: The day's calls are used up, here or at WizChat; nothing is sent.
            TargetRateLimited: WizChat asked for a longer pause than a call waits for; nothing is sent.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self.call(spender):
                    return await request()
            except WizChatApiError as error:
                wait = error.retry_after or 0.0
                if not _is_of_the_pace(error) or wait > LONGEST_PAUSE_S or attempt >= MOST_ATTEMPTS:
                    raise
            await self._clock.sleep(wait)

    @asynccontextmanager
    async def call(self, spender: Spender = COMPARING) -> AsyncIterator[None]:
        """Wait for a turn, hold it for one read or dry run, and note how WizChat takes the pace.

        Args:
            spender: Who makes the call; one that serves an apply needs no free place.

        Raises:
            QuotaExceeded: The day's calls are used up, here or at WizChat; nothing is sent.
            TargetRateLimited: WizChat asked for a longer pause than a call waits for; nothing is sent.
        """
        async with self._turns.turn(spender) as sent:
            token = _SPENDER.set(spender)
            try:
                with self._noting(sent):
                    yield
            finally:
                _SPENDER.reset(token)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count an apply. It waits for nothing, so that a sweep cannot starve it.

        Raises:
            QuotaExceeded: The day's calls are used up.
            TargetRateLimited: A pause is under way.
        """
        paused = self._pacer.paused_for(self._clock.monotonic())
        if paused > 0:
            raise self._refusal(paused)
        self._day.spend(APPLYING)
        with self._noting(self._pacer.take(self._clock.monotonic())):
            yield

    def retried(self, _attempt: int, _wait: float, error: WizChatError) -> None:
        """The SDK is about to repeat a call: count it.

        Raises:
            WizChatError: The call was refused because of the pace, so that `make` repeats it in its turn.
            QuotaExceeded: The day's calls are used up; the call is not repeated.
        """
        if isinstance(error, WizChatApiError) and _is_of_the_pace(error):
            raise error
        self._day.spend(_SPENDER.get())
        self._pacer.take(self._clock.monotonic())

    @contextmanager
    def _noting(self, sent: SentCall) -> Iterator[None]:
        """Note how a call was answered, for all that follow."""
        try:
            yield
        except WizChatConnectionError:
            raise  # nobody knows whether WizChat took it
        except WizChatApiError as error:
            self._note(sent, error)
            raise
        except WizChatError:
            self._pacer.accept(sent, self._clock.monotonic())
            raise
        now = self._clock.monotonic()
        self._pacer.accept(sent, now)
        took = now - sent.at
        self._latency_s = took if self._latency_s is None else self._latency_s + _NEWEST * (took - self._latency_s)

    def _note(self, sent: SentCall, error: WizChatApiError) -> None:
        now = self._clock.monotonic()
        if error.is_quota_exceeded and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            renewed = self._day.until_midnight() if error.retry_after is None else error.retry_after
            self._quota_used_up_until = now + min(_DAY_S, renewed)
            self._pacer.pause(min(_DAY_S, renewed), now)
        elif _is_of_the_pace(error):
            # one answer with a wrong date must not keep the tenant from being asked until the next start
            asked = None if error.retry_after is None else min(LONGEST_REFUSAL_S, error.retry_after)
            self._pacer.refuse(sent, now, asked)
        else:
            self._pacer.accept(sent, now)
            return
        self._turns.wake_all()

    def _refuse_long_waits(self) -> None:
        paused = self._pacer.paused_for(self._clock.monotonic())
        if paused > LONGEST_PAUSE_S or (paused > 0 and self._is_quota_used_up()):
            raise self._refusal(paused)

    def _is_quota_used_up(self) -> bool:
        return self._quota_used_up_until > self._clock.monotonic()

    def _refusal(self, left: float) -> TargetRateLimited:
        tenant = self._settings.name
        if self._is_quota_used_up():
            return QuotaExceeded(
                f"the daily quota of tenant {tenant}'s API key is used up: raise it at WizChat, "
                f"or try again in {left:.0f} s",
                left,
            )
        return TargetRateLimited(
            f"WizChat asks to slow down: lower requests_per_minute of tenant {tenant}, or try again in {left:.0f} s",
            left,
        )


def _is_of_the_pace(error: WizChatApiError) -> bool:
    return error.status == HTTPStatus.TOO_MANY_REQUESTS and not error.is_quota_exceeded
