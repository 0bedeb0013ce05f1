"""Builds the engine with real git and the real WizChat."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from reconciler.domain.grants import Grants
from reconciler.engine.apply.executor import LEASE_TIMES, ApplyExecutor, LeaseTimes
from reconciler.engine.context import Engine, SourceBinding, TenantBinding, plan_threads
from reconciler.ports import Clock, Dispatcher, Writer
from reconciler.runtime.bootstrap.local import document_contract
from reconciler.runtime.ids import jitter, new_id
from reconciler.settings.model import Settings, SourceSettings
from reconciler.settings.sections import TenantSettings
from reconciler.sources.git import GitSource
from reconciler.storage import Store
from reconciler.targets.budget import CallBudget
from reconciler.targets.wizchat import Access, WizChatTarget, WizChatWriter
from reconciler.task_groups import task_group


@asynccontextmanager
async def open_engine(
    settings: Settings, store: Store, clock: Clock, dispatcher: Dispatcher, *, lease_times: LeaseTimes = LEASE_TIMES
) -> AsyncIterator[tuple[Engine, ApplyExecutor]]:
    """The use cases' context with real git and the real WizChat, and the applier with the write keys."""
    async with AsyncExitStack() as opened:
        threads = await opened.enter_async_context(plan_threads())
        tenants: dict[str, TenantBinding] = {}
        writers: dict[str, Writer] = {}
        for tenant in settings.tenants:
            sources = sum(source.tenant == tenant.name for source in settings.sources)
            budget = CallBudget(tenant, clock, sources=sources)
            target = await opened.enter_async_context(
                WizChatTarget(_access(tenant, tenant.api_key), budget, threads=threads)
            )
            if tenant.write_api_key is not None:
                writer = WizChatWriter(
                    _access(tenant, tenant.write_api_key), budget, deadline=lease_times.deadline, threads=threads
                )
                writers[tenant.name] = await opened.enter_async_context(writer)
            tenants[tenant.name] = TenantBinding(
                tenant.name, target, tenant.read_only, tenant.concurrency, tenant.live_views_per_hour
            )
        git = git_sources(settings)
        opened.push_async_callback(_close, git.values())
        engine = Engine(
            store=store,
            clock=clock,
            dispatcher=dispatcher,
            new_id=new_id,
            sources={source.name: _binding(source, git[source.name]) for source in settings.sources},
            tenants=tenants,
            policy=settings.policy,
            grants=Grants(tuple(grant.as_grant() for grant in settings.grants)),
            jitter=jitter,
            plan_threads=threads,
        )
        yield engine, ApplyExecutor(engine, writers, holder=new_id("process"), times=lease_times)


def _access(tenant: TenantSettings, key: SecretStr) -> Access:
    return Access(tenant.name, str(tenant.base_url), key.get_secret_value())


async def _close(sources: Collection[GitSource]) -> None:
    async with task_group() as closing:
        for source in sources:
            closing.create_task(source.close())


def git_sources(settings: Settings) -> dict[str, GitSource]:
    """The sources' repositories, by the sources' names. One that several share is told of by each below its paths."""
    remotes = {source.name: source.remote() for source in settings.sources}
    repositories = Counter(remote.repository_name for remote in remotes.values())
    return {
        name: GitSource(
            # by its name alone: another repository of the same name only means that a hint is left out
            replace(remote, is_shared=repositories[remote.repository_name] > 1),
            settings.data.dir / "mirrors" / f"{name}.git",
            document_contract(),
        )
        for name, remote in remotes.items()
    }


def _binding(source: SourceSettings, port: GitSource) -> SourceBinding:
    return SourceBinding(
        name=source.name,
        tenant=source.tenant,
        url=source.remote().display_url,
        branch=source.branch,
        port=port,
        interval=source.interval,
        drift_interval=source.drift_interval,
        full_sweep_interval=source.full_sweep_interval,
        forge=source.forge,
        chatbots=source.chatbots,
    )
