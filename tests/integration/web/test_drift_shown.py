"""How chatbots are compared is shown where people look, and an admin turns the shortcut on again there."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.status import CheckedBy
from reconciler.domain.tenant import TenantRecord
from tests.fakes.clock import START
from tests.integration.web.conftest import House, signed_in
from tests.support.records import a_chatbot

pytestmark = pytest.mark.anyio

CAUSE = "1 of 20 chatbots changed at WizChat, and their updatedAt did not"
OFF = TenantRecord(name="acme", shortcut_off_since=START, shortcut_off_reason=CAUSE)


@pytest.fixture
async def compared(house: House) -> House:
    """A house with chatbots that were compared for several reasons."""
    reasons = [CheckedBy.ROTATION, CheckedBy.ROTATION, CheckedBy.MOVED, None]
    async with house.store.begin() as uow:
        for number, reason in enumerate(reasons):
            bot = a_chatbot(f"seen_{number}", source="main", checked_at=START - timedelta(hours=number))
            await uow.chatbots.add(replace(bot, fault=None, checked_digest="d" * 64, checked_by=reason))
        await uow.chatbots.add(a_chatbot("failed", source="main", checked_at=START - timedelta(days=9)))
    return house


async def test_a_source_says_for_which_reasons_and_how_long_ago(compared: House) -> None:
    async with compared.client("wzr_viewer") as client:
        (source,) = [each for each in (await client.get("/api/v1/sources")).json()["items"] if each["name"] == "main"]
        one = (await client.get("/api/v1/sources/main")).json()
        (status,) = [each for each in (await client.get("/api/v1/status")).json()["sources"] if each["name"] == "main"]
        metrics = (await client.get("/metrics")).text

    by = {"commit": 0, "retry": 0, "moved": 1, "rotation": 2, "full": 0, "apply": 0}
    assert source["checks"] == {"by": by, "oldest_at": "2026-03-01T09:00:00Z"}
    assert one["checks"] == status["checks"] == source["checks"]
    assert 'reconciler_chatbots_checked_by{reason="rotation",source="main"} 2.0' in metrics
    oldest = re.search(r'reconciler_oldest_check_timestamp_seconds\{source="main"\} (\S+)', metrics)
    assert oldest is not None
    assert float(oldest[1]) == (START - timedelta(hours=3)).timestamp()
    async with signed_in(compared) as client:
        text = (await client.get("/sources")).text
    assert "<dt>Compared last</dt><dd>2 in rotation, 1 as WizChat&#39;s list said</dd>" in text
    assert re.search(r"<dt>Oldest comparison</dt><dd><time [^>]*>3 h ago</time></dd>", text)


async def test_a_source_of_which_nothing_was_compared_says_so(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        checks = (await client.get("/api/v1/sources/side")).json()["checks"]
    assert (set(checks["by"].values()), checks["oldest_at"]) == ({0}, None)


async def test_where_updated_at_is_not_trusted_it_is_told(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(OFF)
    async with house.client("wzr_viewer") as client:
        (tenant,) = (await client.get("/api/v1/status")).json()["tenants"]
        metrics = (await client.get("/metrics")).text
    assert (tenant["shortcut_off_since"], tenant["shortcut_off_reason"]) == ("2026-03-01T12:00:00Z", CAUSE)
    assert 'reconciler_tenant_shortcut{tenant="acme"} 0.0' in metrics
    async with signed_in(house) as client:
        text = (await client.get("/sources")).text
    assert "updatedAt of the tenant acme is not trusted" in text
    assert CAUSE in text


async def test_an_admin_turns_it_on_again_by_the_api(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(OFF)
    async with house.client("wzr_admin") as client:
        for _ in range(2):
            answer = await client.post("/api/v1/tenants/acme/shortcut", json={"reason": "they mended it"})
            assert (answer.status_code, answer.json()["shortcut_off_since"]) == (200, None)
        assert (await client.post("/api/v1/tenants/none/shortcut", json={"reason": "x"})).status_code == 404
    async with house.store.read() as uow:
        rows = [entry async for entry in uow.audit.entries() if entry.action == "tenant.shortcut_on"]
    assert [(row.actor, row.detail["reason"]) for row in rows] == [("admin", "they mended it")]


async def test_an_admin_turns_it_on_again_on_the_page(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(OFF)
    async with signed_in(house, "admin") as client:
        text = (await client.get("/sources")).text
        assert 'action="/tenants/acme/shortcut"' in text
        refused = await client.post("/tenants/acme/shortcut", data={"reason": " "})
        assert (refused.status_code, "correct these fields: reason" in refused.text) == (422, True)
        done = await client.post("/tenants/acme/shortcut", data={"reason": "they mended it"})
        assert (done.status_code, done.headers["location"]) == (303, "/sources")
        assert "is not trusted" not in (await client.get("/sources")).text


async def test_others_are_told_that_they_may_not(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(OFF)
    async with signed_in(house) as client:
        text = (await client.get("/sources")).text
    assert "You cannot turn the shortcut on again: this needs the role admin" in text
    assert 'action="/tenants/acme/shortcut"' not in text
