"""What is gone for its age is said to be gone, in words; and what was removed, and what is left, is in the metrics."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from reconciler.domain.retention import Expiring
from reconciler.engine.clock_health import ClockWatch, TickHealth
from reconciler.engine.retention import StorageState
from reconciler.storage import DatabaseSize
from reconciler.web.app import create_app
from reconciler.web.auth.signed_links import sign
from reconciler.web.monitoring.vitals import Vitals
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("what", ["plan", "run", "apply"])
async def test_the_api_says_what_is_no_longer_kept(house: House, what: str) -> None:
    name = {"plan": "plans", "run": "runs", "apply": "applies"}[what]
    async with house.client("wzr_viewer") as client:
        answer = await client.get(f"/api/v1/{name}/{what}_gone")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    setting = "data.runs" if what == "run" else "data.plans"
    expected = f"there is no {what} '{what}_gone', or it is no longer kept: what ended goes after {setting}"
    assert answer.json()["detail"] == expected


@pytest.mark.parametrize("path", ["/plans/plan_gone", "/runs/run_gone"])
async def test_the_pages_say_so_too(house: House, path: str) -> None:
    async with house.client("wzr_viewer") as client:
        answer = await client.get(path, headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert "it is no longer kept" in answer.text


async def test_who_follows_a_link_to_a_plan_that_is_gone_is_told(house: House) -> None:
    link = sign(house.settings.link_key, "plan_gone", house.clock.now() + timedelta(days=1))
    assert urlsplit(link).path == "/plans/plan_gone"
    async with house.client() as client:
        answer = await client.get(link, headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert "it is no longer kept" in answer.text


@pytest.mark.parametrize(("size", "told"), [(DatabaseSize(4096, 1024), True), (DatabaseSize(4096, None), False)])
async def test_the_metrics_tell_the_size_and_what_was_removed(house: House, size: DatabaseSize, *, told: bool) -> None:
    storage = StorageState(size)
    storage.removed[Expiring.RUNS] += 7
    vitals = Vitals(TickHealth(house.clock, 5.0), ClockWatch(house.clock), storage=storage)
    async with house.client(app=create_app(house.engine, settings=house.settings, vitals=vitals)) as client:
        lines = (await client.get("/metrics")).text.splitlines()

    assert "reconciler_database_bytes 4096.0" in lines
    assert ("reconciler_database_free_bytes 1024.0" in lines) is told
    assert 'reconciler_rows_removed_total{what="runs"} 7.0' in lines
    assert 'reconciler_rows_removed_total{what="plans"} 0.0' in lines
