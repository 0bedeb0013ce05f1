import json
from pathlib import Path
from typing import Any

import pytest

from api_client.sandbox import SeedError, default_fleet, generated_fleet, load_fleet
from api_client.sandbox.seed import fleet_json, save_fleet


def seed(folder: Path, value: Any) -> Path:
    path = folder / "seed.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_the_default_fleet_is_the_one_that_the_demo_tells_of() -> None:
    fleet = default_fleet()
    names = {bot.id: bot.section("core")["name"] for bot in fleet}
    assert len(fleet) >= 8
    assert {
        "bot_7f3a": "Acme Support Bot",
        "bot_51c2": "Acme Careers",
        "bot_90de": "IT Helpdesk",
    }.items() <= names.items()
    support = fleet.get("bot_7f3a")
    assert support is not None
    assert {"refunds", "order-status"} <= {skill["name"] for skill in support.section("skills")}
    assert [entry["domain"] for entry in support.section("domains")] == ["old.acme.example", "www.acme.example"]
    assert support.section("mcpServers")


def test_the_default_fleet_has_texts_of_real_length() -> None:
    fleet = list(default_fleet())
    long_prompts = [bot for bot in fleet if len(bot.section("core")["behavior"]["systemPrompt"].splitlines()) >= 10]
    assert len(long_prompts) >= 5
    assert sum(len(bot.section("skills")) >= 2 for bot in fleet) >= 6


def test_a_generated_fleet_has_as_many_chatbots_as_asked_for() -> None:
    fleet = generated_fleet(3)
    assert [bot.id for bot in fleet] == ["bot_00000", "bot_00001", "bot_00002"]


def test_a_saved_fleet_is_read_back_as_it_was(tmp_path: Path) -> None:
    fleet = default_fleet()
    path = tmp_path / "state.json"
    save_fleet(fleet, path)
    assert fleet_json(load_fleet(path)) == fleet_json(fleet)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_nulls_outside_of_core_are_as_good_as_absent(tmp_path: Path) -> None:
    spec = {"core": {"logoUrl": None}, "skills": None, "accessLists": {"authorizedEmails": None}}
    (bot,) = load_fleet(seed(tmp_path, {"chatbots": [{"id": "a", "spec": spec}]}))
    assert bot.config == {**bot.config, "core": {"logoUrl": None}, "skills": [], "accessLists": {}}


def test_files_can_be_included(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "prompt.md").write_text("Be kind.\n")
    (tmp_path / "bot" / "bot.json").write_text(json.dumps({"id": "b", "spec": {"core": {"p": {"$file": "prompt.md"}}}}))
    fleet = load_fleet(seed(tmp_path, {"chatbots": [{"$file": "bot/bot.json"}]}))
    bot = fleet.get("b")
    assert bot is not None
    assert bot.section("core") == {"p": "Be kind.\n"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{", "seed.json:1:2: not JSON"),
        ([], 'expected {"chatbots": [...]}'),
        ({"chatbots": [1]}, "chatbots[0]: Input should be an object"),
        ({"chatbots": [{}]}, "chatbots[0].id: Field required"),
        ({"chatbots": [{"id": "a", "specs": {}}]}, "chatbots[0].specs: Extra inputs"),
        ({"chatbots": [{"id": "a"}, {"id": "a"}]}, "chatbots[1]: chatbot a exists already"),
        ({"chatbots": [{"id": "a", "spec": {"skills": [{"name": "x", "mode": "q"}]}}]}, "spec.skills[0].mode: "),
        (
            {"chatbots": [{"id": "a", "spec": {"skills": [{"name": "x"}, {"name": "x"}]}}]},
            "spec.skills[1]: 'x' is given",
        ),
        (
            {"chatbots": [{"id": "a", "spec": {"domains": [{"domain": ""}]}}]},
            "spec.domains[0]: the item has no identity",
        ),
        ({"chatbots": [{"id": "a", "spec": {"core": {"p": {"$file": "gone.md"}}}}]}, "gone.md: cannot be read"),
        ({"chatbots": [{"id": "a", "updatedAt": "yesterday"}]}, "chatbots[0].updatedAt: "),
        ({"chatbots": [{"id": "a", "dataRegion": "Mars"}]}, "chatbots[0].dataRegion: "),
        ({"chatbots": {"$file": "../outside.json"}}, "lies outside"),
        ({"chatbots": {"$file": "seed.json"}}, "goes deeper than"),
    ],
)
def test_a_bad_seed_says_on_one_line_where_it_is_wrong(tmp_path: Path, value: Any, says: str) -> None:
    path = seed(tmp_path, value)
    with pytest.raises(SeedError) as caught:
        load_fleet(path)
    message = str(caught.value)
    assert says in message
    assert str(tmp_path) in message
    assert "\n" not in message


def test_a_seed_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"none\.json: cannot be read: No such file"):
        load_fleet(tmp_path / "none.json")
