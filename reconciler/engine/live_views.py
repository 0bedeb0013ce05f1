"""Reads the live configuration of one chatbot for its page. Costs API calls, and is limited by person."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from reconciler.domain.identity import person_key
from reconciler.domain.layout import Exported
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.export import exported
from reconciler.engine.tenant_state import recording_key_refusals
from reconciler.errors import TargetError
from reconciler.ports import LiveChatbot, Purpose, Spender

KEPT = timedelta(seconds=10)
LONGEST_S = 10.0
_AT_ONCE = 2
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class LiveView:
    """A live configuration, or why it could not be read.

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
        self._counted: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._looks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def get(self, tenant: str, chatbot_id: str, person: str) -> LiveView:
        """The configuration as it is now, or was seconds ago; limited per person and hour.

        Args:
            tenant: Whose chatbot.
            chatbot_id: The chatbot.
            person: Who looks.
        """
        key = (tenant, chatbot_id)
        alone = self._looks.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(self._seconds), alone, self._turns:
                self._forget()
                if key not in self._kept:
                    self._kept[key] = self._engine.clock.monotonic(), await self._read(tenant, chatbot_id, person)
                return self._kept[key][1]
        except TimeoutError:
            message = (
                f"WizChat did not answer within {self._seconds:g} s: look at it and at the network, or try again later"
            )
            return LiveView(self._engine.clock.now(), None, message)

    async def _read(self, tenant: str, chatbot_id: str, person: str) -> LiveView:
        now = self._engine.clock.now()
        binding = self._engine.tenants.get(tenant)
        if binding is None:
            return LiveView(now, None, f"the tenant {tenant} is not configured: add it to the settings, or restore it")
        if refusal := self._count(binding, person):
            return LiveView(now, None, refusal)
        try:
            async with recording_key_refusals(self._engine, tenant):
                body = await binding.target.spending(Spender(Purpose.LIVE_VIEW, person_key(person))).export(chatbot_id)
        except TargetError as error:
            return LiveView(now, None, str(error))
        return LiveView(now, exported(LiveChatbot(chatbot_id, None, None), body))

    def _count(self, tenant: TenantBinding, person: str) -> str | None:
        """Count a look of a person, or say why they have to wait."""
        now = self._engine.clock.monotonic()
        looks = self._counted[tenant.name, person_key(person)]
        while looks and looks[0] <= now - _HOUR_S:
            looks.popleft()
        if len(looks) >= tenant.live_views_per_hour:
            wait = looks[0] + _HOUR_S - now if looks else _HOUR_S
            return (
                f"within an hour {person} has looked at {len(looks)} live configurations of the tenant {tenant.name}, "
                f"as many as live_views_per_hour lets: try again in {max(1, round(wait / 60))} min"
            )
        looks.append(now)
        return None

    def _forget(self) -> None:
        oldest = self._engine.clock.monotonic() - KEPT.total_seconds()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > oldest}
