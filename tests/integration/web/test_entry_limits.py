"""What a person causes without deciding anything fills the audit log no further than a hundred rows an hour."""

from dataclasses import replace

import httpx
import pytest

from reconciler.domain.access import Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.entities import RunStatus, Trigger
from reconciler.engine.audit.entries import record_omitted
from reconciler.engine.audit.entry_limits import MAX_ENTRIES, WINDOW_SECONDS
from reconciler.engine.context import Actor
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

OWN = {"Origin": "http://127.0.0.1:8080"}
MORE = 7


async def entries(house: House, action: str = "") -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries() if not action or entry.action == action]


async def be_refused(client: httpx.AsyncClient, times: int) -> None:
    for _ in range(times):
        answer = await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": "f" * 64})
        assert answer.status_code == 403


async def test_refusals_beyond_the_limit_are_counted_and_told_in_one_row(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        await be_refused(client, MAX_ENTRIES + MORE)
        missing = await client.post("/api/v1/plans/none/reject", json={"fingerprint": "f" * 64, "comment": "x"})
        assert missing.status_code in {403, 404}
    assert len(await entries(house)) == MAX_ENTRIES
    await record_omitted(house.engine)
    assert len(await entries(house)) == MAX_ENTRIES, "as long as the hour lasts"

    house.clock.advance(WINDOW_SECONDS)
    await record_omitted(house.engine)
    await record_omitted(house.engine)
    (said,) = await entries(house, "audit.omitted")
    assert (said.actor, said.subject) == ("reconciler", "person/viewer")
    assert said.detail["omitted"] == {"plan.approve.refused": MORE, "plan.reject.refused": 1}
    assert said.detail["message"] == (
        f"and {MORE + 1} more since 2026-03-01 12:00 UTC: {MORE} plan.approve.refused, 1 plan.reject.refused"
    )
    async with house.client("wzr_viewer") as client:
        await be_refused(client, 1)
    assert (await entries(house))[-1].action == "plan.approve.refused"


async def test_a_new_hour_forgets_nothing_of_the_one_before(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for _ in range(2):
            await be_refused(client, MAX_ENTRIES + 1)
            house.clock.advance(WINDOW_SECONDS)
    await record_omitted(house.engine)
    assert [dict(said.detail["omitted"]) for said in await entries(house, "audit.omitted")] == [
        {"plan.approve.refused": 1}
    ] * 2


async def test_of_one_person_all_credentials_count_together_and_of_another_none(house: House) -> None:
    await house.add_token("ann", Role.VIEWER)
    await house.add_token("ANN", Role.VIEWER)
    async with house.client("wzr_ann") as one, house.client("wzr_ANN") as two, house.client("wzr_viewer") as other:
        await be_refused(one, MAX_ENTRIES)
        await be_refused(two, MORE)
        await be_refused(other, 1)
    by_person = [entry.actor for entry in await entries(house)]
    assert (by_person.count("ann"), by_person.count("ANN"), by_person.count("viewer")) == (MAX_ENTRIES, 0, 1)


async def test_signing_in_and_out_is_limited_and_goes_on(house: House) -> None:
    async with house.client() as client:
        for _ in range(MAX_ENTRIES):
            answer = await client.post("/login", data={"token": "wzr_viewer"}, headers=OWN)
            assert answer.status_code == 303
            assert (await client.get("/api/v1/me")).status_code == 200
            assert (await client.post("/logout", headers=OWN)).status_code == 303
    assert len(await entries(house)) == MAX_ENTRIES
    await record_omitted(house.engine, at_stop=True)
    (said,) = await entries(house, "audit.omitted")
    assert said.detail["omitted"] == {"login": MAX_ENTRIES // 2, "logout": MAX_ENTRIES // 2}


async def test_links_are_limited_and_decisions_are_not(house: House) -> None:
    async with house.client("wzr_approver") as client:
        for _ in range(MAX_ENTRIES + MORE):
            answer = await client.post("/plans/plan_1/link", data={"lifetime": "1h"}, headers=OWN)
            assert answer.status_code < 400, answer.text
        assert len(await entries(house, "plan.link")) == MAX_ENTRIES
        answer = await client.post("/api/v1/plans/plan_1/approve", json={"fingerprint": "f" * 64})
        assert answer.status_code == 200
    assert (await entries(house, "plan.approve"))[-1].actor == "approver"


async def test_what_could_not_be_written_is_told_later(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        await be_refused(client, MAX_ENTRIES + MORE)
    beside = house.engine.entry_limits.ended(0.0, all_of_them=True)
    assert [dict(each.counts) for each in beside] == [{"plan.approve.refused": MORE}]
    await record_omitted(house.engine)
    assert len(await entries(house, "audit.omitted")) == 1
    assert house.engine.entry_limits.ended(0.0, all_of_them=True) == []


async def test_asking_for_a_refresh_again_and_again_fills_no_log(house: House) -> None:
    async with house.client("wzr_operator") as client:
        for _ in range(MAX_ENTRIES + MORE):
            assert (await client.post("/api/v1/sources/main/refresh")).status_code == 202
    assert len(await entries(house, "source.refresh")) == MAX_ENTRIES


async def test_a_delivery_that_is_sent_again_for_ever_fills_no_log(house: House) -> None:
    sender = Actor("webhook/main", Role.OPERATOR, None, ("main",), "127.0.0.1")
    for _ in range(MAX_ENTRIES + MORE):
        run = await request_refresh(house.engine, sender, "main", Trigger.WEBHOOK, full=False)
        async with house.store.begin() as uow:
            await uow.runs.save(replace(run, status=RunStatus.SUCCEEDED))
    assert len(await entries(house, "source.refresh")) == MAX_ENTRIES
