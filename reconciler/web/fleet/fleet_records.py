"""Reads the records of the fleet's overview, once after each commit for all readers."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Request

from reconciler.bounded_cache import BoundedCache
from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.entities import Run
from reconciler.domain.history import Point
from reconciler.domain.listing import FleetRecords
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.full_pass import documents_of
from reconciler.web.auth.generation_cache import GenerationCache
from reconciler.web.sources.conditions import runs_with_findings

_MOST_SIGHTS: Final = 100
"""So many sets of visible sources are kept apart."""
DAYS: Final = 14
"""How far back the curve of what was out of sync goes."""
_POINTS_A_DAY: Final = 4
_CURVE_SECONDS: Final = 60
_Sight = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class FleetRead:
    """The overview's records, and the findings in the documents.

    Attributes:
        finding_runs: Source → the run with the findings of its last good revision, as the reader may see it.
        documents: Source → how many documents a full pass compares, of those that the settings name.
        checks: Source → how its chatbots were last compared, of those that were.
    """

    records: FleetRecords
    finding_runs: Mapping[str, Run]
    documents: Mapping[str, int]
    checks: Mapping[str, CheckCounts]


async def read_fleet(engine: Engine, visible: Collection[str] | None) -> FleetRead:
    """Read the overview for somebody who may see these sources; None means all."""
    records = await engine.store.queries.fleet(visible)
    shown = [source for source in records.sources if visible is None or source.name in visible]
    newest = {run.source: run for run in records.runs.values()}
    runs = await runs_with_findings(engine, shown, newest, lambda source: visible is None or source in visible)
    configured = [source for source in engine.sources if visible is None or source in visible]
    checks = await engine.store.queries.checks([source.name for source in shown])
    return FleetRead(records, runs, await documents_of(engine, configured), checks)


class FleetReads:
    """The last read for each set of visible sources: nobody is given what was read for somebody who sees others.

    Args:
        engine: The store.
        keeps: Whether a read may be kept until the store's generation moves.
    """

    def __init__(self, engine: Engine, *, keeps: bool) -> None:
        self._engine = engine
        self._keeps = keeps
        self._curves: BoundedCache[_Sight, tuple[object, Sequence[Point]]] = BoundedCache(_MOST_SIGHTS, lambda _, __: 1)
        self._caches: BoundedCache[_Sight, GenerationCache[FleetRead]] = BoundedCache(_MOST_SIGHTS, lambda _, __: 1)

    async def get(self, visible: Collection[str] | None) -> FleetRead:
        """The overview's records for somebody who may see these sources; None means all."""
        if not self._keeps:
            return await read_fleet(self._engine, visible)
        sight = _visibility(visible)
        cache = self._caches.get(sight)
        if cache is None:
            cache = GenerationCache(self._generation, self._reading(sight))
            self._caches.keep(sight, cache)
        return await cache.get(self._generation())

    async def curve(self, visible: Collection[str] | None, *, since: datetime, until: datetime) -> Sequence[Point]:
        """How many chatbots of these sources were out of sync, to about a minute while nothing is committed.

        Args:
            visible: The sources; None means all.
            since: When the curve begins.
            until: Now.
        """
        if not self._keeps:
            return await self._read_curve(visible, since, until)
        begins = since if until - since < timedelta(days=DAYS) else None
        place = self._generation(), int(until.timestamp() / _CURVE_SECONDS), begins
        sight = _visibility(visible)
        kept = self._curves.get(sight)
        if kept is not None and kept[0] == place:
            return kept[1]
        points = await self._read_curve(visible, since, until)
        self._curves.keep(sight, (place, points))
        return points

    async def _read_curve(self, visible: Collection[str] | None, since: datetime, until: datetime) -> Sequence[Point]:
        queries, buckets = self._engine.store.queries, DAYS * _POINTS_A_DAY
        return await queries.out_of_sync_curve(visible, since=since, until=until, buckets=buckets)

    def _generation(self) -> str:
        return self._engine.store.generation

    def _reading(self, sight: _Sight) -> Callable[[], Awaitable[FleetRead]]:
        return lambda: read_fleet(self._engine, sight)


def _visibility(visible: Collection[str] | None) -> _Sight:
    return None if visible is None else frozenset(visible)


async def _of_app(request: Request) -> FleetReads:
    reads: FleetReads = request.app.state.fleet_reads
    return reads


TheFleetReads = Annotated[FleetReads, Depends(_of_app)]
