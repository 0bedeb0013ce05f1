"""Counts the calls of a tenant's day (UTC), by who makes them."""

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from reconciler.errors import QuotaExceeded
from reconciler.ports import Clock, Spender
from reconciler.targets.budget_shares import BudgetShares

_DAY_S = 86_400.0
_HOUR_S = 3_600.0


class DayCount:
    """What a tenant's calls of the day were made for, and whether another one may be made.

    The count is this process's own. Replicas that are to share a day need one that the database keeps in its place.

    Args:
        tenant: The tenant's name, for messages.
        daily: How many calls there may be a day; None where there is no limit.
        shares: Who may use how much of them.
        clock: Where time comes from.
    """

    def __init__(self, tenant: str, daily: int | None, shares: BudgetShares, clock: Clock) -> None:
        self._tenant = tenant
        self._daily = daily
        self._shares = shares
        self._clock = clock
        self._day: date = clock.now().date()
        self._used: Counter[Spender] = Counter()

    def used(self) -> Mapping[Spender, int]:
        """Who made how many calls today."""
        self._roll_day()
        return self._used

    def spend(self, spender: Spender) -> None:
        """Count a call that is about to be made.

        Raises:
            QuotaExceeded: The spender may make none any more today.
        """
        self._roll_day()
        if self._daily is not None:
            self._refuse_beyond(self._daily, spender)
        self._used[spender] += 1

    def _refuse_beyond(self, daily: int, spender: Spender) -> None:
        left = self.until_midnight()
        if refused := self._shares.refusal(spender, self._used, daily, left / _DAY_S):
            raise QuotaExceeded(
                f"the daily_budget of {daily} calls of tenant {self._tenant} {refused}: raise it, "
                "or try again after midnight UTC",
                left,
            )

    def left_for_a_pass(self) -> int | None:
        """How many calls of a full sweep there may be yet today; None where there is no limit."""
        # by the hour, so that what is told of an idle tenant does not change all the time
        left_of_day = math.ceil(self.until_midnight() / _HOUR_S) * _HOUR_S / _DAY_S
        return None if self._daily is None else self._shares.left_for_a_pass(self.used(), self._daily, left_of_day)

    def until_midnight(self) -> float:
        """The seconds until the day ends."""
        now = self._clock.now()
        midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, UTC)
        return (midnight - now).total_seconds()

    def _roll_day(self) -> None:
        today = self._clock.now().astimezone(UTC).date()
        if today > self._day:
            self._used = Counter()
        # a clock that was set back gives no calls again: the count goes on until its next midnight
        self._day = today
