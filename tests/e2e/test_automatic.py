"""`auto_apply` on real parts: a push is applied without a person, and only what the policy lets pass."""

from pathlib import Path

import httpx

from tests.support.service import Service, stage
from tests.support.world import BOT, document, path_of, spec

BOTS = [f"bot_{n}" for n in range(1, 7)]
LIVE = {key: spec(key) for key in BOTS}
FILES = {path_of(key): document(spec(key), key) for key in BOTS}
ON = {"RECONCILER_POLICY__AUTO_APPLY": "no_delete"}
HEALING = ON | {"RECONCILER_POLICY__SELF_HEAL": "true"}


def edited(keys: list[str], prompt: str) -> dict[str, str]:
    return {path_of(key): document(spec(key, prompt=prompt), key) for key in keys}


def until_synced(service: Service, chatbot_id: str) -> None:
    service.until(f"/chatbots/{chatbot_id}", lambda chatbot: chatbot["sync"] == "Synced")


def test_a_push_is_applied_without_a_person_and_a_live_edit_is_left_alone(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service(**ON) as service:
        service.first_run()
        s.repository.commit(edited([BOT], "Be brief."))
        service.refresh()
        history = service.until(
            f"/chatbots/{BOT}/history", lambda plans: bool(plans["items"]) and plans["items"][0]["status"] == "Applied"
        )
        [plan] = history["items"]
        [approval] = plan["approvals"]
        assert (approval["automatic"], approval["actor"]) == (True, "policy:auto_apply")
        assert plan["apply"]["window_ms"] is not None
        [write] = s.writes()
        assert write["body"]["spec"] == {"core": spec(BOT, prompt="Be brief.")["core"]}
        until_synced(service, BOT)

        s.sandbox.control.edit(BOT, "core", set={"behavior.systemPrompt": "Be funny."})
        service.refresh()
        waiting = service.open_plan(BOT)
        assert (waiting["status"], waiting["direction"]) == ("Pending", "LiveAhead")
        assert waiting["message"].endswith("(auto_apply: it undoes a live edit, and self_heal = false)")
        assert len(s.writes()) == 1
        shown = service.api.get(f"/plans/{plan['id']}", headers={"Accept": "text/plain"}).text
        assert "approved by policy:auto_apply" in shown
        assert f"{plan['apply']['window_ms']} ms after the last dry run" in shown
        assert any('"window_ms": ' in line and "apply ended" in line for line in service.lines)


def test_self_heal_undoes_a_live_edit_after_it_was_seen_in_sync(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service(**HEALING) as service:
        service.first_run()
        s.sandbox.control.edit(BOT, "core", set={"behavior.systemPrompt": "Be funny."})
        service.refresh()
        until_synced(service, BOT)
        [write] = s.writes()
        assert write["body"]["spec"] == {"core": spec(BOT)["core"]}


def test_a_revision_that_changes_much_of_the_fleet_waits_for_people(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service(**ON) as service:
        service.first_run()
        s.repository.commit(edited(BOTS[:4], "Be brief."))
        run = service.refresh()
        said = "its plans change 4 of 6 chatbots"
        assert said in run["message"]
        source = service.get("/sources/default")
        assert source["brake"].startswith("policy.fleet_max_share = 0.3 at revision ")
        assert service.get("/status")["sources"][0]["brake"] == source["brake"]
        plan = service.open_plan(BOT)
        assert (plan["status"], plan["reason"]) == ("Pending", "BlockedByFleetBrake")
        assert 'reconciler_source_brake{source="default"} 1.0' in httpx.get(f"{service.url}/metrics").text
        assert s.writes() == []
        assert service.approve_and_apply(plan)["status"] == "Applied"
        service.refresh()
        assert len(s.writes()) == 1
        actions = [entry["action"] for entry in service.get("/audit?limit=200")["items"]]
        assert actions.count("source.brake") == 1


def test_what_was_there_before_it_was_switched_on_waits_for_people(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s:
        with s.service() as service:
            service.first_run()
            s.repository.commit(edited([BOT], "Be brief."))
            service.refresh()
            assert service.open_plan(BOT)["direction"] == "GitAhead"
        with s.service(**ON) as again:
            run = again.refresh()
            assert run["status"] == "Succeeded"
            plan = again.open_plan(BOT)
            assert plan["message"].endswith("(auto_apply: the chatbot was not in sync since this was set)")
            assert s.writes() == []
            s.repository.commit(edited(["bot_2"], "Be brief."))
            again.refresh()
            until_synced(again, "bot_2")
            assert [write["chatbot_id"] for write in s.writes()] == ["bot_2"]


def test_what_the_server_protects_is_neither_approved_nor_applied(tmp_path: Path) -> None:
    protecting = ON | {"RECONCILER_POLICY__PROTECTED": '["*/core/behavior.*"]'}
    with stage(tmp_path, LIVE, FILES) as s, s.service(**protecting) as service:
        service.first_run()
        s.repository.commit(edited([BOT], "Be brief."))
        service.refresh()
        plan = service.open_plan(BOT)
        assert plan["reason"] == "Protected"
        assert plan["requires"]["protected"] == [
            {"section": "core", "key": "behavior.systemPrompt", "pattern": "*/core/behavior.*"}
        ]
        refused = service.api.post(f"/plans/{plan['id']}/approve", json={"fingerprint": plan["fingerprint"]})
        assert (refused.status_code, refused.json()["code"]) == (409, "protected")
        assert s.writes() == []
