"""Limits how often a tenant's list of chatbots is read because one chatbot was not found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.ports import Clock
from reconciler.shared_work import SharedWork

SECONDS: Final = 60.0
"""A check costs a list of chatbots; what it shows holds for so long, for whatever is not found meanwhile."""


@dataclass(slots=True)
class AccountChecks:
    """One check for each tenant at a time, and at most one a minute."""

    _checks: dict[str, SharedWork[str | None]] = field(default_factory=dict)

    async def cause(self, tenant: str, clock: Clock, check: Callable[[], Awaitable[str | None]]) -> str | None:
        """What the newest check of a tenant shows.

        Args:
            tenant: The tenant's name.
            clock: What the minute is measured by.
            check: Makes a check: why the key is of another account, or None where that is not shown.
        """
        if tenant not in self._checks:
            self._checks[tenant] = SharedWork(clock, check, SECONDS)
        return await self._checks[tenant].outcome()
