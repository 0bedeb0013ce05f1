"""The application: routes, what stands before them, and how errors are answered."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from reconciler.engine.audit_keeping import AuditState
from reconciler.engine.context import Engine
from reconciler.engine.live import LiveViews
from reconciler.engine.token_use import TokenUse
from reconciler.ports import IdentityProvider
from reconciler.web import errors, health, reference, rules, webhooks
from reconciler.web.api import events, fleet, forgetting, me, people, plans, sources, suspensions, tokens
from reconciler.web.auth import Gate
from reconciler.web.credentials import Book
from reconciler.web.dashboard import routes
from reconciler.web.guesses import Guesses
from reconciler.web.login import pages as login
from reconciler.web.login.attempts import Attempts
from reconciler.web.login.strangers import Strangers
from reconciler.web.metrics import Metrics
from reconciler.web.middleware.bodies import Bodies
from reconciler.web.middleware.compression import Compression
from reconciler.web.middleware.conditional import Conditional
from reconciler.web.middleware.envelope import Envelope
from reconciler.web.middleware.heads import Heads
from reconciler.web.middleware.hosts import Hosts
from reconciler.web.middleware.requests import Requests
from reconciler.web.middleware.root_path import RootPath
from reconciler.web.middleware.same_origin import SameOrigin
from reconciler.web.middleware.turns import Turns
from reconciler.web.render_cache import RenderCache
from reconciler.web.render_pool import RenderPool, WebExecutors
from reconciler.web.root_path import check_root_path
from reconciler.web.settings import WebSettings
from reconciler.web.static_files import FOLDER, PublicFiles
from reconciler.web.streams import Streams
from reconciler.web.vitals import Vitals

ROUTERS = (
    fleet.router, plans.router, sources.router, forgetting.router, suspensions.router, me.router,
    people.router, tokens.router, events.router, webhooks.router, health.router,
)  # fmt: skip
"""Everything that OpenAPI describes."""


def create_app(
    engine: Engine,
    *,
    settings: WebSettings,
    audit: AuditState | None = None,
    identity: IdentityProvider | None = None,
    token_use: TokenUse | None = None,
    vitals: Vitals | None = None,
    executors: WebExecutors | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        engine: The ports and policy that the use cases share; it is neither started nor stopped here.
        settings: What the web is told.
        audit: What is known of the audit log, for the metrics.
        identity: Who vouches for people that sign in; None means that only tokens do.
        token_use: Where it is noted when tokens were used; whoever gives it also has it written.
        vitals: What the process knows of itself; None where nothing ticks.
        executors: The threads in which pages and renderings are made; whoever gives them also closes them.

    Raises:
        SettingsError: The path of ``public_url`` is one of the application's own.

    Returns:
        The application, ready to serve. Run it without uvicorn's own ``proxy_headers``: trusted proxies are set here.
    """
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
    metrics = Metrics()
    gate = Gate(
        Book(engine),
        Guesses(engine.clock, settings.failed_auth_per_minute),
        Guesses(engine.clock, settings.failed_auth_per_minute),
        metrics,
        token_use or TokenUse(engine.store, engine.clock),
        settings.proxies,
        settings.secure,
    )
    app.state.engine = engine
    app.state.settings = settings
    app.state.gate = gate
    app.state.streams = streams = Streams(engine, gate)
    metrics.streams.set_function(lambda: streams.open)
    app.state.audit = audit = audit or AuditState()
    app.state.probes = health.Probes.of(engine, metrics, audit, vitals)
    app.state.vitals = vitals
    app.state.identity = identity
    app.state.live = LiveViews(engine)
    executors = executors or WebExecutors()
    app.state.pages = RenderPool(executors.pages)
    app.state.renderings = RenderPool(executors.renderings)
    app.state.rendered = RenderCache()
    app.state.attempts = Attempts(engine.clock, settings.public_url.rstrip("/") + login.CALLBACK)
    app.state.strangers = Strangers(engine.clock)
    reference.install(app, ROUTERS, settings.root_path)
    app.mount("/static", PublicFiles(directory=FOLDER), name="static")
    rules.check(app.routes)
    check_root_path(settings.root_path, rules.paths_of(app.routes))
    errors.install(app, engine)
    _stand_before(app, engine, settings, gate)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of every application in this process; they hold nothing of one, and are the slowest part to make."""
    parent = APIRouter(generate_unique_id_function=lambda route: route.name)
    for router in (*ROUTERS, *routes.ROUTERS, login.router):
        parent.include_router(router)
    return parent.routes


def _stand_before(app: FastAPI, engine: Engine, settings: WebSettings, gate: Gate) -> None:
    """Put the middlewares in front; the last one added is met first."""
    app.add_middleware(
        Bodies, limit=settings.body_limit, webhook_limit=settings.webhook_body_limit, seconds=settings.body_seconds
    )
    app.add_middleware(SameOrigin, settings=settings)
    app.add_middleware(Turns, gate=gate)
    app.add_middleware(Requests, clock=engine.clock, metrics=gate.metrics, proxies=settings.proxies)
    app.add_middleware(Conditional, gate=gate, store=engine.store, clock=engine.clock, metrics=gate.metrics)
    app.add_middleware(Hosts, allowed=settings.hosts)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **_cors(settings))
    app.add_middleware(Compression)
    app.add_middleware(Heads)
    app.add_middleware(Envelope, secure=settings.secure)
    if settings.root_path:
        app.add_middleware(RootPath, path=settings.root_path)


def _cors(settings: WebSettings) -> dict[str, Any]:
    """Tokens travel in a header that pages set themselves: cookies are never let through."""
    return {
        "allow_origins": list(settings.cors_origins),
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"],
        "expose_headers": ["ETag", "X-Request-Id"],
        "allow_credentials": False,
    }
