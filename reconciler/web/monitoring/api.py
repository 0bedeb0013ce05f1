"""Health, readiness and metrics. Drift never makes the service unhealthy."""

from dataclasses import dataclass
from typing import Self

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reconciler.engine.audit.archive import AuditState
from reconciler.engine.context import Engine
from reconciler.shared_work import SharedWork
from reconciler.web.auth.gate import Public
from reconciler.web.fleet.fleet_records import FleetReads
from reconciler.web.fleet.fleet_status import fleet_status
from reconciler.web.http.metrics import Metrics
from reconciler.web.http.prebuilt import Prebuilt
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import ResponseModel
from reconciler.web.monitoring.fleet_metrics import render_metrics
from reconciler.web.monitoring.vitals import Vitals


class HealthResponse(ResponseModel):
    """Whether the service can do its work."""

    status: str


router = APIRouter(
    tags=["Health"], dependencies=[Depends(Public("asked by machines that hold no token; nothing secret"))]
)


@dataclass(frozen=True, slots=True)
class Probes:
    """What is looked up for those who hold no token: once a second at most, however many ask.

    Attributes:
        metrics: The figures.
        database: Whether it answers.
    """

    metrics: SharedWork[Prebuilt]
    database: SharedWork[None]

    @classmethod
    def of(cls, engine: Engine, reads: FleetReads, metrics: Metrics, audit: AuditState, vitals: Vitals | None) -> Self:
        """The probes of one application."""

        async def rendered() -> Prebuilt:
            return Prebuilt.of(
                render_metrics(metrics, await fleet_status(engine, reads=reads), audit, vitals),
                CONTENT_TYPE_LATEST,
                tagged=False,
            )

        async def looked_up() -> None:
            await engine.store.queries.sources()

        return cls(SharedWork(engine.clock, rendered), SharedWork(engine.clock, looked_up))


@router.get("/healthz", name="healthz", summary="Whether the process answers")
async def healthz() -> HealthResponse:
    """The process answers."""
    return HealthResponse(status="ok")


@router.get(
    "/readyz",
    name="readyz",
    summary="Whether the database answers and the work goes on",
    responses={503: {"description": "No."}},
)
async def readyz(request: Request) -> HealthResponse:
    """Sources and WizChat need not be reachable."""
    vitals: Vitals | None = request.app.state.vitals
    if vitals is not None and vitals.ticks.is_overdue:
        raise Problem(
            Code.NOT_READY,
            f"the tick last ran {vitals.ticks.age:.0f} s ago, {vitals.ticks.interval:g} s apart is usual: nothing that "
            "is due happens; look at the log, and start the service again",
        )
    probes: Probes = request.app.state.probes
    await probes.database.outcome()
    return HealthResponse(status="ready")


@router.get(
    "/metrics",
    name="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Without secrets, and without a label that names a chatbot. Counted once a second at most."""
    probes: Probes = request.app.state.probes
    return (await probes.metrics.outcome()).answer(request.scope)
