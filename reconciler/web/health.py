"""For those who watch the process. Drift never makes it unhealthy."""

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reconciler.web.api.common import TheEngine
from reconciler.web.auth import Gate, Open
from reconciler.web.overview import overview
from reconciler.web.shapes import HealthShape

router = APIRouter(
    tags=["Health"], dependencies=[Depends(Open("asked by machines that hold no token; nothing secret"))]
)


@router.get("/healthz", name="healthz", summary="Whether the process answers")
async def healthz() -> HealthShape:
    """It does."""
    return HealthShape(status="ok")


@router.get("/readyz", name="readyz", summary="Whether the database answers", responses={503: {"description": "No."}})
async def readyz(engine: TheEngine) -> HealthShape:
    """Sources and WizChat need not be reachable."""
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
        gate.metrics.render(await overview(engine), request.app.state.audit), media_type=CONTENT_TYPE_LATEST
    )
