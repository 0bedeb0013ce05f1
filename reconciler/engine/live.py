"""The live configuration of one chatbot, for somebody who asks to see it. Reads only, and costs API calls."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from reconciler.domain.layout import Exported
from reconciler.engine.context import Engine
from reconciler.engine.export import exported
from reconciler.errors import TargetError
from reconciler.ports import LiveChatbot

KEPT = timedelta(seconds=10)
LONGEST_S = 10.0
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class LiveView:
    """What WizChat said.

    Attributes:
        at: When it was asked.
        exported: The configuration; None when it could not be read.
        failure: Why it could not, and what to do.
    """

    at: datetime
    exported: Exported | None
    failure: str | None = None


class LiveViews:
    """Reads live configurations, few at a time and none twice within seconds: looking must not eat up the budget.

    Args:
        engine: The ports.
        seconds: How long somebody waits for an answer, the wait for the tenant's budget included.
    """

    def __init__(self, engine: Engine, seconds: float = LONGEST_S) -> None:
        self._engine = engine
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._kept: dict[tuple[str, str], tuple[float, LiveView]] = {}
        self._looks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def look(self, tenant: str, chatbot_id: str) -> LiveView:
        """The configuration as it is now, or was seconds ago."""
        key = (tenant, chatbot_id)
        alone = self._looks.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(self._seconds), alone, self._turns:
                self._forget()
                if key not in self._kept:
                    self._kept[key] = self._engine.clock.monotonic(), await self._read(tenant, chatbot_id)
                return self._kept[key][1]
        except TimeoutError:
            why = (
                f"WizChat did not answer within {self._seconds:g} s: look at it and at the network, or try again later"
            )
            return LiveView(self._engine.clock.now(), None, why)

    async def _read(self, tenant: str, chatbot_id: str) -> LiveView:
        now = self._engine.clock.now()
        binding = self._engine.tenants.get(tenant)
        if binding is None:
            return LiveView(now, None, f"the tenant {tenant} is not configured: add it to the settings, or restore it")
        try:
            body = await binding.target.export(chatbot_id)
        except TargetError as error:
            return LiveView(now, None, str(error))
        return LiveView(now, exported(LiveChatbot(chatbot_id, None, None), body))

    def _forget(self) -> None:
        oldest = self._engine.clock.monotonic() - KEPT.total_seconds()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > oldest}
