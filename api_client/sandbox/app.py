"""Puts the sandbox together as a FastAPI application."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api_client.sandbox.auth import ApiKey, Keyring, default_keys
from api_client.sandbox.clock import Clock, utc_now
from api_client.sandbox.control import control_routes
from api_client.sandbox.errors import ApiRefusal, inner_error
from api_client.sandbox.fault_middleware import API_PREFIX, Gate
from api_client.sandbox.fleet import Fleet
from api_client.sandbox.journal import Journal
from api_client.sandbox.routes import management_routes
from api_client.sandbox.seed import default_fleet, load_fleet, save_fleet
from api_client.sandbox.state import SandboxState


def create_app(
    *,
    fleet: Fleet | None = None,
    keys: Iterable[ApiKey] | None = None,
    clock: Clock = utc_now,
    latency: float = 0.0,
    state_file: Path | None = None,
) -> FastAPI:
    """Return a local WizChat Management API.

    Args:
        fleet: The chatbots to start with; by default the ones that come with the package.
        keys: The API keys to accept; by default one with every scope, ``DEFAULT_API_KEY``.
        clock: Where the time comes from.
        latency: Seconds that every answer of the API takes longer.
        state_file: Where the fleet is kept. What the file holds wins over ``fleet``; it is written atomically
            after each change.

    Raises:
        SeedError: The state file cannot be used.
    """
    fleet = _kept_fleet(fleet, state_file)
    sandbox = SandboxState(
        fleet=fleet,
        keyring=Keyring(default_keys() if keys is None else keys, clock),
        journal=Journal(clock),
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await sandbox.held.cancel()

    app = FastAPI(title="WizChat sandbox", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.sandbox = sandbox
    app.include_router(management_routes(sandbox))
    app.include_router(control_routes(sandbox))
    app.add_exception_handler(ApiRefusal, _answer_refusal)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_crash)
    app.add_middleware(
        Gate,
        keyring=sandbox.keyring,
        journal=sandbox.journal,
        faults=sandbox.faults,
        held_writes=sandbox.held,
        latency=latency,
    )
    return app


def _kept_fleet(fleet: Fleet | None, state_file: Path | None) -> Fleet:
    if state_file is None:
        return default_fleet() if fleet is None else fleet
    if state_file.exists():
        fleet = load_fleet(state_file)
    kept = default_fleet() if fleet is None else fleet
    kept.on_change(lambda: save_fleet(kept, state_file))
    kept.announce_change()
    return kept


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiRefusal):
        raise error
    return _refusal_response(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if not request.url.path.startswith(API_PREFIX):
        return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)
    code = "not_found" if error.status_code == 404 else "bad_request"  # noqa: PLR2004 - a status, not a figure
    return _refusal_response(ApiRefusal(error.status_code, code, str(error.detail)))


async def _answer_crash(_request: Request, _error: Exception) -> Response:
    return _refusal_response(ApiRefusal(500, "internal_error", "The sandbox failed; its log says why."))


def _refusal_response(refusal: ApiRefusal) -> JSONResponse:
    """Return the answer that carries a refusal in the standard envelope."""
    envelope = {"error": inner_error(refusal.code, refusal.message, refusal.details)}
    return JSONResponse(envelope, status_code=refusal.status, headers=refusal.headers)
