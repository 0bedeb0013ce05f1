"""Sources that claim the same chatbot at the same moment, on every database."""

import asyncio
from itertools import count

import pytest

from api_client.sandbox import Chatbot as LiveBot
from api_client.sandbox import Fleet
from reconciler.domain.entities import RunStatus
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.run import run_refresh
from reconciler.engine.reconcile.schedule import start_up
from reconciler.runtime.dispatch import LocalDispatcher
from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.fakes.source import FakeSource
from tests.fakes.target import FakeTarget
from tests.support.defaults import source_binding, tenant_binding
from tests.support.world import BOT, TENANT, document, spec

pytestmark = pytest.mark.anyio

NAMES = [f"source_{number}" for number in range(5)]


async def test_one_source_has_the_chatbot_and_every_run_succeeds(store: Store, clock: FakeClock) -> None:
    numbers = count(1)
    target = FakeTarget(Fleet([LiveBot(id=BOT, config=spec())]), clock)
    engine = Engine(
        store=store,
        clock=clock,
        dispatcher=LocalDispatcher(grace=0),
        new_id=lambda kind: f"{kind}_{next(numbers):05d}",
        sources={
            name: source_binding(
                name, TENANT, f"memory:{name}", "main", FakeSource({f"chatbots/{name}.json": document(spec(), BOT)})
            )
            for name in NAMES
        },
        tenants={TENANT: tenant_binding(TENANT, target)},
    )
    await start_up(engine, only_process=False)
    runs = await asyncio.gather(*(run_refresh(engine, name) for name in reversed(NAMES)))
    assert {run.status for run in runs if run is not None} == {RunStatus.SUCCEEDED}
    async with store.read() as uow:
        chatbot = await uow.chatbots.get(TENANT, BOT)
        claims = {name: len(await uow.documents.of_source(name)) for name in NAMES}
    assert chatbot is not None
    assert chatbot.source == NAMES[0]
    assert claims == dict.fromkeys(NAMES, 1)
