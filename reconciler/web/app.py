"""Builds the application: state, routes, middlewares and error handlers."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from reconciler.engine.access.tokens import TokenUse
from reconciler.engine.audit.archive import AuditState
from reconciler.engine.context import Engine
from reconciler.engine.live_views import LiveViews
from reconciler.identity import OidcProvider
from reconciler.web import error_handlers
from reconciler.web.auth import route_policies
from reconciler.web.auth.concurrency_limit import ConcurrencyLimit
from reconciler.web.auth.credentials import CredentialCache
from reconciler.web.auth.etags import EtagMiddleware
from reconciler.web.auth.gate import AuthGate
from reconciler.web.auth.login_throttle import LoginThrottle
from reconciler.web.auth.same_origin import SameOrigin
from reconciler.web.events.streams import Streams
from reconciler.web.fleet.fleet_records import FleetReads
from reconciler.web.http.allowed_hosts import AllowedHosts
from reconciler.web.http.answer_cache import AnswerCache
from reconciler.web.http.body_limits import BodyLimits
from reconciler.web.http.compression import Compression
from reconciler.web.http.header_limits import HeaderLimits
from reconciler.web.http.metrics import Metrics
from reconciler.web.http.render_pool import RenderPool, WebExecutors
from reconciler.web.http.request_log import RequestLog
from reconciler.web.http.root_path import RootPathMiddleware, check_root_path
from reconciler.web.http.security_headers import SecurityHeaders
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.login import page as login
from reconciler.web.login.anonymous_events import AnonymousEvents
from reconciler.web.login.attempts import LoginAttempts
from reconciler.web.monitoring.api import Probes
from reconciler.web.monitoring.vitals import Vitals
from reconciler.web.plans.render_cache import RenderCache
from reconciler.web.reference import page as reference
from reconciler.web.routes import API_ROUTERS, PAGE_ROUTERS
from reconciler.web.ui.static_files import FOLDER, PublicFiles


def create_app(
    engine: Engine,
    *,
    settings: WebSettings,
    audit: AuditState | None = None,
    identity: OidcProvider | None = None,
    token_use: TokenUse | None = None,
    vitals: Vitals | None = None,
    executors: WebExecutors | None = None,
    keeps_answers: bool = True,
) -> FastAPI:
    """Make the application.

    Args:
        engine: The ports and policy that the use cases share; it is neither started nor stopped here.
        settings: The settings of the web.
        audit: What is known of the audit log, for the metrics.
        identity: Who vouches for people that sign in; None means that only tokens do.
        token_use: Notes when tokens were used; the caller has it written.
        vitals: What the process knows of itself; None where nothing ticks.
        executors: The threads in which pages and renderings are made; the caller closes them.
        keeps_answers: Whether answers may be kept until the store's generation moves: only where it moves at once with
            every commit.

    Raises:
        SettingsError: The path of ``public_url`` is one of the application's own.

    Returns:
        The application, ready to serve. Run it without uvicorn's own ``proxy_headers``: trusted proxies are set here.
    """
    app = _routed(settings)
    gate = _gate(engine, settings, token_use)
    _set_state(app, engine, settings, gate, identity)
    app.state.fleet_reads = FleetReads(engine, keeps=keeps_answers)
    _install_monitoring(app, engine, gate, audit or AuditState(), vitals)
    executors = executors or WebExecutors()
    _install_render_pools(app, executors)
    error_handlers.install(app, engine)
    _add_middlewares(app, engine, settings, gate, executors, keeps_answers=keeps_answers)
    return app


def _routed(settings: WebSettings) -> FastAPI:
    """The application with every route that it has, each with its policies."""
    app = FastAPI(
        title="wizchat-reconciler",
        version=settings.version,
        summary="Plans, decisions and applies of chatbot configurations kept in git.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[*_routes()],
        # asked before every request, and its spans would hold the messages of exceptions
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    reference.install(app, API_ROUTERS, settings.root_path)
    app.mount("/static", PublicFiles(directory=FOLDER), name="static")
    route_policies.check_policies(app.routes)
    check_root_path(settings.root_path, route_policies.paths_of(app.routes))
    return app


def _gate(engine: Engine, settings: WebSettings, token_use: TokenUse | None) -> AuthGate:
    return AuthGate(
        CredentialCache(engine),
        LoginThrottle(engine.clock, settings.auth.failures_per_minute),
        LoginThrottle(engine.clock, settings.auth.failures_per_minute),
        Metrics(),
        token_use or TokenUse(engine.store, engine.clock),
        settings.server.trusted_proxies,
        settings.secure,
    )


def _set_state(
    app: FastAPI, engine: Engine, settings: WebSettings, gate: AuthGate, identity: OidcProvider | None
) -> None:
    """Give the routes what they work with."""
    app.state.engine = engine
    app.state.settings = settings
    app.state.gate = gate
    app.state.identity = identity
    app.state.live = LiveViews(engine)
    app.state.streams = Streams(engine, gate)
    app.state.attempts = LoginAttempts(engine.clock, settings.public_url + login.CALLBACK)
    app.state.anonymous_events = AnonymousEvents(engine.clock)


def _install_monitoring(app: FastAPI, engine: Engine, gate: AuthGate, audit: AuditState, vitals: Vitals | None) -> None:
    """Give the probes and the metrics what they report."""
    streams: Streams = app.state.streams
    gate.metrics.streams.set_function(lambda: streams.open)
    app.state.vitals = vitals
    app.state.probes = Probes.of(engine, app.state.fleet_reads, gate.metrics, audit, vitals)


def _install_render_pools(app: FastAPI, executors: WebExecutors) -> None:
    app.state.pages = RenderPool(executors.pages)
    app.state.renderings = RenderPool(executors.renderings)
    app.state.rendered = RenderCache()


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of every application in this process; they hold nothing of one, and are the slowest part to make."""
    parent = APIRouter(generate_unique_id_function=lambda route: route.name)
    for router in (*API_ROUTERS, *PAGE_ROUTERS, login.router):
        parent.include_router(router)
    return parent.routes


def _add_middlewares(
    app: FastAPI,
    engine: Engine,
    settings: WebSettings,
    gate: AuthGate,
    executors: WebExecutors,
    *,
    keeps_answers: bool,
) -> None:
    """Put the middlewares in front; the last one added is met first."""
    app.add_middleware(
        BodyLimits, limit=settings.body_limit, webhook_limit=settings.webhook_body_limit, seconds=settings.body_seconds
    )
    app.add_middleware(Compression, executor=executors.compression)
    app.add_middleware(AnswerCache)
    app.add_middleware(SameOrigin, settings=settings)
    app.add_middleware(ConcurrencyLimit, gate=gate)
    app.add_middleware(RequestLog, clock=engine.clock, metrics=gate.metrics, proxies=settings.server.trusted_proxies)
    app.add_middleware(EtagMiddleware, gate=gate, engine=engine, metrics=gate.metrics, keeps_answers=keeps_answers)
    app.add_middleware(AllowedHosts, allowed=settings.hosts)
    if settings.server.cors_origins:
        app.add_middleware(CORSMiddleware, **_cors(settings))
    app.add_middleware(HeaderLimits)
    app.add_middleware(SecurityHeaders, secure=settings.secure)
    if settings.root_path:
        app.add_middleware(RootPathMiddleware, path=settings.root_path)


def _cors(settings: WebSettings) -> dict[str, Any]:
    """Tokens travel in a header that pages set themselves: cookies are never let through."""
    return {
        "allow_origins": list(settings.server.cors_origins),
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"],
        "expose_headers": ["ETag", "X-Request-Id"],
        "allow_credentials": False,
    }
