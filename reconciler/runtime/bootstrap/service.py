"""What the service consists of, and what the commands use that administer it."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

from reconciler.domain.grants import Grants
from reconciler.domain.records import Role
from reconciler.domain.weblinks import Forge
from reconciler.engine.applier import LEASE_TIMES, Applier, LeaseTimes
from reconciler.engine.audit_keeping import AuditKeeper
from reconciler.engine.automating import automate_all
from reconciler.engine.clock_watch import ClockWatch
from reconciler.engine.context import Actor, Engine, SourceBinding, TenantBinding
from reconciler.engine.recovering import Recoverer
from reconciler.engine.refresh import run_refresh
from reconciler.engine.retention import RetentionKeeper, RetentionRules
from reconciler.engine.tenants import check_tenant
from reconciler.engine.tick_health import TickHealth
from reconciler.engine.token_use import TokenUse
from reconciler.executors import NamedExecutor
from reconciler.ports import Clock, Dispatcher, JobKind, Store, Writer
from reconciler.runtime.bootstrap.access import identity_provider
from reconciler.runtime.bootstrap.audit import audit_keeper
from reconciler.runtime.bootstrap.local import call_budget, document_contract
from reconciler.runtime.clock import SystemClock
from reconciler.runtime.dispatch import LocalDispatcher
from reconciler.runtime.identity import jitter, new_id
from reconciler.runtime.link_key import link_key
from reconciler.runtime.scheduler import TICK_SECONDS
from reconciler.runtime.settings import Settings, SourceSettings, TenantSettings
from reconciler.runtime.settings_effective import effective_tables
from reconciler.sources.git import GitSource
from reconciler.storage import schema
from reconciler.storage.store import SqlStore
from reconciler.targets.wizchat import Access, WizChatTarget, WizChatWriter
from reconciler.web.app import create_app
from reconciler.web.render_pool import PAGE_THREADS, RENDERING_THREADS, WebExecutors
from reconciler.web.settings import WebhookSpec, WebSettings
from reconciler.web.vitals import Vitals

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
    applier: Applier
    dispatcher: LocalDispatcher
    keeper: AuditKeeper
    retention: RetentionKeeper
    token_use: TokenUse
    vitals: Vitals
    app: FastAPI


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock) -> AsyncIterator[SqlStore]:
    """The database, created or upgraded when needed.

    Raises:
        StoreError: In one line: why it cannot be used.
    """
    store = await SqlStore.open(settings.database_url.get_secret_value(), clock)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_administration(settings: Settings) -> AsyncIterator[tuple[Engine, Actor]]:
    """What the commands work on that change the database beside a running service; they write nothing anywhere else.

    Raises:
        StoreError: The database cannot be used.
    """
    clock = SystemClock()
    store = await SqlStore.open(settings.database_url.get_secret_value(), clock, alongside=True)
    try:
        async with open_engine(settings, store, clock, LocalDispatcher()) as (engine, _):
            yield engine, Actor(f"cli:{getpass.getuser()}", Role.ADMIN, origin="command line")
    finally:
        await store.close()


def upgrade_database(settings: Settings) -> str:
    """Bring the database to the revision that this program needs, and return it.

    Raises:
        StoreError: It is in use, cannot be written, or is newer than this program.
    """
    return schema.upgrade(settings.database_url.get_secret_value())


def compact_database(settings: Settings) -> None:
    """Give what is free in the database back to the disk.

    Raises:
        StoreError: There is none, it is in use, cannot be written, or looks after that by itself.
    """
    schema.compact(settings.database_url.get_secret_value())


def database_revisions(settings: Settings) -> tuple[str | None, str]:
    """The revision that the database has, None when it is empty, and the one that this program needs.

    Raises:
        StoreError: It cannot be read.
    """
    return schema.current(settings.database_url.get_secret_value()), schema.head()


@asynccontextmanager
async def open_engine(
    settings: Settings, store: Store, clock: Clock, dispatcher: Dispatcher, *, lease_times: LeaseTimes = LEASE_TIMES
) -> AsyncIterator[tuple[Engine, Applier]]:
    """The use cases' context with real git and the real WizChat, and the applier with the write keys."""
    policy = settings.policy.as_policy()
    async with AsyncExitStack() as opened:
        tenants: dict[str, TenantBinding] = {}
        writers: dict[str, Writer] = {}
        for tenant in settings.tenants:
            sources = sum(source.tenant == tenant.name for source in settings.sources)
            budget = call_budget(tenant, clock, sources=sources)
            target = await opened.enter_async_context(WizChatTarget(_access(tenant, tenant.api_key), budget))
            if tenant.write_api_key is not None:
                deadline = policy.apply_deadline.total_seconds()
                writer = WizChatWriter(_access(tenant, tenant.write_api_key), budget, deadline_s=deadline)
                writers[tenant.name] = await opened.enter_async_context(writer)
            tenants[tenant.name] = TenantBinding(
                tenant.name, target, tenant.read_only, tenant.concurrency, tenant.live_views_per_hour
            )
        git = {source.name: _git_source(source, settings.data.dir) for source in settings.sources}
        opened.push_async_callback(_close, git.values())
        engine = Engine(
            store=store,
            clock=clock,
            dispatcher=dispatcher,
            new_id=new_id,
            sources={source.name: _binding(source, git[source.name]) for source in settings.sources},
            tenants=tenants,
            policy=policy,
            grants=Grants(tuple(grant.as_grant() for grant in settings.grants)),
            jitter=jitter,
        )
        yield engine, Applier(engine, writers, holder=new_id("process"), times=lease_times)


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
        tick_seconds: How often whoever runs the service looks at what is due.

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
        open_store(settings, clock) as store,
        open_engine(settings, store, clock, dispatcher, lease_times=lease_times) as (engine, applier),
    ):
        recoverer = Recoverer(engine, applier)
        applies = asyncio.Semaphore(CONCURRENT_APPLIES)
        dispatcher.handlers = {
            JobKind.REFRESH: lambda source: run_refresh(engine, source),
            JobKind.APPLY: lambda apply_id: _within(applies, applier.run(apply_id)),
            JobKind.RECOVER: lambda _: recoverer.run(),
            JobKind.AUTOMATE: lambda _: automate_all(engine),
            JobKind.CHECK_TENANT: lambda name: check_tenant(engine, name),
            JobKind.CHECK_WRITE_KEY: applier.check_write_key,
        }
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
            executors=WebExecutors(pages, renderings),
        )
        data = settings.data
        rules = RetentionRules(runs=data.runs, plans=data.plans, history=data.history)
        retention = RetentionKeeper(engine, rules, vitals.storage, may_remove)
        yield Service(engine, applier, dispatcher, keeper, retention, token_use, vitals, app)


async def _within(limit: asyncio.Semaphore, work: Awaitable[None]) -> None:
    async with limit:
        await work


def _access(tenant: TenantSettings, key: SecretStr) -> Access:
    return Access(tenant.name, str(tenant.base_url), key.get_secret_value())


async def _close(sources: Collection[GitSource]) -> None:
    async with asyncio.TaskGroup() as closing:
        for source in sources:
            closing.create_task(source.close())


def _git_source(source: SourceSettings, data: Path) -> GitSource:
    return GitSource(source.remote(), data / "mirrors" / f"{source.name}.git", document_contract())


def _binding(source: SourceSettings, port: GitSource) -> SourceBinding:
    return SourceBinding(
        name=source.name,
        tenant=source.tenant,
        url=source.remote().display_url,
        branch=source.branch,
        port=port,
        interval=source.interval,
        drift_interval=source.drift_interval,
        forge=Forge(source.forge),
        chatbots=source.chatbots,
    )


def _web(settings: Settings, public_url: str | None) -> WebSettings:
    server = settings.server
    webhooks = {
        source.name: WebhookSpec(source.forge, tuple(secret.get_secret_value() for secret in source.webhook_secret))
        for source in settings.sources
    }
    return WebSettings(
        public_url=str(server.public_url or public_url or f"http://{server.host}:{server.port}").rstrip("/"),
        allowed_hosts=server.allowed_hosts,
        trusted_proxies=tuple(str(network) for network in server.trusted_proxies),
        cors_origins=server.cors_origins,
        session_seconds=settings.auth.session_ttl.total_seconds(),
        failed_auth_per_minute=settings.auth.failures_per_minute,
        webhooks=webhooks,
        link_key=link_key(settings.auth, settings.data.dir),
        effective=tuple(effective_tables(settings)),
    )
