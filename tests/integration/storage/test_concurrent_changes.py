"""On PostgreSQL somebody else may write between what a transaction reads and what it saves: nothing is lost by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.domain.entities import Run, RunStatus, Trigger
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import SourceCause
from reconciler.storage import UnitOfWork
from tests.support.meanwhile import BusySource, BusyTarget, BusyWriter
from tests.support.postgres import until_somebody_waits
from tests.support.store import open_url
from tests.support.world import BOT, SOURCE, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LIVE = {BOT: spec(prompt="old")}
FILES = {path_of(): document(spec())}
CHANGED = datetime(2020, 1, 1, tzinfo=UTC)

Change = Callable[[UnitOfWork], Awaitable[object]]


@pytest.fixture
def database_kind() -> str:
    """SQLite lets one transaction write at a time."""
    return "postgresql"


@asynccontextmanager
async def another(w: World, url: str) -> AsyncIterator[Callable[[Change], Awaitable[None]]]:
    """Somebody else who, when called, changes something and commits it only when somebody waits for that."""
    tasks: list[asyncio.Task[None]] = []
    async with open_url(url, w.clock) as store:

        async def hold(change: Change, changed: asyncio.Event) -> None:
            async with store.begin() as uow:
                await change(uow)
                changed.set()
                await until_somebody_waits(url)

        async def begin(change: Change) -> None:
            changed = asyncio.Event()
            tasks.append(asyncio.create_task(hold(change, changed)))
            await changed.wait()

        yield begin
        await asyncio.gather(*tasks)


async def configure(uow: UnitOfWork) -> None:
    record = await uow.sources.get(SOURCE)
    assert record is not None
    await uow.sources.save(replace(record, configured_at=CHANGED))


async def test_a_run_ends_though_its_source_is_changed_at_that_moment(tmp_path: Path, store_url: str) -> None:
    async with world(tmp_path, LIVE, FILES, url=store_url) as w, another(w, store_url) as somebody:
        tenant = w.engine.tenants[TENANT]
        w.switch_tenants({TENANT: replace(tenant, target=BusyTarget(w.target, lambda: somebody(configure)))})
        run = await w.refresh()
        assert (run.status, run.finished_at is not None) == (RunStatus.SUCCEEDED, True)
        assert (await w.source_record()).configured_at == CHANGED


async def test_why_a_source_is_not_trusted_is_kept_though_it_is_changed_at_that_moment(
    tmp_path: Path, store_url: str
) -> None:
    source = BusySource(FILES)
    async with world(tmp_path, LIVE, {}, source=source, url=store_url) as w, another(w, store_url) as somebody:
        source.fail(SourceCause.UNREACHABLE)
        source.meanwhile = lambda: somebody(configure)
        run = await w.refresh()
        record = await w.source_record()
        assert (run.status, record.cause, record.configured_at) == (RunStatus.FAILED, "Unreachable", CHANGED)
        assert "interrupted" not in (run.message or "")


async def test_who_asks_for_a_run_at_the_same_moment_shares_it(tmp_path: Path, store_url: str) -> None:
    async with world(tmp_path, LIVE, FILES, url=store_url) as w, another(w, store_url) as somebody:
        queued = Run(
            id="run_other",
            source=SOURCE,
            trigger=Trigger.SCHEDULE,
            full=False,
            status=RunStatus.QUEUED,
            created_at=w.clock.now(),
        )
        await somebody(lambda uow: uow.runs.add(queued))
        run = await request_refresh(w.engine, PROGRAM, SOURCE, Trigger.SCHEDULE, full=False)
        assert run.id == "run_other"
        await w.idle()


async def test_how_an_apply_ended_is_known_though_its_chatbot_is_changed_at_that_moment(
    tmp_path: Path, store_url: str
) -> None:
    async with world(tmp_path, LIVE, FILES, url=store_url) as w, another(w, store_url) as somebody:

        async def label(uow: UnitOfWork) -> None:
            chatbot = await uow.chatbots.get(TENANT, BOT)
            assert chatbot is not None
            await uow.chatbots.save(replace(chatbot, labels={"by": "somebody else"}))

        w.applier.writers = {TENANT: BusyWriter(w.writer, after=lambda: somebody(label))}
        plan = await w.open_plan()
        await w.approve(plan)
        apply = await w.apply(plan)
        assert (apply.status, (await w.chatbot()).labels) == (ApplyStatus.APPLIED, {"by": "somebody else"})
        assert "apply.outcomeunknown" not in [entry.action for entry in await w.audit()]
        assert len(w.writer.writes) == 1
