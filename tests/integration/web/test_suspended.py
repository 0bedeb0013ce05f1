"""What is suspended keeps its own reason in every answer and on every page; the suspension stands beside it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.domain.entities import SourceState
from reconciler.domain.status import Reason, Sync
from tests.integration.web.conftest import REVISION, House
from tests.integration.web.test_fleet_pages import untrusted
from tests.integration.web.test_suspend_pages import signed_in

pytestmark = pytest.mark.anyio

FREEZE = {"scope": "source/main", "reason": "release freeze"}
GATED = "it deletes 3 items, more than policy.max_deletes = 0"


async def gate(house: House) -> None:
    """Have the plan of bot_1 wait for its delete override, and the chatbot show that."""
    async with house.store.begin() as uow:
        plan, chatbot = await uow.plans.get("plan_1"), await uow.chatbots.get("acme", "bot_1")
        assert plan is not None
        assert chatbot is not None
        because = f"The plan takes away more than the policy lets pass. Because {GATED}."
        told = {"reason": Reason.BLOCKED_BY_DELETE_GATE, "message": because}
        await uow.plans.save(replace(plan, **told, delete_override=GATED))
        await uow.chatbots.save(replace(chatbot, **told, fault=None, sync=Sync.OUT_OF_SYNC))


async def ids(house: House, reason: Reason) -> Sequence[str]:
    async with house.client("wzr_viewer") as client:
        answer = await client.get("/api/v1/chatbots", params={"reason": reason})
    return [each["id"] for each in answer.json()["items"]]


async def test_json_has_the_suspension_beside_the_reason(house: House) -> None:
    await gate(house)
    async with house.client("wzr_operator") as client:
        made = (await client.post("/api/v1/suspend", json=FREEZE)).json()
        stopped = [
            (await client.get("/api/v1/chatbots/bot_1")).json(),
            (await client.get("/api/v1/chatbots?source=main")).json()["items"][0],
            (await client.get("/api/v1/plans/plan_1")).json(),
            (await client.get("/api/v1/plans?source=main")).json()["items"][0],
            (await client.get("/api/v1/chatbots/bot_1/history")).json()["items"][0],
        ]
        free = [
            (await client.get("/api/v1/chatbots/bot_2")).json(),
            (await client.get("/api/v1/plans/plan_2")).json(),
        ]
        counted = (await client.get("/api/v1/status")).json()["chatbots"]

    for each in stopped:
        assert each["suspension"] == made
        assert "release freeze" not in each["message"]
    assert [each["suspension"] for each in free] == [None, None]
    assert counted["reason"]["Suspended"] == 1
    assert counted["total"] == 3


async def test_a_chatbot_is_found_by_its_reason_and_by_its_suspension(house: House) -> None:
    async with house.client("wzr_operator") as client:
        own = (await client.get("/api/v1/chatbots/bot_1")).json()["reason"]
        await client.post("/api/v1/suspend", json={"scope": "chatbot/bot_1", "reason": "look at it"})
        reason = (await client.get("/api/v1/chatbots/bot_1")).json()["reason"]
        counts = (await client.get("/api/v1/status")).json()["chatbots"]["reason"]

    assert reason == own
    assert "bot_1" in await ids(house, reason)
    assert await ids(house, Reason.SUSPENDED) == ["bot_1"]
    for each, count in counts.items():
        assert len(await ids(house, each)) == count, each


async def test_a_fault_and_a_suspension_are_told_both(house: House) -> None:
    async with house.client("wzr_operator") as client:
        await client.post("/api/v1/suspend", json={"scope": "all", "reason": "release freeze"})
        unchecked = (await client.get("/api/v1/chatbots/bot_3")).json()
    assert (unchecked["reason"], unchecked["suspension"]["scope"]) == ("NotChecked", "all")


async def test_of_several_suspensions_the_widest_stands_and_the_next_follows_it(house: House) -> None:
    scopes = ["chatbot/bot_1", "source/main", "tenant/acme", "all"]
    shown = list[str]()
    async with house.client("wzr_operator") as client:
        for scope in scopes:
            await client.post("/api/v1/suspend", json={"scope": scope, "reason": "freeze"})
        for scope in reversed(scopes):
            shown.append((await client.get("/api/v1/chatbots/bot_1")).json()["suspension"]["scope"])
            await client.post("/api/v1/resume", json={"scope": scope})
        ended = (await client.get("/api/v1/chatbots/bot_1")).json()["suspension"]
    assert shown == scopes[::-1]
    assert ended is None


async def test_another_reason_of_a_suspension_shows_at_once(house: House) -> None:
    async with house.client("wzr_operator") as client:
        await client.post("/api/v1/suspend", json=FREEZE)
        first = await client.get("/api/v1/chatbots/bot_1")
        await client.post("/api/v1/suspend", json=FREEZE | {"reason": "campaign"})
        again = await client.get("/api/v1/chatbots/bot_1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.json()["suspension"]["reason"]) == (200, "campaign")


async def test_a_source_that_cannot_be_read_says_both(house: House) -> None:
    async with house.store.begin() as uow:
        main = await uow.sources.get("main")
        assert main is not None
        await uow.sources.save(replace(main, state=SourceState.UNKNOWN, cause="Unreachable", message="No route."))
    async with house.client("wzr_operator") as client:
        await client.post("/api/v1/suspend", json={"scope": "tenant/acme", "reason": "release freeze"})
        one = (await client.get("/api/v1/sources/main")).json()
        listed = (await client.get("/api/v1/sources")).json()["items"]
        counted = (await client.get("/api/v1/status")).json()["sources"]
    assert (one["state"], one["message"], one["suspension"]["scope"]) == ("Unknown", "No route.", "tenant/acme")
    assert listed == counted
    assert [(each["state"], each["suspension"]["scope"]) for each in listed] == [
        ("Unknown", "tenant/acme"),
        ("Suspended", "tenant/acme"),
    ]
    async with signed_in(house, "viewer") as viewer:
        page = (await viewer.get("/sources")).text
    assert "<b>Applies of the tenant acme are suspended</b> by operator" in page
    assert "No route." in page


async def test_pages_say_the_reason_and_the_suspension(house: House) -> None:
    await gate(house)
    async with signed_in(house, "operator") as client:
        await client.post("/suspend", data={**FREEZE, "back": "/"})
        # deriving it anew from ops that delete nothing opened the gate
        await gate(house)
        pages = {
            path: (await client.get(path)).text for path in ("/", "/plans", "/plans/plan_1", "/chatbots/acme/bot_1")
        }
    for path, page in pages.items():
        assert GATED in page, path
    for path in ("/", "/plans", "/chatbots/acme/bot_1"):
        assert '<span aria-hidden="true">‖</span> suspended</span>' in pages[path], path
    assert "<b>Applies of the source main are suspended</b> by operator" in pages["/plans/plan_1"]


@pytest.mark.parametrize("media", ["text/plain", "text/markdown"])
async def test_a_plan_to_read_says_what_stops_it(house: House, media: str) -> None:
    async with house.client("wzr_operator") as client:
        free = (await client.get("/api/v1/plans/plan_1", headers={"Accept": media})).text
        await client.post("/api/v1/suspend", json=FREEZE)
        stopped = (await client.get("/api/v1/plans/plan_1", headers={"Accept": media})).text
    said = "Applies of the source main are suspended: release freeze."
    assert (said in free, said in stopped) == (False, True)


async def test_an_accepted_source_shows_as_everywhere_else(house: House) -> None:
    await untrusted(house)
    async with house.client("wzr_approver") as client:
        await client.post("/api/v1/suspend", json=FREEZE)
        await client.post("/api/v1/suspend", json={"scope": "tenant/acme", "reason": "campaign"})
        accepted = await client.post("/api/v1/sources/main/accept", json={"revision": REVISION, "reason": "looked at"})
        again = await client.post("/api/v1/sources/main/accept", json={"revision": "d" * 40, "reason": "looked at"})
        shown = (await client.get("/api/v1/sources/main")).json()
        chatbot = (await client.get("/api/v1/chatbots/bot_1")).json()
    answer = accepted.json()
    assert answer.pop("orphaned") == []
    assert answer == shown
    assert (shown["state"], shown["message"]) == ("Suspended", "the tenant acme: campaign")
    assert shown["suspension"] == chatbot["suspension"]
    assert again.json()["code"] == "nothing_to_accept"
    assert again.json()["detail"] == f"nothing of the source main is in doubt: {REVISION} stands"


async def test_a_source_that_was_never_looked_at_has_no_revision_that_stands(house: House) -> None:
    async with house.store.begin() as uow:
        main = await uow.sources.get("main")
        assert main is not None
        await uow.sources.save(replace(main, good_revision=None))
    async with house.client("wzr_approver") as client:
        refused = await client.post("/api/v1/sources/main/accept", json={"revision": REVISION, "reason": "looked at"})
    assert refused.json()["detail"] == "nothing of the source main is in doubt: it was not looked at yet"


async def test_the_fleet_page_counts_sources_by_the_word_of_their_state(house: House) -> None:
    await untrusted(house)
    async with signed_in(house, "viewer") as client:
        page = (await client.get("/")).text
    assert '2 sources, <strong class="lost">1 unknown</strong>' in page
    assert '<span aria-hidden="true">?</span> unknown</span> HistoryRewritten' in page
