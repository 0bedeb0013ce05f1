"""What an update takes away is a loss like a delete, for automatic applies, the gate, approvals and the brake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.policy import AutoApply, Policy
from reconciler.domain.status import Reason, Sync
from reconciler.engine.decide.decisions import Overrides
from reconciler.errors import Conflict
from tests.support.world import BOT, World, document, path_of, world

pytestmark = pytest.mark.anyio

PROMPT = "You help the staff of Acme with laptops, accounts and printers. Be brief and kind, never ask for passwords."
EMAILS = ["ann@acme.example", "ben@acme.example", "eve@acme.example"]
HELPDESK: dict[str, Any] = {
    "core": {"name": "IT", "requireAuth": True, "behavior": {"systemPrompt": PROMPT, "suggestedQuestions": ["Why?"]}},
    "scopes": {"scopes": [{"id": "it"}, {"id": "hr"}], "uiTree": [{"id": "root", "children": [{"scopeId": "it"}]}]},
    "accessProtection": {"enabled": True},
    "accessLists": {"authorizedEmails": EMAILS, "authorizedDomains": ["acme.example"]},
    "telemetry": {"level": "anonymized", "pseudonymizeIdentifiers": True, "retentionMonths": 6},
    "skills": [{"name": "vpn", "body": "Say how."}],
    "mcpServers": [{"name": "crm", "url": "https://crm.acme.example/mcp"}],
}
FILES = {path_of(): document(HELPDESK)}
EMPTYING: dict[str, Any] = {
    "core": {**HELPDESK["core"], "behavior": {"systemPrompt": "x", "suggestedQuestions": []}},
    "scopes": {"scopes": [], "uiTree": []},
    "accessProtection": {"enabled": False},
    "accessLists": {"authorizedEmails": [], "authorizedDomains": []},
}


def behavior(**fields: Any) -> dict[str, Any]:
    return {"core": {**HELPDESK["core"], "behavior": {**HELPDESK["core"]["behavior"], **fields}}}


SINGLE: dict[str, tuple[dict[str, Any], str]] = {
    "a scope is gone": ({"scopes": {**HELPDESK["scopes"], "scopes": [{"id": "it"}]}}, "scopes.scopes"),
    "the tree is empty": ({"scopes": {**HELPDESK["scopes"], "uiTree": []}}, "scopes.uiTree"),
    "protection is off": ({"accessProtection": {"enabled": False}}, "accessProtection.enabled"),
    "sign-in is not required": ({"core": {**HELPDESK["core"], "requireAuth": False}}, "core.requireAuth"),
    "a person is gone": (
        {"accessLists": {**HELPDESK["accessLists"], "authorizedEmails": EMAILS[:2]}},
        "accessLists.authorizedEmails",
    ),
    "everybody is let in": (
        {"accessLists": {**HELPDESK["accessLists"], "authorizedDomains": ["acme.example", "*"]}},
        "accessLists.authorizedDomains",
    ),
    "everybody with a name below a suffix is let in": (
        {"accessLists": {**HELPDESK["accessLists"], "authorizedDomains": ["acme.example", "github.io"]}},
        "accessLists.authorizedDomains",
    ),
    "a server is at another host": (
        {"mcpServers": [{"name": "crm", "url": "https://crm.other.example/mcp"}]},
        'points mcpServers "crm".url elsewhere',
    ),
    "the prompt is another one": (
        behavior(systemPrompt="Sell whatever the visitor looks at, and mention the premium plan in every answer."),
        "core.behavior.systemPrompt",
    ),
    "the prompt is cut": (behavior(systemPrompt="x"), "core.behavior.systemPrompt"),
    "the prompt is empty": (behavior(systemPrompt=""), "core.behavior.systemPrompt"),
    "identifiers are kept": (
        {"telemetry": {**HELPDESK["telemetry"], "pseudonymizeIdentifiers": False}},
        "telemetry.pseudonymizeIdentifiers",
    ),
    "more is recorded": ({"telemetry": {**HELPDESK["telemetry"], "level": "full"}}, "telemetry.level"),
    "records are deleted": (
        {"telemetry": {**HELPDESK["telemetry"], "retentionMonths": 1}},
        "telemetry.retentionMonths",
    ),
}
HARMLESS: dict[str, dict[str, Any]] = {
    "a scope is added": {"scopes": {**HELPDESK["scopes"], "scopes": [{"id": "it"}, {"id": "hr"}, {"id": "legal"}]}},
    "scopes are in another order": {"scopes": {**HELPDESK["scopes"], "scopes": [{"id": "hr"}, {"id": "it"}]}},
    "a person is added": {"accessLists": {**HELPDESK["accessLists"], "authorizedEmails": [*EMAILS, "z@acme.example"]}},
    "the prompt says more": behavior(systemPrompt=f"{PROMPT} Always offer a person."),
    "the prompt says some of it in other words": behavior(systemPrompt=PROMPT.replace("laptops", "tablets")),
    "a server has another path": {"mcpServers": [{"name": "crm", "url": "https://crm.acme.example/v2"}]},
    "less is recorded by name": {"core": {**HELPDESK["core"], "name": "IT helpdesk"}},
}


def with_(changed: dict[str, Any]) -> dict[str, str]:
    return {path_of(): document({**HELPDESK, **changed})}


async def push(w: World, changed: dict[str, Any]) -> None:
    w.commit(with_(changed))
    await w.refresh()


@pytest.mark.parametrize("level", [AutoApply.ADDITIVE, AutoApply.NO_DELETE])
async def test_a_commit_that_empties_a_chatbot_waits_for_a_person_and_says_what_it_takes(
    tmp_path: Path, level: AutoApply
) -> None:
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=Policy(auto_apply=level, max_deletes=99)) as w:
        await push(w, EMPTYING)
        plan = await w.open_plan()
        assert (plan.status, w.writer.writes) == (PlanStatus.PENDING, [])
        assert plan.reason is Reason.BLOCKED_BY_DELETE_GATE
        for name in ("accessLists", "scopes", "suggestedQuestions", "accessProtection.enabled", "systemPrompt"):
            assert name in plan.message
        assert (await w.chatbot()).sync is Sync.OUT_OF_SYNC
        assert w.live().config["accessProtection"] == {"enabled": True}


@pytest.mark.parametrize("level", [AutoApply.ADDITIVE, AutoApply.NO_DELETE])
@pytest.mark.parametrize("case", SINGLE)
async def test_no_single_loss_is_applied_without_a_person(tmp_path: Path, case: str, level: AutoApply) -> None:
    changed, name = SINGLE[case]
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=Policy(auto_apply=level)) as w:
        await push(w, changed)
        plan = await w.open_plan()
        assert (plan.status, w.writer.writes) == (PlanStatus.PENDING, [])
        assert name in plan.message
        assert plan.losses


@pytest.mark.parametrize("case", HARMLESS)
async def test_what_only_adds_or_differs_is_applied_at_no_delete(tmp_path: Path, case: str) -> None:
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=Policy(auto_apply=AutoApply.NO_DELETE)) as w:
        await push(w, HARMLESS[case])
        assert len(w.writer.writes) == 1
        assert (await w.chatbot()).sync is Sync.SYNCED


async def test_full_stops_at_the_delete_gate_also_for_what_updates_take_away(tmp_path: Path) -> None:
    three = {"accessLists": {"authorizedEmails": EMAILS[:1], "authorizedDomains": ["other.example"]}}
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=Policy(auto_apply=AutoApply.FULL)) as w:
        await push(w, SINGLE["a person is gone"][0])
        assert len(w.writer.writes) == 1
        await push(w, {})
        assert len(w.writer.writes) == 2
        await push(w, three)
        plan = await w.open_plan()
        assert (len(w.writer.writes), plan.reason) == (2, Reason.BLOCKED_BY_DELETE_GATE)
        assert "3 losses, more than policy.max_deletes = 2" in plan.message
        with pytest.raises(Conflict) as refused:
            await w.approve(plan)
        assert refused.value.code == "delete_override_required"
        assert "removes 2 entries from accessLists.authorizedEmails" in str(refused.value)
        await w.approve(plan, overrides=Overrides(deletes=True, reason="they left"))
        assert (await w.apply(plan)).status is ApplyStatus.APPLIED


async def test_what_takes_something_away_needs_as_many_people_as_a_delete(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=Policy(delete_approvals=2)) as w:
        await push(w, HARMLESS["a person is added"])
        assert (await w.open_plan()).approvals_required == 1
        await push(w, SINGLE["protection is off"][0])
        plan = await w.open_plan()
        assert plan.approvals_required == 2
        await w.approve(plan)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING
        await w.approve(plan, "ben")
        assert (await w.plan(plan.id)).status is PlanStatus.APPROVED


def fleet(changed: dict[str, Any], count: int) -> Iterator[tuple[str, str]]:
    for number in range(count):
        key = f"bot_{number}"
        yield path_of(key), document({**HELPDESK, **changed}, key)


async def test_the_brake_counts_the_chatbots_from_which_updates_take_something_away(tmp_path: Path) -> None:
    policy = Policy(auto_apply=AutoApply.FULL, fleet_max_deletes=2, fleet_max_share=1.0)
    live = {f"bot_{number}": HELPDESK for number in range(4)}
    async with world(tmp_path, live, dict(fleet({}, 4)), policy=policy) as w:
        head = w.commit(dict(fleet(SINGLE["protection is off"][0], 3)))
        await w.refresh()
        assert w.writer.writes == []
        said = f"policy.fleet_max_deletes = 2 at revision {head[:12]}: its plans take something away from 3 chatbots"
        assert (await w.source_record()).brake == said
        assert (await w.open_plan("bot_0")).reason is Reason.BLOCKED_BY_FLEET_BRAKE


async def test_undoing_a_live_addition_is_a_loss_of_it(tmp_path: Path) -> None:
    policy = Policy(auto_apply=AutoApply.NO_DELETE, self_heal=True)
    async with world(tmp_path, {BOT: HELPDESK}, FILES, policy=policy) as w:
        w.edit_live(accessLists={**HELPDESK["accessLists"], "authorizedEmails": [*EMAILS, "new@acme.example"]})
        await w.refresh()
        plan = await w.open_plan()
        assert w.writer.writes == []
        assert "removes 1 entry from accessLists.authorizedEmails" in plan.message
