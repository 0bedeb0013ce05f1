"""How the calls of a tenant's day are shared among what needs them. Pure: no clock, nothing is counted here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.ports import Purpose, Spender

CALLS_OF_AN_APPLY: Final = 3
"""The re-check, the request and the proof: an apply that could not pay for all of them does not begin."""

_LEFT_FOR_CHANGES: Final[Mapping[Purpose, float]] = {Purpose.DRIFT: 0.5, Purpose.FULL_SWEEP: 1.0}
"""What may not use up the calls that changes will need, and how much of them it leaves."""


@dataclass(frozen=True, slots=True)
class BudgetShares:
    """Who may use how much of a day's calls.

    Attributes:
        apply_reserve: The part that is kept for applies with their re-checks and verifications.
        change_reserve: The part that full sweeps leave for what changes during the day.
        live_share: The part that people's looks at live configurations may use together.
        sources: How many sources share the rest.
    """

    apply_reserve: float
    change_reserve: float
    live_share: float
    sources: int

    def refusal(self, spender: Spender, used: Mapping[Spender, int], daily: int, left_of_day: float) -> str | None:
        """Why somebody may make no further call today, worded to follow "the daily_budget of N calls"; else None.

        Args:
            spender: Who asks.
            used: The calls of the day, by who made them.
            daily: How many there may be.
            left_of_day: How much of the day is left, from 1 at midnight to 0.
        """
        left = daily - sum(used.values())
        if left <= 0:
            return "is used up"
        if spender.purpose is Purpose.APPLY:
            return None
        if spender.purpose is Purpose.RECHECK:
            return None if left >= CALLS_OF_AN_APPLY else "is used up but for what applies under way need to end"
        return self._refusal_beside_applies(spender, used, daily, left_of_day)

    def _refusal_beside_applies(
        self, spender: Spender, used: Mapping[Spender, int], daily: int, left_of_day: float
    ) -> str | None:
        free = self._free(used, daily)
        if free <= 0:
            return "is used up but for what apply_reserve keeps for applies"
        if spender.purpose is Purpose.LIVE_VIEW:
            return self._refusal_of_look(used, daily)
        if free <= self._kept_for_changes(spender.purpose, daily, left_of_day):
            return "is used up but for what change_reserve keeps for changes of the day"
        shared = daily - int(daily * self.apply_reserve)
        if not spender.name or free > self._others_need(spender.name, used, shared, left_of_day):
            return None
        return f"is used up for the source {spender.name}, whose share the others' leaves no room to exceed"

    def left_for_a_pass(self, used: Mapping[Spender, int], daily: int, left_of_day: float) -> int:
        """How many calls a full sweep may make yet, as long as nothing else makes any; the arguments of `refusal`."""
        return max(0, self._free(used, daily) - self._kept_for_changes(Purpose.FULL_SWEEP, daily, left_of_day))

    def _free(self, used: Mapping[Spender, int], daily: int) -> int:
        """The calls that are left beside those kept for applies."""
        applies = sum(calls for who, calls in used.items() if who.purpose.serves_an_apply)
        return daily - sum(used.values()) - max(0, int(daily * self.apply_reserve) - applies)

    def _kept_for_changes(self, purpose: Purpose, daily: int, left_of_day: float) -> int:
        """The calls that a purpose leaves for changes of the day."""
        return int(daily * self.change_reserve * left_of_day * _LEFT_FOR_CHANGES.get(purpose, 0.0))

    def _refusal_of_look(self, used: Mapping[Spender, int], daily: int) -> str | None:
        looks = sum(calls for who, calls in used.items() if who.purpose is Purpose.LIVE_VIEW)
        if looks < max(1, int(daily * self.live_share)):
            return None
        return "has been used for live views as far as live_share lets"

    def _others_need(self, source: str, used: Mapping[Spender, int], shared: int, left_of_day: float) -> float:
        """How many calls the other sources are still sure of; none while the source is within its own share.

        A source may use more than its even share only of what the others will not need: of their shares, as much is
        kept as there is left of the day.
        """
        by_source = calls_by_source(used)
        share = shared / self.sources
        if by_source.get(source, 0) < share:
            return 0
        others = [calls for name, calls in by_source.items() if name not in {"", source}]
        unheard = max(0, self.sources - 1 - len(others))
        return left_of_day * (unheard * share + sum(max(0, share - calls) for calls in others))


def calls_by_source(used: Mapping[Spender, int]) -> dict[str, int]:
    """Source → how many calls compared its documents; under "" those for no source in particular."""
    calls: dict[str, int] = {}
    for who, number in used.items():
        if who.purpose.compares_a_source:
            calls[who.name] = calls.get(who.name, 0) + number
    return calls
