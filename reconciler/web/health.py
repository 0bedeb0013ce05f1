"""For those who watch the process. Drift never makes it unhealthy."""

from dataclasses import dataclass
from typing import Self

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reconciler.engine.audit_keeping import AuditState
from reconciler.engine.context import Engine
from reconciler.shared_work import SharedWork
from reconciler.web.auth import Open
from reconciler.web.metrics import Metrics
from reconciler.web.overview import overview
from reconciler.web.problems import Code, Problem
from reconciler.web.ready_made import ReadyMade
from reconciler.web.shapes import HealthShape
from reconciler.web.vitals import Vitals

router = APIRouter(
    tags=["Health"], dependencies=[Depends(Open("asked by machines that hold no token; nothing secret"))]
)


@dataclass(frozen=True, slots=True)
class Probes:
    """What is looked up for those who hold no token: once a second at most, however many ask.

    Attributes:
        metrics: The figures.
        database: Whether it answers.
    """

    metrics: SharedWork[ReadyMade]
    database: SharedWork[None]

    @classmethod
    def of(cls, engine: Engine, metrics: Metrics, audit: AuditState, vitals: Vitals | None) -> Self:
        """The probes of one application."""

        async def rendered() -> ReadyMade:
            return ReadyMade.of(
                metrics.render(await overview(engine), audit, vitals), CONTENT_TYPE_LATEST, tagged=False
            )

        async def looked_up() -> None:
            await engine.store.queries.sources()

        return cls(SharedWork(engine.clock, rendered), SharedWork(engine.clock, looked_up))


@router.get("/healthz", name="healthz", summary="Whether the process answers")
async def healthz() -> HealthShape:
    """It does."""
    return HealthShape(status="ok")


@router.get(
    "/readyz",
    name="readyz",
    summary="Whether the database answers and the work goes on",
    responses={503: {"description": "No."}},
)
async def readyz(request: Request) -> HealthShape:
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
    return HealthShape(status="ready")


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
