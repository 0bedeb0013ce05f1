"""`GET /status`: the fleet at a glance."""

from fastapi import APIRouter

from reconciler.web.auth.dependencies import TheEngine, TheSettings, Viewer
from reconciler.web.fleet.fleet_records import TheFleetReads
from reconciler.web.fleet.fleet_status import fleet_status
from reconciler.web.fleet.schemas import StatusResponse
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals

router = APIRouter(prefix=API, tags=["Fleet"])


@router.get(
    "/status",
    name="status",
    summary="The fleet at a glance",
    responses=NOT_MODIFIED | refusals(),
)
async def status(engine: TheEngine, settings: TheSettings, reads: TheFleetReads, actor: Viewer) -> StatusResponse:
    """Counts by sync, direction and reason, open plans, the last run of each source, and the API budget."""
    fleet = await fleet_status(engine, actor.sources, reads=reads)
    return StatusResponse.of_fleet(fleet, fleet.finding_runs, settings.version)
