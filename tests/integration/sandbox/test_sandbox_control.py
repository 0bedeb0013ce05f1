"""The control surface: what happens at WizChat's side without the API."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api_client.sandbox import SandboxControl, SandboxServer, generated_fleet
from tests.support.loopback import LOOPBACK

BOT = "bot_7f3a"


def spec_of(api: httpx.Client) -> dict[str, Any]:
    spec: dict[str, Any] = api.get(f"/chatbots/{BOT}/config").json()["spec"]
    return spec


def test_a_live_edit_sets_paths_and_moves_updated_at(api: httpx.Client, control: SandboxControl) -> None:
    before = api.get(f"/chatbots/{BOT}").json()["chatbot"]["updatedAt"]
    control.edit(BOT, "core", set={"name": "By hand", "behavior.tone": "curt", "new.deep.path": 1})
    core = spec_of(api)["core"]
    assert (core["name"], core["behavior"]["tone"], core["new"]) == ("By hand", "curt", {"deep": {"path": 1}})
    assert core["behavior"]["systemPrompt"].startswith("You are the support assistant of Acme")
    control.edit(BOT, "core", unset=["new.deep"])
    assert spec_of(api)["core"]["new"] == {}
    assert api.get(f"/chatbots/{BOT}").json()["chatbot"]["updatedAt"] > before


def test_a_path_that_names_a_key_exactly_means_that_key(api: httpx.Client, control: SandboxControl) -> None:
    control.edit(BOT, "core", value={"name": "A", "a.b": 1})
    control.edit(BOT, "core", set={"a.b": 2})
    assert spec_of(api)["core"] == {"name": "A", "a.b": 2}


def test_items_are_edited_created_and_deleted(api: httpx.Client, control: SandboxControl) -> None:
    control.edit(BOT, "skills", key="refunds", set={"body": "By hand."})
    control.edit(BOT, "skills", key="order-status", delete=True)
    control.edit(BOT, "skills", key="hours", value={"body": "8 to 20."})
    skills = {skill["name"]: skill for skill in spec_of(api)["skills"]}
    assert skills["refunds"]["body"] == "By hand."
    assert "order-status" not in skills
    assert skills["hours"]["id"].startswith("skill_")


@pytest.mark.parametrize(
    "edit",
    [
        {"section": "nothing", "set": {"a": 1}},
        {"section": "core"},
        {"section": "core", "key": "a", "set": {"a": 1}},
        {"section": "skills", "set": {"a": 1}},
        {"section": "skills", "key": "none", "set": {"body": ""}},
        {"section": "skills", "key": "refunds", "set": {"mode": "never"}},
        {"section": "skills", "key": "refunds", "delete": True, "value": {}},
        {"section": "core", "unset": ["gone"]},
        {"section": "core", "set": {"name.first": "A"}},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(sandbox: SandboxServer, edit: dict[str, Any]) -> None:
    response = httpx.post(f"{sandbox.url}/_sandbox/chatbots/{BOT}/edit", json=edit, **LOOPBACK)
    assert response.status_code == 422


def test_chatbots_come_and_go(api: httpx.Client, control: SandboxControl) -> None:
    control.add_chatbot("bot_new", {"core": {"name": "New"}})
    assert api.get("/chatbots/bot_new").json()["chatbot"]["name"] == "New"
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        control.add_chatbot("bot_new", {})
    control.remove_chatbot("bot_new")
    assert api.get("/chatbots/bot_new").status_code == 404
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        control.remove_chatbot("bot_new")


def test_keys_come_and_go(sandbox: SandboxServer, api: httpx.Client) -> None:
    headers = {"Authorization": "Bearer wpk_live_second"}
    assert api.get("/chatbots", headers=headers).status_code == 401
    sandbox.control.put_key("second", key="wpk_live_second")
    assert api.get("/chatbots", headers=headers).status_code == 200
    sandbox.control.put_key("second", scopes=["skills:read"])
    assert api.get("/chatbots", headers=headers).status_code == 403
    sandbox.control.remove_key("second")
    assert api.get("/chatbots", headers=headers).status_code == 401


def test_the_control_surface_asks_for_no_key_and_is_not_journaled(sandbox: SandboxServer) -> None:
    assert sandbox.control.state()["keys"][0]["name"] == "default"
    assert sandbox.control.journal()["requests"] == []


def test_the_state_file_keeps_every_change(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with SandboxServer(state_file=state) as server:
        server.control.edit(BOT, "core", set={"name": "Kept"})
        server.control.remove_chatbot("bot_a38e")
    with SandboxServer(state_file=state, fleet=generated_fleet(1)) as server:
        chatbots = {bot["id"]: bot for bot in server.control.state()["chatbots"]}
    assert chatbots[BOT]["spec"]["core"]["name"] == "Kept"
    assert "bot_a38e" not in chatbots
    assert "bot_00000" not in chatbots
