"""The page of one plan: what it says, what may be decided on it, and what comes of that."""

import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.domain.audit import AuditEntry
from reconciler.domain.commit import CommitFact
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Approval, Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.policy import Policy, Protection
from reconciler.domain.status import Direction, Reason
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKey, WriteKeyState
from reconciler.web.app import create_app
from reconciler.web.plans.ops_view import MAX_OPS
from tests.fakes.clock import START
from tests.integration.web.conftest import Git, House
from tests.support.defaults import tenant_binding
from tests.support.records import BODY, a_chatbot, a_plan, a_suspension, an_apply, an_approval

pytestmark = pytest.mark.anyio

GIT, LIVE, BOTH = Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED
SEEN = {"fingerprint": "f" * 64}
OLD_PROMPT = "You help the customers of Acme.\nAnswer in at most five sentences."
NEW_PROMPT = OLD_PROMPT.replace("five", "three")


def update(
    section: str, key: str | None, before: dict[str, Any], after: dict[str, Any], **sides: Direction
) -> DirectedOp:
    names = tuple(sorted({*before, *after}))
    fields = {name: sides.get(name, GIT) for name in names}
    side = BOTH if len(set(fields.values())) > 1 else next(iter(fields.values()))
    return DirectedOp(Op(section, Action.UPDATE, key, before, after, names), side, fields)


PROMPT = update("core", None, {"behavior.systemPrompt": OLD_PROMPT}, {"behavior.systemPrompt": NEW_PROMPT})
REFUNDS = update(
    "skills", "refunds", {"enabled": False, "mode": "on_demand"}, {"enabled": True, "mode": "always"}, enabled=LIVE
)
SKILL = DirectedOp(
    Op("skills", Action.CREATE, "returns-eu", None, {"name": "returns-eu", "body": "Within 14 days. " * 9}), GIT
)
SERVER = DirectedOp(Op("mcpServers", Action.DELETE, "crm", {"name": "crm", "url": "https://crm.example"}, None), GIT)
DOMAIN = DirectedOp(Op("domains", Action.DELETE, "old.example", {"domain": "old.example"}, None), GIT)


@pytest.fixture
async def approver(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(house, "approver") as client:
        yield client


@asynccontextmanager
async def signed_in(house: House, who: str, **policy: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(replace(house.engine, policy=Policy(**policy)), settings=house.settings) if policy else None
    async with house.client(app=app) as client:
        await client.post("/login", data={"token": f"wzr_{who}"})
        client.headers["Origin"] = "http://127.0.0.1:8080"
        yield client


async def keep(house: House, *ops: DirectedOp, **changes: Any) -> Plan:
    plan = a_plan("plan_3", chatbot_id="bot_3", ops=ops or (PROMPT,), **changes)
    async with house.store.begin() as uow:
        await uow.plans.add(plan)
    return plan


async def rows(house: House) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries() if entry.action != "login"]


async def approvals(house: House, plan_id: str = "plan_1") -> list[Approval]:
    async with house.store.read() as uow:
        return list(await uow.approvals.of_plan(plan_id))


def words(text: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def buttons(text: str) -> Mapping[str, bool]:
    """What the buttons of the decision say, and whether they can be pressed."""
    form = text.partition('<form id="decide"')[2].partition("</form>")[0]
    return {title: "disabled" not in tag for tag, title in re.findall(r"<button([^>]*)>([^<]+)</button>", form)}


async def test_a_plan_says_its_loss_first_and_in_one_sentence_what_it_does(
    house: House, approver: httpx.AsyncClient
) -> None:
    await keep(house, PROMPT, REFUNDS, SKILL, SERVER, DOMAIN)
    text = words((await approver.get("/plans/plan_3")).text)

    said = (
        "Changes a few words of the system prompt , switches the skill refunds back on, "
        "changes the mode of the skill refunds from “on_demand” to “always”, adds the skill returns-eu , "
        "deletes the MCP server crm , and deletes the domain old.example ."
    )
    assert text.index("2 deletions") < text.index(said) < text.index("Deleted") < text.index("Core settings")
    assert text.count("its credentials are not in git: deleting it cannot be undone") == 2
    assert "3 items unchanged" in text


async def test_what_stays_as_it_is_is_folded_with_its_names(house: House, approver: httpx.AsyncClient) -> None:
    skills = [{"name": "refunds"}, *({"name": f"skill-{number}\u202e"} for number in range(201))]
    summary = Summary(update=1, noop=209)
    await keep(house, REFUNDS, body={**BODY, "spec": {"core": {"name": "Acme"}, "skills": skills}}, summary=summary)
    text = (await approver.get("/plans/plan_3")).text
    fold = words(text.partition('<details class="fold" id="unchanged">')[2].partition("</details>")[0])

    assert fold.startswith(
        "209 items unchanged: WizChat and git say the same there core settings skill skill-0\\u202e "
    )
    assert fold.endswith("skill skill-198\\u202e 2 more like these 7 in sections in which nothing changes")


async def test_only_the_words_that_change_are_marked_in_both_views(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house)
    sides = (await approver.get("/plans/plan_3")).text
    unified = (await approver.get("/plans/plan_3?view=unified")).text

    assert "at most </span><del>five</del><span" in sides
    assert "at most </span><ins>three</ins><span" in sides
    assert "at most </span><del>five</del><ins>three</ins><span" in unified
    assert "Live now" in sides
    assert "65 → 66 characters, about 17 → 17 tokens" in sides


async def test_a_change_of_blanks_alone_is_said_as_such(house: House, approver: httpx.AsyncClient) -> None:
    spaced = OLD_PROMPT.replace("\n", "\n\n")
    await keep(house, update("core", None, {"p": OLD_PROMPT}, {"p": spaced}))
    assert "Only blanks and line ends change" in (await approver.get("/plans/plan_3")).text


async def test_what_a_new_item_says_is_folded(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, SKILL)
    text = (await approver.get("/plans/plan_3")).text
    assert "Within 14 days." in text.partition('<details class="fold"')[2].partition("</details>")[0]


async def test_a_mebibyte_is_shown_in_part_and_as_a_whole(house: House, approver: httpx.AsyncClient) -> None:
    old, new = ("".join(f"{word} {number}\n" for number in range(90_000)) for word in ("alt", "neu"))
    await keep(house, update("core", None, {"p": old}, {"p": new}))
    part = await approver.get("/plans/plan_3")
    whole = await approver.get("/plans/plan_3?all&view=unified")

    assert "This is not all that differs" in part.text
    assert len(part.content) < 1_000_000
    assert len(whole.content) > len(part.content)
    assert 'href="/plans/plan_3?view=sides&amp;all"' in part.text
    assert 'href="/api/v1/plans/plan_3"' in whole.text


async def test_an_approver_has_every_choice_and_sends_what_is_shown(approver: httpx.AsyncClient) -> None:
    text = (await approver.get("/plans/plan_1")).text

    assert buttons(text) == {"Approve and apply": True, "Approve only": True, "Reject": True}
    assert f'<input type="hidden" name="fingerprint" value="{"f" * 64}">' in text
    assert "0 of 1 approval, 1 still needed" in words(text)


async def test_a_viewer_has_no_choice_and_is_told_why(house: House) -> None:
    async with signed_in(house, "viewer") as client:
        text = (await client.get("/plans/plan_1")).text
    assert buttons(text) == {}
    assert "This needs the role approver; viewer has viewer." in text


async def test_what_cannot_be_applied_can_still_be_approved(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.suspensions.add(a_suspension())
    async with signed_in(house, "approver") as client:
        text = (await client.get("/plans/plan_1")).text
    assert buttons(text) == {"Approve and apply": False, "Approve only": True, "Reject": True}
    assert "Applies of everything are suspended (release freeze): resume them first." in text


async def test_without_a_write_key_nothing_is_applied(house: House) -> None:
    tenants = {"acme": tenant_binding("acme", house.tenant, read_only=True)}
    app = create_app(replace(house.engine, tenants=tenants), settings=house.settings)
    async with house.client(app=app) as client:
        await client.post("/login", data={"token": "wzr_approver"})
        text = (await client.get("/plans/plan_1")).text
    assert buttons(text)["Approve and apply"] is False
    assert "has no write key" in text


@pytest.mark.parametrize(
    ("state", "may_apply", "is_unproven"),
    [
        (None, True, True),
        (WriteKeyState.ACCEPTED, True, True),
        (WriteKeyState.PROVEN, True, False),
        (WriteKeyState.REFUSED, False, False),
    ],
)
async def test_what_is_known_of_the_write_key_is_told_before_a_plan_is_approved(
    house: House, state: WriteKeyState | None, *, may_apply: bool, is_unproven: bool
) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", write_key=WriteKey(key_id="key_1", state=state)))
    async with signed_in(house, "approver") as client:
        text = (await client.get("/plans/plan_1")).text
    assert buttons(text) == {"Approve and apply": may_apply, "Approve only": True, "Reject": True}
    assert ("known only at the first apply" in text) is is_unproven
    assert ("WizChat refuses the write key, so nothing can be applied: put a valid one" in text) is not may_apply


async def test_an_apply_with_a_refused_write_key_is_a_conflict(house: House) -> None:
    async with house.store.begin() as uow:
        key = WriteKey(key_id="key_1", state=WriteKeyState.REFUSED)
        await uow.tenants.add(TenantRecord(name="acme", write_key=key))
    async with house.client("wzr_approver") as client:
        plan = (await client.get("/api/v1/plans/plan_1")).json()
        ask = {"fingerprint": plan["fingerprint"], "apply": True}
        refused = await client.post("/api/v1/plans/plan_1/approve", json=ask)
    assert (refused.status_code, refused.json()["code"]) == (409, "write_key_refused")
    assert "write_api_key" in refused.json()["detail"]


async def test_what_is_protected_cannot_be_approved(house: House) -> None:
    async with signed_in(house, "approver", protected=(Protection("*", "core", "*"),)) as client:
        text = (await client.get("/plans/plan_1")).text
    assert buttons(text) == {"Approve and apply": False, "Approve only": False, "Reject": True}
    assert "*/core/*" in text


async def test_approving_leads_back_to_the_page_which_tells_who_did(house: House, approver: httpx.AsyncClient) -> None:
    answer = await approver.post("/plans/plan_1/approve", data={**SEEN, "comment": " Reads well. "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/plans/plan_1")

    text = (await approver.get("/plans/plan_1")).text
    assert "1 of 1 approval" in words(text)
    assert "Reads well." in text
    assert buttons(text) == {"Apply": True, "Reject": True, "Take back my approval": True}
    assert house.jobs.submitted == []


async def test_approving_and_applying_at_once(house: House, approver: httpx.AsyncClient) -> None:
    await approver.post("/plans/plan_1/approve", data={**SEEN, "apply": "yes"})
    text = (await approver.get("/plans/plan_1")).text
    assert len(house.jobs.submitted) == 1
    assert "Its apply is queued" in text
    assert buttons(text) == {}


async def test_approving_first_and_applying_later(house: House, approver: httpx.AsyncClient) -> None:
    await approver.post("/plans/plan_1/approve", data=SEEN)
    answer = await approver.post("/plans/plan_1/apply", data={**SEEN, "comment": "shares the form"})
    assert answer.status_code == 303
    assert len(house.jobs.submitted) == 1


async def test_an_approval_can_be_taken_back(house: House, approver: httpx.AsyncClient) -> None:
    await approver.post("/plans/plan_1/approve", data=SEEN)
    assert (await approver.post("/plans/plan_1/revoke", data=SEEN)).status_code == 303
    text = (await approver.get("/plans/plan_1")).text
    assert "does not count: it was taken back" in words(text)
    assert "0 of 1" in words(text)
    assert [each.revoked_at is None for each in await approvals(house)] == [False]


async def test_of_two_approvals_one_is_given(house: House) -> None:
    async with signed_in(house, "approver", approvals=2) as client:
        assert "Approve and apply" not in buttons((await client.get("/plans/plan_1")).text)
        await client.post("/plans/plan_1/approve", data=SEEN)
        mine = (await client.get("/plans/plan_1")).text
    async with signed_in(house, "admin", approvals=2) as client:
        other = (await client.get("/plans/plan_1")).text

    assert "1 of 2 approvals, 1 still needed" in words(mine)
    assert buttons(mine) == {"Approve": False, "Reject": True, "Take back my approval": True}
    assert buttons(other) == {"Approve and apply": True, "Approve only": True, "Reject": True}


async def test_deletes_need_a_check_and_a_reason(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, SERVER, delete_override="it deletes 1 MCP server (crm)")
    page = (await approver.get("/plans/plan_3")).text
    refused = await approver.post("/plans/plan_3/approve", data={**SEEN, "comment": "Typed this.", "deletes": "yes"})
    without = await approver.post("/plans/plan_3/approve", data={**SEEN, "comment": "Typed this."})
    passed = await approver.post("/plans/plan_3/approve", data={**SEEN, "deletes": "yes", "reason": "The CRM moved"})

    assert "Delete the MCP server crm" in words(page)
    assert (refused.status_code, without.status_code, passed.status_code) == (422, 409, 303)
    assert "say why that is right" in refused.text
    assert 'value="yes" checked' in refused.text
    assert "Typed this.</textarea>" in refused.text
    assert "Typed this.</textarea>" in without.text
    (approval,) = await approvals(house, "plan_3")
    assert (approval.deletes, approval.reason) == (True, "The CRM moved")


async def test_what_updates_take_away_needs_the_same_check_and_is_told_alike_everywhere(
    house: House, approver: httpx.AsyncClient
) -> None:
    emails = {"authorizedEmails": ["ann@acme.example"]}, {"authorizedEmails": []}
    open_ = update("accessProtection", None, {"enabled": True}, {"enabled": False})
    await keep(house, update("accessLists", None, *emails), open_)
    page = words((await approver.get("/plans/plan_3")).text)
    said = (await approver.get("/api/v1/plans/plan_3")).json()["losses"]
    text = (await approver.get("/api/v1/plans/plan_3", headers={"Accept": "text/plain"})).text
    refused = await approver.post("/plans/plan_3/approve", data=SEEN)
    passed = await approver.post("/plans/plan_3/approve", data={**SEEN, "deletes": "yes", "reason": "a fair"})

    assert (
        "What it takes away: empties the authorized emails of the access lists switches access protection off" in page
    )
    assert "Losses They need your yes, because it empties accessLists" in page
    assert "Take away what is listed above Why this is right (required)" in page
    assert [(loss["kind"], loss["section"], loss["field"], loss["count"]) for loss in said] == [
        ("emptied", "accessLists", "authorizedEmails", 1),
        ("unprotected", "accessProtection", "enabled", 1),
    ]
    assert "loss: empties the authorized emails of the access lists" in text
    assert "loss: switches access protection off" in text
    assert (refused.status_code, passed.status_code) == (409, 303)


async def test_what_is_rejected_is_closed_with_the_comment_in_the_log(
    house: House, approver: httpx.AsyncClient
) -> None:
    answer = await approver.post("/plans/plan_1/reject", data={**SEEN, "comment": "Too short."})
    text = (await approver.get("/plans/plan_1")).text
    assert answer.status_code == 303
    assert "Nothing can be decided about this plan" in text
    (row,) = [entry for entry in await rows(house) if entry.action == "plan.reject"]
    assert (row.actor, row.detail["comment"]) == ("approver", "Too short.")


async def test_a_rejection_can_be_taken_back_by_whom_may_decide(house: House, approver: httpx.AsyncClient) -> None:
    await approver.post("/plans/plan_1/reject", data=SEEN)
    rejected = (await approver.get("/plans/plan_1")).text
    async with signed_in(house, "viewer") as viewer:
        seen = (await viewer.get("/plans/plan_1")).text
        refused = await viewer.post("/plans/plan_1/withdraw", data=SEEN)
    answer = await approver.post("/plans/plan_1/withdraw", data={**SEEN, "comment": "A slip."})
    again = await approver.post("/plans/plan_1/withdraw", data=SEEN)
    after = (await approver.get("/plans/plan_1")).text

    assert buttons(rejected) == {"Take back the rejection": True}
    assert "Take back the rejection" not in seen
    assert (refused.status_code, answer.status_code, again.status_code) == (403, 303, 303)
    assert buttons(after) == {}
    assert "The rejection was taken back (approver: A slip.)." in after
    rows_ = [entry for entry in await rows(house) if entry.action.startswith("plan.withdraw")]
    assert [(row.action, row.actor) for row in rows_] == [
        ("plan.withdraw.refused", "viewer"),
        ("plan.withdraw", "approver"),
    ]


async def test_a_refused_post_says_why_on_top_keeps_what_was_typed_and_leaves_a_row(
    house: House, approver: httpx.AsyncClient
) -> None:
    answer = await approver.post("/plans/plan_1/approve", data={"fingerprint": "0" * 64, "comment": "I typed <b>."})

    assert answer.status_code == 409
    assert answer.text.index('role="alert"') < answer.text.index("<h1>")
    assert "I typed &lt;b&gt;.</textarea>" in answer.text
    assert f'name="fingerprint" value="{"f" * 64}"' in answer.text
    (row,) = await rows(house)
    assert (row.action, row.subject, row.fingerprint) == ("plan.approve.refused", "plan/plan_1", "0" * 64)
    assert row.detail["code"] == "fingerprint_mismatch"


async def test_what_was_typed_is_not_lost_when_the_plan_is_closed(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, status=PlanStatus.SUPERSEDED, reason=Reason.SUPERSEDED, message="Newer.", closed_at=START)
    answer = await approver.post("/plans/plan_3/approve", data={**SEEN, "comment": "Took me an hour."})
    assert answer.status_code == 409
    assert re.search(r"<textarea[^>]* readonly[^>]*>Took me an hour.</textarea>", answer.text)
    assert buttons(answer.text) == {}


@pytest.mark.parametrize("call", ["approve", "reject", "apply", "revoke"])
async def test_a_viewer_is_refused_with_a_page_and_a_row(house: House, call: str) -> None:
    async with signed_in(house, "viewer") as client:
        answer = await client.post(f"/plans/plan_1/{call}", data=SEEN)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert [entry.action for entry in await rows(house)] == [f"plan.{call}.refused"]


async def test_a_form_from_another_site_is_refused(approver: httpx.AsyncClient) -> None:
    answer = await approver.post("/plans/plan_1/approve", data=SEEN, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_a_plan_that_was_overtaken_says_what_changed_since(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, PROMPT, REFUNDS, status=PlanStatus.SUPERSEDED, reason=Reason.SUPERSEDED, closed_at=START)
    newer = a_plan(
        "plan_4", chatbot_id="bot_3", ops=(REFUNDS, SKILL), created_at=START + timedelta(hours=1), revision="b" * 40
    )
    async with house.store.begin() as uow:
        await uow.plans.add(newer)
    text = (await approver.get("/plans/plan_3")).text

    assert 'href="/plans/plan_4">Open the newer plan' in text
    said = words(text)
    assert "Only the newer plan does this: create skill returns-eu ⎇ changed in git" in said
    assert "The newer plan no longer does this: update core settings" in said
    assert "A newer plan" not in (await approver.get("/plans/plan_4")).text


async def test_of_several_later_plans_the_one_that_took_its_place_is_named(
    house: House, approver: httpx.AsyncClient
) -> None:
    await keep(house, status=PlanStatus.PARTIALLY_APPLIED, reason=Reason.PARTIALLY_APPLIED, closed_at=START)
    async with house.store.begin() as uow:
        for number, hours in ((4, 1), (5, 2)):
            later = a_plan(f"plan_{number}", chatbot_id="bot_3", created_at=START + timedelta(hours=hours))
            await uow.plans.add(replace(later, status=PlanStatus.APPLIED, closed_at=START))
    text = (await approver.get("/plans/plan_3")).text
    assert 'href="/plans/plan_4">Open the newer plan' in text
    assert "plan_5" not in text


@pytest.mark.parametrize("status", [PlanStatus.APPLIED, PlanStatus.RESOLVED, PlanStatus.REJECTED])
async def test_a_plan_that_left_nothing_to_do_leads_to_no_later_one(
    house: House, approver: httpx.AsyncClient, status: PlanStatus
) -> None:
    await keep(house, status=status, closed_at=START)
    async with house.store.begin() as uow:
        await uow.plans.add(a_plan("plan_4", chatbot_id="bot_3", created_at=START + timedelta(hours=1)))
    assert "Open the newer plan" not in (await approver.get("/plans/plan_3")).text


async def test_of_a_partial_apply_each_op_says_what_became_of_it(house: House, approver: httpx.AsyncClient) -> None:
    ops = (PROMPT, REFUNDS, SKILL)
    await keep(house, *ops, status=PlanStatus.PARTIALLY_APPLIED, closed_at=START, apply_id="apply_1")
    apply = an_apply(
        plan_id="plan_3",
        status=ApplyStatus.PARTIALLY_APPLIED,
        applied=({"section": "core", "action": "update"},),
        failed={"op": {"section": "skills", "key": "refunds"}, "message": "mode is wrong"},
        intent_at=START,
        finished_at=START,
    )
    async with house.store.begin() as uow:
        await uow.applies.add(apply)
    page = words((await approver.get("/plans/plan_3")).text)
    for said in ("✓ done", "✗ failed here", "○ not tried"):
        assert page.count(said) == 1, said
    json_ops = (await approver.get("/api/v1/plans/plan_3")).json()["ops"]
    assert [op["outcome"] for op in json_ops] == ["Done", "Failed", "NotTried"]
    for media_type in ("text/plain", "text/markdown"):
        text = (await approver.get("/api/v1/plans/plan_3", headers={"Accept": media_type})).text
        for said in ("done: core", 'failed here: skills "refunds"', 'not tried: skills "returns-eu"'):
            assert said in text, (media_type, said)


async def test_a_newer_plan_of_a_source_that_is_not_visible_is_not_told(house: House) -> None:
    await keep(house, status=PlanStatus.SUPERSEDED, closed_at=START)
    newer = a_plan("plan_4", chatbot_id="bot_3", source="side", created_at=START + timedelta(hours=1))
    async with house.store.begin() as uow:
        await uow.plans.add(newer)
    async with signed_in(house, "main-only") as client:
        assert "plan_4" not in (await client.get("/plans/plan_3")).text


async def test_an_apply_tells_how_it_ended_and_what_its_window_means(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, status=PlanStatus.FAILED, closed_at=START, apply_id="apply_1")
    failed, message = {"message": "mode is wrong"}, "WizChat stopped at a skill: mode is wrong"
    apply = an_apply(
        plan_id="plan_3", status=ApplyStatus.FAILED, failed=failed, window_ms=112, finished_at=START, message=message
    )
    async with house.store.begin() as uow:
        await uow.applies.add(apply)
        await uow.approvals.add(an_approval(plan_id="plan_3", spent_at=START, spent_by="apply_1"))
    text = words((await approver.get("/plans/plan_3")).text)

    assert "112 ms after the last dry run" in text
    assert text.count(message) == 1


async def test_the_commit_that_changed_the_document_is_told(house: House, approver: httpx.AsyncClient) -> None:
    assert "last changed in" not in (await approver.get("/plans/plan_1")).text
    fact = CommitFact("c" * 40, "Ana", START, "Shorter answers")
    git = house.engine.sources["main"].port
    assert isinstance(git, Git)
    git.commits["chatbots/bot_1.yaml", "a" * 40] = fact

    text = words((await approver.get("/plans/plan_1")).text)
    assert f"last changed in {'c' * 10} “Shorter answers” by Ana" in text
    assert f"changed in git Ana, {'c' * 10}" in text


async def test_all_who_changed_the_document_since_both_sides_agreed_are_told(
    house: House, approver: httpx.AsyncClient
) -> None:
    git = house.engine.sources["main"].port
    assert isinstance(git, Git)
    git.commits["chatbots/bot_1.yaml", "a" * 40] = CommitFact("c" * 40, "Ana", START, "Shorter answers")
    git.writers["chatbots/bot_1.yaml", "b" * 40, "a" * 40] = ["Ben", "Ana", "Cem", "D", "E", "F", "<b>G", "H"]
    assert "Ben" not in (await approver.get("/plans/plan_1")).text
    async with house.store.begin() as uow:
        chatbot = await uow.chatbots.get("acme", "bot_1")
        assert chatbot is not None
        await uow.chatbots.save(replace(chatbot, synced_revision="b" * 40))

    text = words((await approver.get("/plans/plan_1")).text)
    assert "by Ana, " in text
    assert "since both sides last agreed also by Ben, Cem, D, E, F and 2 more" in text
    assert "changed in git Ana and Ben, Cem, D, E, F and 2 more, " in text


async def test_nothing_in_a_value_becomes_markup(house: House, approver: httpx.AsyncClient) -> None:
    nasty = "<script>alert(1)</script>\u202e"
    long = f"{nasty} " * 5
    ops = (
        update("skills", nasty, {nasty: nasty, "body": long}, {nasty: 1, "body": long + nasty}),
        DirectedOp(Op("mcpServers", Action.DELETE, nasty, {"name": nasty, nasty: long}, None), LIVE),
        DirectedOp(Op(nasty, Action.CREATE, nasty, None, {nasty: [long], "x": {nasty: {nasty: [1]}}}), GIT),
    )
    await keep(house, *ops, message=nasty, path=nasty, delete_override=nasty)
    async with house.store.begin() as uow:
        await uow.chatbots.add(replace(a_chatbot("bot_9"), name=nasty))
        await uow.approvals.add(an_approval(plan_id="plan_3", comment=nasty, deletes=True, reason=nasty))
    for path in ("/plans/plan_3", "/plans/plan_3?view=unified", "/plans/plan_3?view=" + nasty):
        text = (await approver.get(path)).text
        assert "<script>" not in text
        assert "\u202e" not in text
        assert "\\u202e" in text
        assert "style=" not in text
    refused = await approver.post("/plans/plan_3/approve", data={**SEEN, "comment": nasty, "reason": nasty})
    assert refused.status_code == 422
    assert "<script>" not in refused.text


def deleted(number: int) -> DirectedOp:
    return DirectedOp(Op("domains", Action.DELETE, f"{number}.example", {"domain": f"{number}.example"}, None), GIT)


async def test_a_plan_of_very_many_changes_is_shown_in_parts_that_lead_to_each_other(
    house: House, approver: httpx.AsyncClient
) -> None:
    count = 2 * MAX_OPS + 1
    await keep(house, *map(deleted, range(count)))
    seen: list[str] = []
    path, parts = "/plans/plan_3", 0
    while path:
        text = (await approver.get(path)).text
        assert f"of {count}. A decision is about all of them." in words(text)
        assert f"{count} deletions" in words(text)
        seen += re.findall(r'<article class="card op rm" id="op-(\d+)"', text)
        following = re.search(r'<a href="([^"]+)" rel="next">', text)
        path, parts = html.unescape(following[1]) if following else "", parts + 1
    assert (parts, seen) == (3, [str(number) for number in range(count)])


async def test_however_many_changes_a_plan_has_its_page_stays_as_large(
    house: House, approver: httpx.AsyncClient
) -> None:
    sizes = []
    for number, count in enumerate((2 * MAX_OPS, 20 * MAX_OPS)):
        plan = a_plan(f"large_{number}", chatbot_id=f"large_{number}", ops=tuple(map(deleted, range(count))))
        async with house.store.begin() as uow:
            await uow.plans.add(plan)
        sizes.append(len((await approver.get(f"/plans/{plan.id}")).text))
    assert sizes[1] < 1.1 * sizes[0]


@pytest.mark.parametrize("begin", ["1", "x", "-1", "999999999", "9" * 30, "", "%D9%A1"])
async def test_a_part_that_there_is_not_is_no_error(house: House, approver: httpx.AsyncClient, begin: str) -> None:
    await keep(house, *map(deleted, range(MAX_OPS + 1)))
    text = words((await approver.get(f"/plans/plan_3?from={begin}")).text)
    assert f"of {MAX_OPS + 1}. A decision" in text


async def test_the_way_that_texts_are_compared_is_kept_from_part_to_part(
    house: House, approver: httpx.AsyncClient
) -> None:
    changes = [
        update("skills", f"{number}", {"body": OLD_PROMPT}, {"body": NEW_PROMPT}) for number in range(MAX_OPS + 1)
    ]
    await keep(house, *changes)
    text = (await approver.get("/plans/plan_3?view=unified")).text
    assert f'href="/plans/plan_3?view=unified&amp;from={MAX_OPS}" rel="next"' in text
    last = (await approver.get(f"/plans/plan_3?view=unified&from={MAX_OPS}")).text
    assert 'href="/plans/plan_3?view=unified" rel="prev"' in last
    assert f'href="/plans/plan_3?view=sides&amp;from={MAX_OPS}"' in last
