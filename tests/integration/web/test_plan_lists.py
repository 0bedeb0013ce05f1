"""The list of plans, and the same change on many chatbots."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from reconciler.domain.direction import DirectedOp
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.integration.web.test_plan_page import (
    GIT,
    LIVE,
    NEW_PROMPT,
    OLD_PROMPT,
    PROMPT,
    REFUNDS,
    SERVER,
    signed_in,
    update,
    words,
)
from tests.support.records import a_chatbot, a_plan

pytestmark = pytest.mark.anyio

CHANGE = "d" * 64
NASTY = "<script>alert(1)</script>\u202e"


@pytest.fixture
async def approver(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(house, "approver") as client:
        yield client


async def group(
    house: House, *chatbots: str, op: DirectedOp = PROMPT, change: str = CHANGE, source: str = "main"
) -> None:
    async with house.store.begin() as uow:
        for chatbot in chatbots:
            plan = a_plan(f"plan_{chatbot}", chatbot_id=chatbot, ops=(op,), change=change, source=source)
            await uow.plans.add(replace(plan, fingerprint=chatbot * 16))
            await uow.chatbots.add(a_chatbot(chatbot, source=source, plan_id=plan.id, name=f"Name of {chatbot}"))


def item(chatbot: str) -> str:
    return f"plan_{chatbot} {chatbot * 16}"


async def test_open_plans_are_listed_unless_others_are_asked_for(house: House, approver: httpx.AsyncClient) -> None:
    done = a_plan("plan_3", chatbot_id="bot_3", status=PlanStatus.APPLIED, closed_at=START)
    async with house.store.begin() as uow:
        await uow.plans.add(done)

    async def listed(query: str) -> set[str]:
        return set(re.findall(r'href="/plans/(plan_\d)"', (await approver.get(f"/plans{query}")).text))

    assert await listed("") == {"plan_1", "plan_2"}
    assert await listed("?status=all") == {"plan_1", "plan_2", "plan_3"}
    assert await listed("?status=closed") == {"plan_3"}
    assert await listed("?status=Applied") == {"plan_3"}
    assert await listed("?status=Expired") == set()
    assert await listed("?status=&source=side") == {"plan_2"}
    assert await listed("?chatbot=bot_1&source=") == {"plan_1"}
    assert await listed("?tenant=acme") == {"plan_1", "plan_2"}
    assert await listed("?tenant=zeta") == set()
    assert await listed("?change=unheard-of") == set()


async def test_the_list_says_what_each_plan_does(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_8")
    text = words((await approver.get("/plans")).text)
    assert "Name of bot_8 bot_8" in text
    assert "Changes a few words of the system prompt" in text


async def test_the_list_says_how_long_ago_each_was_planned(house: House, approver: httpx.AsyncClient) -> None:
    house.clock.advance(3 * 3600)
    text = (await approver.get("/plans?chatbot=bot_1")).text
    assert re.search(r'data-label="Planned"><time [^>]*title="2026-03-01 12:00:00 UTC">3 h ago</time>', text)


async def test_the_list_goes_on_on_the_next_page(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, *(f"bot_{number}" for number in range(100, 160)), change="")
    first = (await approver.get("/plans?source=main")).text
    (more,) = re.findall(r'<a href="(/plans\?[^"]+)" rel="next"', first)
    second = (await approver.get(more.replace("&amp;", "&"))).text

    shown = [re.findall(r'href="/plans/(plan_\w+)"', text) for text in (first, second)]
    assert (len(shown[0]), len(shown[1]), len({*shown[0], *shown[1]})) == (50, 11, 61)
    assert 'rel="next"' not in second
    assert (await approver.get("/plans?cursor=made-up")).headers["location"] == "/plans"


async def test_pages_show_only_the_sources_that_a_person_may_see(house: House) -> None:
    await group(house, "bot_8", "bot_9")
    await group(house, "bot_s", "bot_t", source="side")
    async with signed_in(house, "main-only") as client:
        listed = (await client.get("/plans")).text
        together = (await client.get(f"/plans/groups/{CHANGE}")).text
    assert "waits on 2 chatbots" in listed
    assert "bot_2" not in listed
    assert "bot_s" not in listed
    assert "The same change on 2 chatbots" in together
    assert "bot_s" not in together


async def test_the_same_change_is_shown_once_with_a_box_for_each_chatbot(
    house: House, approver: httpx.AsyncClient
) -> None:
    await group(house, "bot_8", "bot_9")
    listed = (await approver.get("/plans")).text
    text = (await approver.get(f"/plans/groups/{CHANGE}")).text

    assert "The same change waits on 2 chatbots:" in listed
    assert f'href="/plans/groups/{CHANGE}"' in listed
    assert text.count("<del>five</del>") == 1
    boxes = re.findall(r'<input type="checkbox" name="item" value="([^"]+)"', text)
    assert sorted(boxes) == [item("bot_8"), item("bot_9")]
    assert "Name of bot_9" in text


async def test_what_moved_on_different_sides_is_said_as_both(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_8")
    names = PROMPT.op.changed_fields
    await group(house, "bot_9", op=DirectedOp(PROMPT.op, LIVE, dict.fromkeys(names, LIVE)))
    assert "both sides moved" in (await approver.get(f"/plans/groups/{CHANGE}")).text


async def test_chosen_chatbots_are_decided_each_by_its_own_fingerprint(
    house: House, approver: httpx.AsyncClient
) -> None:
    await group(house, "bot_7", "bot_8", "bot_9")
    stale = "plan_bot_9 " + "0" * 64
    form = {"change": CHANGE, "decision": "approve apply", "comment": "All fine", "item": [item("bot_7"), stale]}
    answer = await approver.post("/plans/decide", data=form)

    said = words(answer.text)
    assert answer.status_code == 200
    assert re.search(r"bot_7 \S+ approved", said)
    assert "bot_9 Not done: plan plan_bot_9 has another fingerprint" in said
    assert "The same change on 2 chatbots" in said
    assert len(house.jobs.submitted) == 1
    async with house.store.read() as uow:
        (approval,) = await uow.approvals.of_plan("plan_bot_7")
        entries = [entry async for entry in uow.audit.entries() if entry.action.startswith("plan.approve")]
    assert approval.comment == "All fine"
    assert [(entry.action, entry.subject) for entry in entries if entry.action != "plan.approved"] == [
        ("plan.approve", "plan/plan_bot_7"),
        ("plan.approve.refused", "plan/plan_bot_9"),
    ]


async def test_chosen_chatbots_are_rejected_together(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8")
    form = {"change": CHANGE, "decision": "reject", "item": [item("bot_7"), item("bot_8")]}
    answer = await approver.post("/plans/decide", data=form)
    assert "No other plan waits for this change." in answer.text
    assert words(answer.text).count("⊘ rejected") == 2


async def test_without_a_choice_the_page_says_so_and_keeps_the_comment(
    house: House, approver: httpx.AsyncClient
) -> None:
    await group(house, "bot_7", "bot_8")
    form = {"change": CHANGE, "decision": "approve", "comment": "Typed"}
    answer = await approver.post("/plans/decide", data=form)
    assert answer.status_code == 422
    assert "choose at least one chatbot" in answer.text
    assert "Typed</textarea>" in answer.text


async def test_only_what_was_chosen_stays_ticked_after_a_refusal(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8")
    opened = await approver.get(f"/plans/groups/{CHANGE}")
    assert ticked(opened.text) == ["Name of bot_7", "Name of bot_8"]
    form = {"change": CHANGE, "decision": "approve", "comment": "x" * 2001, "item": [item("bot_8")]}
    answer = await approver.post("/plans/decide", data=form)
    assert answer.status_code == 422
    assert ticked(answer.text) == ["Name of bot_8"]


async def test_what_still_waits_after_a_decision_is_not_ticked(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8")
    form = {"change": CHANGE, "decision": "reject", "item": [item("bot_7")]}
    answer = await approver.post("/plans/decide", data=form)
    assert "The same change on 1 chatbot" in words(answer.text)
    assert ticked(answer.text) == []


def ticked(text: str) -> list[str]:
    """The chatbots whose boxes are ticked."""
    return sorted(re.findall(r'type="checkbox"[^>]*aria-label="([^"]*)"[^>]* checked', text))


async def test_a_group_says_first_what_is_lost(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8", op=SERVER)
    said = words((await approver.get(f"/plans/groups/{CHANGE}")).text)
    assert "1 deletion:" in said
    assert said.index("1 deletion:") < said.index("Chatbots")


async def test_a_group_says_what_is_emptied(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", op=update("core", None, {"behavior.systemPrompt": "Be kind."}, {}))
    said = words((await approver.get(f"/plans/groups/{CHANGE}")).text)
    assert "What it takes away: removes the system prompt" in said


async def test_a_group_says_that_the_side_is_not_known(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", op=replace(PROMPT, direction=Direction.UNKNOWN, fields={}))
    said = words((await approver.get(f"/plans/groups/{CHANGE}")).text)
    assert "It is not known which side moved." in said


async def test_a_group_says_what_live_edits_it_overwrites(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8", op=REFUNDS)
    said = words((await approver.get(f"/plans/groups/{CHANGE}")).text)
    assert "Somebody edited these chatbots live. Applying overwrites this edit:" in said


async def test_what_needs_an_override_is_decided_by_itself(house: House, approver: httpx.AsyncClient) -> None:
    await group(house, "bot_7", "bot_8", op=SERVER)
    text = (await approver.get(f"/plans/groups/{CHANGE}")).text
    assert "decide it by itself, because it empties mcpServers" in text
    assert re.findall(r"<input type=\"checkbox\"[^>]*checked", text) == []
    assert "Approve the chosen" not in text


async def test_a_viewer_sees_the_group_and_no_way_to_decide(house: House) -> None:
    await group(house, "bot_7", "bot_8")
    async with signed_in(house, "viewer") as client:
        text = (await client.get(f"/plans/groups/{CHANGE}")).text
        refused = await client.post(
            "/plans/decide", data={"change": CHANGE, "decision": "reject", "item": item("bot_7")}
        )
    assert "The same change on 2 chatbots" in text
    assert 'action="/plans/decide"' not in text
    assert refused.status_code == 403


async def test_nothing_in_a_value_becomes_markup(house: House, approver: httpx.AsyncClient) -> None:
    before, after = ({"name": NASTY, "body": f"{prompt} {NASTY}", NASTY: 1} for prompt in (OLD_PROMPT, NEW_PROMPT))
    names = tuple(sorted(before))
    op = DirectedOp(
        Op("skills", Action.UPDATE, NASTY, before, after, names), GIT, dict.fromkeys(names, Direction.UNKNOWN)
    )
    await group(house, "bot_7", "bot_8", op=op)
    async with house.store.begin() as uow:
        chatbot = await uow.chatbots.get("acme", "bot_7")
        assert chatbot is not None
        await uow.chatbots.save(replace(chatbot, name=NASTY))
    form = {"change": NASTY, "decision": NASTY, "comment": NASTY, "item": f"{NASTY} {NASTY}"}
    for answer in (
        await approver.get("/plans"),
        await approver.get(f"/plans/groups/{CHANGE}"),
        await approver.post("/plans/decide", data=form),
        await approver.post("/plans/decide", data=form | {"decision": "approve", "change": CHANGE}),
    ):
        assert "<script>alert" not in answer.text
        assert "\u202e" not in answer.text
