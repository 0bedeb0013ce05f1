"""Looking after the history of chatbots: what ended long ago is removed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from reconciler.ports import Clock, Store

INTERVAL: Final = 3600.0
"""Seconds between two looks: what is removed each time is little."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class HistoryKeeper:
    """Looks after the history, for one process.

    Attributes:
        store: The database.
        clock: The clock.
        kept: How long what has ended is kept.
        may_remove: Whether the clock can be trusted to say what is old.
    """

    store: Store
    clock: Clock
    kept: timedelta
    may_remove: Callable[[], bool] = lambda: True
    _due: float = 0.0

    def __post_init__(self) -> None:
        self._due = self.clock.monotonic()

    async def tick(self) -> None:
        """Remove what is too old, unless that was done within the last hour."""
        now = self.clock.monotonic()
        if now < self._due or not self.may_remove():
            return
        # what fails is tried again after the interval, not at every tick
        self._due = now + INTERVAL
        async with self.store.begin() as uow:
            removed = await uow.history.forget_before(await uow.now() - self.kept)
        if removed:
            log.info("history removed", extra={"removed": removed})
