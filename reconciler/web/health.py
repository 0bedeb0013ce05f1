"""For those who watch the process. Drift never makes it unhealthy."""

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reconciler.web.api.common import TheEngine
from reconciler.web.auth import Gate, Open
from reconciler.web.overview import overview
from reconciler.web.problems import Code, Problem
from reconciler.web.shapes import HealthShape
from reconciler.web.vitals import Vitals

router = APIRouter(
    tags=["Health"], dependencies=[Depends(Open("asked by machines that hold no token; nothing secret"))]
)


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
async def readyz(engine: TheEngine, request: Request) -> HealthShape:
    """Sources and WizChat need not be reachable."""
    vitals: Vitals | None = request.app.state.vitals
    if vitals is not None and vitals.ticks.is_overdue:
        raise Problem(
            Code.NOT_READY,
            f"the tick last ran {vitals.ticks.age:.0f} s ago, {vitals.ticks.interval:g} s apart is usual: nothing that "
            "is due happens; look at the log, and start the service again",
        )
    await engine.store.queries.sources()
    return HealthShape(status="ready")


@router.get(
    "/metrics",
    name="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(engine: TheEngine, request: Request) -> Response:
    """Without secrets, and without a label that names a chatbot."""
    gate: Gate = request.app.state.gate
    return Response(
        gate.metrics.render(await overview(engine), request.app.state.audit, request.app.state.vitals),
        media_type=CONTENT_TYPE_LATEST,
    )
