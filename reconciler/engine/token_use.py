"""When tokens were last used: gathered in memory, written together and seldom.

Each write makes every ETag too old, so there is at most one a minute for all tokens.
"""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.ports import Clock, Store

SECONDS = 60.0


@dataclass(slots=True)
class TokenUse:
    """What is known of the use of tokens and not yet written."""

    store: Store
    clock: Clock
    _moments: dict[str, datetime] = field(default_factory=dict)
    _written: float | None = None

    def note(self, token_id: str) -> None:
        """A token was accepted just now."""
        self._moments[token_id] = self.clock.now()

    async def tick(self) -> None:
        """Write, unless that was done within the last minute."""
        now = self.clock.monotonic()
        if self._written is None or now - self._written >= SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Write what is not written: before a stop, and each minute."""
        if not self._moments:
            return
        self._written = self.clock.monotonic()
        moments, self._moments = self._moments, {}
        try:
            async with self.store.begin() as uow:
                await uow.tokens.used(moments)
        except BaseException:
            # a cancelled or failed write loses nothing: what was noted meanwhile is newer
            self._moments = moments | self._moments
            raise
