"""A plan of very many ops keeps nobody waiting: what takes the longer, the larger it is, is no work of the event loop.

The whole service runs in this thread, but for the threads that it has by purpose; the sandbox and git run in others. So
the lines that this thread executes are the event loop's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from reconciler.engine.access.tokens import ensure_bootstrap
from reconciler.engine.reconcile.schedule import start_up
from reconciler.runtime.bootstrap.service import Service, open_service
from reconciler.settings.input import load_settings
from tests.support.service import TOKEN, smallest, stage
from tests.support.waiting import PATIENCE
from tests.support.work import counted
from tests.support.world import BOT, document, path_of, spec

pytestmark = pytest.mark.anyio

FEW, MANY = 250, 1_000
MOST_LINES: Final = 100_000_000
GROWTH: Final = 1.25
"""Four times as many ops may be so many times as many lines of the event loop: it hands them on in larger pieces."""

STEPS: Final = ("compared", "read", "page", "text", "approved", "applied", "read again", "page again")


@dataclass
class House:
    """A service in this thread, and a client of it.

    Attributes:
        lines: Step → how many lines the event loop's thread executed for it.
    """

    service: Service
    client: httpx.AsyncClient
    lines: dict[str, int] = field(default_factory=dict)

    async def step(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask for something, and wait until all that follows from it is done."""
        with self._counting(name):
            response = await self.client.request(method, path, **more)
            await self.idle()
        assert response.is_success, response.text
        return response

    async def compare(self) -> None:
        with self._counting("compared"):
            await start_up(self.service.engine, only_process=True)
            await self.idle()

    async def idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.service.dispatcher.idle()

    @contextmanager
    def _counting(self, name: str) -> Iterator[None]:
        with counted(MOST_LINES) as work:
            yield
        self.lines[name] = work.lines


@asynccontextmanager
async def house(environ: dict[str, str]) -> AsyncIterator[House]:
    settings = load_settings(environ)
    async with open_service(settings) as service:
        await ensure_bootstrap(service.engine, TOKEN)
        jobs = asyncio.create_task(service.dispatcher.run())
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "gzip"}
        transport = httpx.ASGITransport(app=service.app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                yield House(service, client)
        finally:
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs


def skill(number: int, how: str) -> dict[str, Any]:
    return {"name": f"skill {number:05}", "mode": "on_demand", "body": f"Answer {number} {how}.\nBe brief.\n"}


async def lines_of(folder: Path, count: int) -> dict[str, int]:
    """Have a plan of so many updates made, looked at, approved and applied; step → lines of the event loop."""
    live = [{"id": f"skill_{number}", **skill(number, "kindly")} for number in range(count)]
    wanted = [skill(number, "quickly") for number in range(count)]
    files = {path_of(): document(spec(skills=wanted))}
    with stage(folder, {BOT: spec(skills=live)}, files) as s:
        async with house(smallest(s.sandbox, s.remote, folder)) as h:
            await h.compare()
            listed = (await h.client.get("/api/v1/plans")).json()["items"]
            path = f"/plans/{listed[0]['id']}"
            plan = (await h.step("read", "GET", f"/api/v1{path}")).json()
            assert len(plan["ops"]) == count
            await h.step("page", "GET", path)
            await h.step("text", "GET", f"/api/v1{path}", headers={"Accept": "text/plain"})
            seen = {"fingerprint": plan["fingerprint"]}
            await h.step("approved", "POST", f"/api/v1{path}/approve", json=seen)
            await h.step("applied", "POST", f"/api/v1{path}/apply", json=seen)
            after = (await h.step("read again", "GET", f"/api/v1{path}")).json()
            assert after["status"] == "Applied"
            await h.step("page again", "GET", path)
            return h.lines


async def test_the_event_loop_has_the_same_work_with_a_plan_however_large(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folders = [tmp_path_factory.mktemp(name) for name in ("few", "many")]
    few, many = [await lines_of(folder, count) for folder, count in zip(folders, (FEW, MANY), strict=True)]
    assert tuple(many) == STEPS
    grown = {step: (few[step], lines) for step, lines in many.items() if lines > GROWTH * few[step]}
    assert grown == {}, f"lines of the event loop's thread with {FEW} and with {MANY} ops"
