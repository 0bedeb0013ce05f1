"""Builds the parts of the service, and closes them when it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from reconciler.engine.access.tokens import TokenUse
from reconciler.engine.apply.executor import LEASE_TIMES, ApplyExecutor, LeaseTimes
from reconciler.engine.apply.recovery import Recovery
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.engine.clock_health import ClockWatch, TickHealth
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.auto_apply import auto_apply_all
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.retention import RetentionKeeper, RetentionRules
from reconciler.engine.tenant_state import check_tenant
from reconciler.executors import NamedExecutor
from reconciler.ports import Clock, JobKind
from reconciler.runtime.bootstrap.access import identity_provider
from reconciler.runtime.bootstrap.audit import audit_keeper
from reconciler.runtime.bootstrap.engine import open_engine
from reconciler.runtime.clock import SystemClock
from reconciler.runtime.dispatch import Handler, LocalDispatcher
from reconciler.runtime.link_key import link_key
from reconciler.runtime.scheduler import TICK_SECONDS
from reconciler.settings.model import Settings
from reconciler.settings.reference import effective_tables
from reconciler.storage import Store
from reconciler.web.app import create_app
from reconciler.web.http.render_pool import PAGE_THREADS, RENDERING_THREADS, WebExecutors
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.monitoring.vitals import Vitals

CONCURRENT_APPLIES = 8


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts of the service.

    Attributes:
        engine: The use cases' context; it holds no write key.
        applier: Runs applies; the only part that is given the write keys.
        dispatcher: Runs the jobs.
        keeper: Looks after the audit log.
        retention: Removes what ended long ago.
        token_use: What is not written yet of when tokens were used.
        vitals: What the process knows of itself.
        app: The web application.
    """

    engine: Engine
    applier: ApplyExecutor
    dispatcher: LocalDispatcher
    keeper: AuditArchiver
    retention: RetentionKeeper
    token_use: TokenUse
    vitals: Vitals
    app: FastAPI


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """The database, created or upgraded when needed.

    Raises:
        StoreError: In one line: why it cannot be used.
    """
    store = await Store.open(settings.database_url.get_secret_value(), clock)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    public_url: str | None = None,
    clock: Clock | None = None,
    lease_times: LeaseTimes = LEASE_TIMES,
    tick_seconds: float = TICK_SECONDS,
) -> AsyncIterator[Service]:
    """Everything but the socket and the ticks.

    Args:
        settings: What to run.
        public_url: How people reach it, where the settings do not say.
        clock: Another time than the machine's.
        lease_times: How the leases of its applies run.
        tick_seconds: The interval between ticks, for the probes.

    Raises:
        StoreError: The database cannot be used.
        SettingsError: A setting cannot be used.
    """
    clock = clock or SystemClock()
    dispatcher = LocalDispatcher()
    async with (
        NamedExecutor("audit-files") as audit_files,
        NamedExecutor("pages", PAGE_THREADS) as pages,
        NamedExecutor("renderings", RENDERING_THREADS) as renderings,
        NamedExecutor("compression") as compression,
        open_store(settings, clock) as store,
        open_engine(settings, store, clock, dispatcher, lease_times=lease_times) as (engine, applier),
    ):
        dispatcher.handlers = _job_handlers(engine, applier)
        vitals = Vitals(TickHealth(clock, tick_seconds), ClockWatch(clock))
        may_remove = vitals.clock_watch.may_remove
        keeper = audit_keeper(settings, store, clock, may_remove, audit_files)
        token_use = TokenUse(store, clock)
        app = create_app(
            engine,
            settings=_web(settings, public_url),
            audit=keeper.state,
            identity=identity_provider(settings.oidc, clock),
            token_use=token_use,
            vitals=vitals,
            executors=WebExecutors(pages, renderings, compression),
            keeps_answers=store.sees_commits_at_once,
        )
        rules = RetentionRules(runs=settings.data.runs, plans=settings.data.plans, history=settings.data.history)
        retention = RetentionKeeper(engine, rules, vitals.storage, may_remove)
        yield Service(engine, applier, dispatcher, keeper, retention, token_use, vitals, app)


def _job_handlers(engine: Engine, applier: ApplyExecutor) -> dict[JobKind, Handler]:
    recovery = Recovery(engine, applier)
    applies = asyncio.Semaphore(CONCURRENT_APPLIES)
    return {
        JobKind.REFRESH: lambda source: run_refresh(engine, source),
        JobKind.APPLY: lambda apply_id: _within(applies, applier.run(apply_id)),
        JobKind.RECOVER: lambda _: recovery.run(),
        JobKind.AUTOMATE: lambda _: auto_apply_all(engine),
        JobKind.CHECK_TENANT: lambda name: check_tenant(engine, name),
        JobKind.CHECK_WRITE_KEY: applier.check_write_key,
    }


async def _within(limit: asyncio.Semaphore, work: Awaitable[None]) -> None:
    async with limit:
        await work


def _web(settings: Settings, public_url: str | None) -> WebSettings:
    server = settings.server
    return WebSettings(
        server=server.model_copy(update={"public_url": server.public_url or public_url}),
        auth=settings.auth,
        webhook_secret={source.name: source.webhook_secret for source in settings.sources},
        link_key=link_key(settings.auth, settings.data.dir),
        effective=tuple(effective_tables(settings)),
    )
