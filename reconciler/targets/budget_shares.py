"""How the calls of a tenant's day are shared among what needs them. Pure: no clock, nothing is counted here."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.ports import Purpose, Spender


@dataclass(frozen=True, slots=True)
class BudgetShares:
    """Who may use how much of a day's calls.

    Attributes:
        apply_reserve: The part that is kept for applies with their re-checks and verifications.
        live_share: The part that people's looks at live configurations may use together.
        sources: How many sources share the rest.
    """

    apply_reserve: float
    live_share: float
    sources: int

    def refusal(self, spender: Spender, used: Mapping[Spender, int], daily: int, left_of_day: float) -> str | None:
        """Why somebody may make no further call today, worded to follow "the daily_budget of N calls"; else None.

        A source may use more than its even share only of what the others will not need: of their shares, as much is
        kept as there is left of the day.

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
        by_purpose = {purpose: sum(n for who, n in used.items() if who.purpose is purpose) for purpose in Purpose}
        kept = int(daily * self.apply_reserve)
        free = left - max(0, kept - by_purpose[Purpose.APPLY])
        if free <= 0:
            return "is used up but for what apply_reserve keeps for applies"
        if spender.purpose is Purpose.LIVE_VIEW:
            looks = max(1, int(daily * self.live_share))
            return (
                None
                if by_purpose[Purpose.LIVE_VIEW] < looks
                else "has been used for live views as far as live_share lets"
            )
        if not spender.name or free > self._others_need(spender, used, daily - kept, left_of_day):
            return None
        return f"is used up for the source {spender.name}, whose share the others' leaves no room to exceed"

    def _others_need(self, spender: Spender, used: Mapping[Spender, int], shared: int, left_of_day: float) -> float:
        """How many calls the other sources are still sure of; none while the source is within its own share."""
        share = shared / self.sources
        if used.get(spender, 0) < share:
            return 0
        others = [n for who, n in used.items() if who.purpose is Purpose.COMPARE and who.name not in {"", spender.name}]
        unheard = max(0, self.sources - 1 - len(others))
        return left_of_day * (unheard * share + sum(max(0, share - n) for n in others))
