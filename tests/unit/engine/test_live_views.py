"""What is live, read for somebody who looks: rarely, within a limit, and every failure in words."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.live_views import KEPT, LiveViews
from reconciler.errors import TargetUnreachable
from reconciler.ports import Purpose
from tests.fakes.clock import FakeClock
from tests.fakes.target import FakeTarget
from tests.support.defaults import tenant_binding
from tests.support.world import BOT, TENANT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def given(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as made:
        made.target.calls.clear()
        yield made


class Hanging(FakeTarget):
    """A WizChat that never answers."""

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return await super().export(chatbot_id)


async def test_what_is_live_is_read_once_within_seconds(given: World) -> None:
    looks = LiveViews(given.engine)
    first, second = await asyncio.gather(looks.get(TENANT, BOT, "ann"), looks.get(TENANT, BOT, "ann"))
    assert first.exported is not None
    assert first.exported.body["spec"]["core"]["name"] == "Acme"
    assert second == first
    assert given.target.calls == [("export", BOT)]

    given.edit_live(core={"name": "Other"})
    given.clock.advance(KEPT.total_seconds() + 1)
    later = await looks.get(TENANT, BOT, "ann")
    assert later.exported is not None
    assert later.exported.body["spec"]["core"]["name"] == "Other"
    assert later.at - first.at == KEPT + timedelta(seconds=1)


@pytest.mark.parametrize("jump", [-86_400, 86_400])
async def test_what_is_live_is_kept_for_seconds_whatever_the_wall_clock_says(given: World, jump: int) -> None:
    looks = LiveViews(given.engine)
    await looks.get(TENANT, BOT, "ann")
    given.clock.jump(jump)
    given.clock.advance(KEPT.total_seconds() - 1)
    await looks.get(TENANT, BOT, "ann")
    assert given.target.calls == [("export", BOT)]
    given.clock.advance(1)
    await looks.get(TENANT, BOT, "ann")
    assert given.target.calls == [("export", BOT)] * 2


async def test_a_failure_is_said_and_not_asked_for_again_at_once(given: World) -> None:
    given.target.fail(TargetUnreachable("WizChat cannot be reached: check base_url and the network"), BOT, times=None)
    looks = LiveViews(given.engine)
    views = [await looks.get(TENANT, BOT, "ann") for _ in range(3)]
    assert {view.failure for view in views} == {"WizChat cannot be reached: check base_url and the network"}
    assert given.target.calls == [("export", BOT)]


async def test_nobody_waits_for_ever(given: World) -> None:
    tenants = {TENANT: tenant_binding(TENANT, Hanging())}
    looks = LiveViews(replace(given.engine, tenants=tenants), seconds=0.05)
    views = await asyncio.gather(*(looks.get(TENANT, f"bot_{number}", "ann") for number in range(5)))
    assert all("did not answer within 0.05 s" in str(view.failure) for view in views)


async def test_a_tenant_that_is_gone_is_said_to_be(given: World) -> None:
    view = await LiveViews(given.engine).get("gone", BOT, "ann")
    assert (view.exported, "is not configured" in str(view.failure)) == (None, True)
    assert isinstance(given.clock, FakeClock)


async def test_one_person_cannot_look_for_ever_and_takes_nothing_from_another(given: World) -> None:
    tenants = {TENANT: replace(given.engine.tenants[TENANT], live_views_per_hour=2)}
    looks = LiveViews(replace(given.engine, tenants=tenants))

    async def look(person: str) -> str | None:
        given.clock.advance(KEPT.total_seconds() + 1)
        return (await looks.get(TENANT, BOT, person)).failure

    assert [await look("Ann"), await look("ann")] == [None, None]
    refused = await look("ANN")
    assert "as many as live_views_per_hour lets: try again in 60 min" in str(refused)
    assert await look("ben") is None
    assert len(given.target.calls) == 3
    assert {(each.purpose, each.name) for each in given.target.spenders[-3:]} == {
        (Purpose.LIVE_VIEW, "ann"),
        (Purpose.LIVE_VIEW, "ben"),
    }
    given.clock.advance(3600)
    assert await look("ann") is None
