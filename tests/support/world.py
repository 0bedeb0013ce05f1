"""A small world for the engine: a real database, a repository and a WizChat in memory, a clock that stands still."""

import asyncio
import copy
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from api_client.sandbox import Chatbot as LiveBot
from api_client.sandbox import Fleet
from reconciler.domain.access import Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.entities import Apply, Approval, Chatbot, Plan, Run, SourceRecord, Trigger
from reconciler.domain.policy import Policy
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKey
from reconciler.engine.access.tokens import create_token
from reconciler.engine.apply.executor import ApplyExecutor
from reconciler.engine.apply.recovery import Recovery
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import PROGRAM, Actor, Engine, SourceBinding, TenantBinding
from reconciler.engine.decide.decisions import Decision, approve
from reconciler.engine.reconcile.auto_apply import auto_apply_all
from reconciler.engine.reconcile.auto_apply_policy import record_policy_switch
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import start_up
from reconciler.engine.tenant_state import check_tenant
from reconciler.ports import JobKind
from reconciler.runtime.dispatch import Handler, LocalDispatcher
from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.fakes.source import FakeSource
from tests.fakes.target import FakeTarget, FakeWriter
from tests.support.defaults import source_binding, tenant_binding
from tests.support.store import open_store, open_url
from tests.support.waiting import PATIENCE

TENANT = "acme"
SOURCE = "bots"
BOT = "bot_1"


def spec(name: str = "Acme", prompt: str = "Be kind.", **more: Any) -> dict[str, Any]:
    return {"core": {"name": name, "behavior": {"systemPrompt": prompt}}, **more}


def document(body: Mapping[str, Any], chatbot_id: str = BOT, **more: Any) -> str:
    """A document as JSON; the loader's own tests are about YAML."""
    metadata = {"chatbotId": chatbot_id}
    return json.dumps({"apiVersion": "v1", "kind": "ChatbotConfig", "metadata": metadata, "spec": body, **more})


def path_of(chatbot_id: str = BOT) -> str:
    return f"chatbots/{chatbot_id}.json"


def push(source: FakeSource, changes: Mapping[str, str | None]) -> str:
    """Commit changes on top of a branch; a path with None is removed."""
    removed = [path for path, text in changes.items() if text is None]
    return source.amend({path: text for path, text in changes.items() if text is not None}, remove=removed)


@dataclass
class World:
    """The parts, and what a person does with them."""

    engine: Engine
    clock: FakeClock
    dispatcher: LocalDispatcher
    source: FakeSource
    target: FakeTarget
    writer: FakeWriter
    applier: ApplyExecutor
    recoverer: Recovery
    people: dict[str, Actor] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.engine.store

    async def refresh(self, *, source: str = SOURCE, full: bool = True) -> Run:
        run = await request_refresh(self.engine, PROGRAM, source, Trigger.MANUAL, full=full)
        await self.idle()
        return await self.run(run.id)

    async def switch(self, policy: Policy) -> None:
        """Go on with another policy, as after a restart."""
        self._go_on_with(replace(self.engine, policy=policy))
        async with self.store.begin() as uow:
            await record_policy_switch(self.engine, uow)

    def switch_tenants(self, tenants: Mapping[str, TenantBinding]) -> None:
        """Go on with other tenants, as after a restart."""
        self._go_on_with(replace(self.engine, tenants=tenants))

    async def restart(self, sources: Mapping[str, SourceBinding] | None = None, **changes: Any) -> None:
        """Start again, with other sources or other settings of the engine."""
        self._go_on_with(replace(self.engine, sources=self.engine.sources if sources is None else sources, **changes))
        await start_up(self.engine, only_process=True)
        await self.idle()

    def _go_on_with(self, engine: Engine) -> None:
        self.engine = self.applier.engine = self.applier.looks.engine = self.recoverer.engine = engine
        self.dispatcher.handlers = handlers(engine, self.applier, self.recoverer)

    async def idle(self) -> None:
        """Wait until every job is done."""
        async with asyncio.timeout(PATIENCE):
            await self.dispatcher.idle()

    async def person(
        self, name: str = "ann", role: Role = Role.APPROVER, sources: Sequence[str] | None = None
    ) -> Actor:
        if name not in self.people:
            new = await create_token(self.engine, PROGRAM, name, role, sources=sources)
            self.people[name] = Actor(name, role, new.token.id, new.token.sources)
        return self.people[name]

    async def approve(self, plan: Plan, who: str = "ann", **more: Any) -> Decision:
        return await approve(self.engine, await self.person(who), plan.id, plan.fingerprint, **more)

    async def apply(self, plan: Plan, who: str = "ann") -> Apply:
        """Ask for the apply and see it through."""
        apply = await request_apply(self.engine, await self.person(who), plan.id, plan.fingerprint)
        await self.idle()
        return await self.apply_of(apply.id)

    def commit(self, changes: Mapping[str, str | None]) -> str:
        return push(self.source, changes)

    def live(self, chatbot_id: str = BOT) -> LiveBot:
        chatbot = self.target.fleet.get(chatbot_id)
        assert chatbot is not None
        return chatbot

    def edit_live(self, chatbot_id: str = BOT, *, silently: bool = False, **sections: Any) -> None:
        """Change the live side as a person at WizChat would; silently, so that its `updatedAt` stays."""
        bot = self.live(chatbot_id)
        before = bot.updated_at
        for section, value in copy.deepcopy(sections).items():
            bot.replace_section(section, value, self.target.now())
        if silently:
            bot.updated_at = before

    async def chatbot(self, chatbot_id: str = BOT) -> Chatbot:
        async with self.store.read() as uow:
            chatbot = await uow.chatbots.get(TENANT, chatbot_id)
        assert chatbot is not None
        return chatbot

    async def open_plan(self, chatbot_id: str = BOT) -> Plan:
        chatbot = await self.chatbot(chatbot_id)
        assert chatbot.plan_id is not None
        return await self.plan(chatbot.plan_id)

    async def plan(self, plan_id: str) -> Plan:
        async with self.store.read() as uow:
            plan = await uow.plans.get(plan_id)
        assert plan is not None
        return plan

    async def approvals(self, plan: Plan) -> Sequence[Approval]:
        async with self.store.read() as uow:
            return await uow.approvals.of_plan(plan.id)

    async def apply_of(self, apply_id: str) -> Apply:
        async with self.store.read() as uow:
            apply = await uow.applies.get(apply_id)
        assert apply is not None
        return apply

    async def run(self, run_id: str) -> Run:
        async with self.store.read() as uow:
            run = await uow.runs.get(run_id)
        assert run is not None
        return run

    async def tenant(self) -> TenantRecord:
        async with self.store.read() as uow:
            return await uow.tenants.get(TENANT) or TenantRecord(name=TENANT)

    async def write_key(self) -> WriteKey:
        return (await self.tenant()).write_key or WriteKey()

    async def source_record(self, name: str = SOURCE) -> SourceRecord:
        async with self.store.read() as uow:
            record = await uow.sources.get(name)
        assert record is not None
        return record

    async def audit(self) -> list[AuditEntry]:
        async with self.store.read() as uow:
            return [entry async for entry in uow.audit.entries()]

    async def spent(self) -> int:
        """How many applies reached their intent: what the writer's journal is held against."""
        return sum(entry.action == "apply.intent" for entry in await self.audit())


def handlers(engine: Engine, applier: ApplyExecutor, recoverer: Recovery) -> Mapping[JobKind, Handler]:
    """What is done for each kind of job."""
    return {
        JobKind.REFRESH: lambda name: run_refresh(engine, name),
        JobKind.APPLY: applier.run,
        JobKind.RECOVER: lambda _: recoverer.run(),
        JobKind.AUTOMATE: lambda _: auto_apply_all(engine),
        JobKind.CHECK_TENANT: lambda name: check_tenant(engine, name),
        JobKind.CHECK_WRITE_KEY: applier.check_write_key,
    }


@asynccontextmanager
async def world(
    tmp_path: Path,
    live: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, str],
    *,
    policy: Policy | None = None,
    read_only: bool = False,
    source: FakeSource | None = None,
    more_sources: Mapping[str, FakeSource] | None = None,
    url: str | None = None,
) -> AsyncIterator[World]:
    """A world that has seen its first run.

    Args:
        tmp_path: Where the database lies.
        live: Chatbot id → its live sections.
        files: What the repository's first commit holds.
        policy: The policy.
        read_only: Whether the tenant lacks a write key.
        source: The repository itself, where a test needs it before the first run; instead of `files`.
        more_sources: Further sources of the same tenant.
        url: Another database than one on SQLite in that folder.
    """
    clock = FakeClock()
    async with open_url(url, clock) if url is not None else open_store(tmp_path, clock) as store:
        fleet = Fleet([LiveBot(id=key, config=copy.deepcopy(dict(value))) for key, value in live.items()])
        target = FakeTarget(fleet, clock)
        writer = FakeWriter(target)
        source = source or FakeSource(files)
        dispatcher = LocalDispatcher(grace=0)
        ids = itertools.count(1)
        engine = Engine(
            store=store,
            clock=clock,
            dispatcher=dispatcher,
            new_id=lambda kind: f"{kind}_{next(ids):05d}",
            sources={
                name: source_binding(name, TENANT, f"memory:{name}", "main", port, drift_interval=timedelta(minutes=15))
                for name, port in {SOURCE: source, **(more_sources or {})}.items()
            },
            tenants={TENANT: tenant_binding(TENANT, target, read_only=read_only)},
            policy=policy or Policy(),
        )
        applier = ApplyExecutor(engine, {} if read_only else {TENANT: writer}, "process_1")
        recoverer = Recovery(engine, applier)
        dispatcher.handlers = handlers(engine, applier, recoverer)
        jobs = asyncio.create_task(dispatcher.run())
        made = World(engine, clock, dispatcher, source, target, writer, applier, recoverer)
        try:
            await start_up(engine, only_process=True)
            await made.idle()
            yield made
        finally:
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs
