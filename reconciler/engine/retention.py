"""Removes what ended long ago, in small steps, so that nobody waits and a wrong clock cannot remove much."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconciler.domain.retention import Expiring
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.carried_diagnostics import last_run_about, runs_referred_to
from reconciler.storage import DatabaseSize

INTERVAL: Final = 3600.0
"""Seconds from one pass to the next."""
MAX_A_PASS: Final = timedelta(days=1)
"""Of what is too old, what ended within this time after the oldest goes in one pass: with a clock that is wrong by a
year it takes as many hours as days are kept until everything is gone."""
MAX_AT_ONCE: Final = 200
"""Rows of one transaction; SQLite has one writer at a time, and an apply may be the next."""
SESSIONS_KEPT: Final = timedelta(days=7)
"""How long an expired session is kept."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How long what has ended is kept.

    Attributes:
        runs: Finished runs.
        plans: Closed plans, with their approvals and applies, and suspensions that were ended.
        history: Episodes of drift that are over.
    """

    runs: timedelta
    plans: timedelta
    history: timedelta

    @property
    def kept(self) -> Mapping[Expiring, timedelta]:
        """How long each kind is kept."""
        return {
            Expiring.RUNS: self.runs,
            Expiring.PLANS: self.plans,
            Expiring.SUSPENSIONS: self.plans,
            Expiring.SESSIONS: SESSIONS_KEPT,
            Expiring.TRANSITIONS: self.history,
        }


@dataclass(slots=True)
class StorageState:
    """What is known of the database, for the metrics.

    Attributes:
        size: As it was when the last pass began.
        removed: How much this process removed of each kind.
    """

    size: DatabaseSize | None = None
    removed: Counter[Expiring] = field(default_factory=Counter)


@dataclass(slots=True)
class RetentionKeeper:
    """Removes what is too old, for one process. What is left undone by a stop, the next pass finds again.

    Attributes:
        engine: The ports.
        rules: How long what is kept.
        state: What is known.
        may_remove: Whether the clock can be trusted to say what is old.
    """

    engine: Engine
    rules: RetentionRules
    state: StorageState = field(default_factory=StorageState)
    may_remove: Callable[[], bool] = lambda: True
    _due: float = 0.0
    _limits: dict[Expiring, datetime] = field(default_factory=dict)
    _spared: frozenset[str] = frozenset()
    _removed: Counter[Expiring] = field(default_factory=Counter)
    _may_reclaim: bool = False

    def __post_init__(self) -> None:
        self._due = self.engine.clock.monotonic()

    async def tick(self) -> None:
        """Go on with a pass: a batch of each kind, each in a transaction of its own, and at the end free space."""
        if not self.may_remove():
            # a pass that has begun went by a clock that is in doubt now
            self._limits = {}
            return
        if self._limits:
            await self._remove_some()
        elif self.engine.clock.monotonic() >= self._due:
            await self._begin()
        elif self._may_reclaim:
            # should it fail, not again at every tick
            self._may_reclaim = False
            self._may_reclaim = await self.engine.store.reclaim()

    async def _begin(self) -> None:
        # what fails is tried again after the interval, not at every tick
        self._due = self.engine.clock.monotonic() + INTERVAL
        self.state.size = await self.engine.store.size()
        self._spared = await self._runs_with_findings()
        self._limits = await self._find_limits()
        self._removed = Counter()
        await self._remove_some()

    async def _find_limits(self) -> dict[Expiring, datetime]:
        """Until when what ended is removed in this pass, of each kind of which anything is too old."""
        limits = {}
        async with self.engine.store.read() as uow:
            now = await uow.now()
            for kind, period in self.rules.kept.items():
                oldest = await uow.retention.oldest(kind, now - period, spared=self._spared)
                if oldest is not None:
                    limits[kind] = min(now - period, oldest + MAX_A_PASS)
        return limits

    async def _remove_some(self) -> None:
        for kind, limit in list(self._limits.items()):
            async with self.engine.store.begin() as uow:
                count = await uow.retention.remove(kind, limit, limit=MAX_AT_ONCE, spared=self._spared)
            self._removed[kind] += count
            self.state.removed[kind] += count
            if count < MAX_AT_ONCE or kind is Expiring.TRANSITIONS:
                del self._limits[kind]
        if not self._limits and self._removed.total():
            self._may_reclaim = True
            log.info("old rows removed", extra={"removed": {kind.value: n for kind, n in self._removed.items() if n}})

    async def _runs_with_findings(self) -> frozenset[str]:
        """The runs that the findings of the documents as they are come from."""
        async with self.engine.store.read() as uow:
            records = await uow.sources.all()
            runs = [await last_run_about(uow, record.name, record.good_revision) for record in records]
        spared = {record.last_run_id for record in records if record.last_run_id is not None}
        for run in runs:
            if run is not None:
                spared |= {run.id, *runs_referred_to(run)}
        return frozenset(spared)
