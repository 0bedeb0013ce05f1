"""The part of ETags that changes without a commit: budgets used, and what ends by the clock."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconciler.engine.context import Engine
from reconciler.web.auth.generation_cache import GenerationCache

_WITH_BUDGETS: Final = "/api/v1/status"
_SECONDS: Final = 10
"""For so long at most an answer is taken for unchanged while nothing known here has moved."""


class EtagState:
    """Detects whether an answer may have changed without a commit.

    Args:
        engine: The store, the clock, and the tenants with their budgets.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ends = GenerationCache(lambda: engine.store.generation, self._read)

    async def state(self, path: str, generation: str) -> bytes:
        """What changes whenever an answer may have changed, as long as the store's generation stays.

        Args:
            path: The address.
            generation: The store's.
        """
        clock = self._engine.clock
        passed = bisect_right(await self._ends.get(generation), clock.now())
        budgets = self._budgets() if path.startswith(_WITH_BUDGETS) else ()
        return repr((int(clock.monotonic() / _SECONDS), passed, budgets)).encode()

    def _budgets(self) -> Sequence[object]:
        return [tenant.target.budget() for tenant in self._engine.tenants.values()]

    async def _read(self) -> Sequence[datetime]:
        return await self._engine.store.queries.ends_by_the_clock()
