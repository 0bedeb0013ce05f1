from typing import Any

from api_client.models import ChatbotConfigDocument, PublicChatbot
from api_client.sandbox import ApiKey, Chatbot, Fleet, default_fleet
from api_client.sandbox.views import config_document, public_chatbot, read_config
from tests.fakes.clock import START


def chatbot(**spec: Any) -> Chatbot:
    (made,) = Fleet([Chatbot(id="bot_1", config=spec)])
    return made


def test_counters_and_timestamps_move_from_read_to_read_under_a_standing_clock() -> None:
    bot = chatbot(
        mcpServers=[{"name": "crm", "toolsDiscoveredAt": "2026-01-01T00:00:00.000Z", "authorizedEmailCount": 4}],
        skills=[{"name": "a", "updatedAt": "2026-01-01T00:00:00.000Z"}],
        scopes={"scopes": [{"id": "s", "authorizedEmailCount": 1}]},
    )
    first, second = read_config(bot, START), read_config(bot, START)
    for section in ("mcpServers", "skills"):
        assert first[section] != second[section]
    assert first["scopes"] != second["scopes"]


def test_the_movement_is_the_same_in_every_run() -> None:
    spec = {"skills": [{"name": "a", "updatedAt": "2026-01-01T00:00:00.000Z"}]}
    assert read_config(chatbot(**spec), START) == read_config(chatbot(**spec), START)


def test_reading_does_not_change_what_is_kept() -> None:
    bot = chatbot(skills=[{"name": "a", "updatedAt": "2026-01-01T00:00:00.000Z"}])
    read_config(bot, START)
    assert bot.section("skills") == [{"name": "a", "updatedAt": "2026-01-01T00:00:00.000Z"}]


def test_sections_beyond_the_key_are_left_out_and_named() -> None:
    bot = chatbot(core={"name": "A"}, skills=[{"name": "a"}])
    key = ApiKey(name="k", secret="s", scopes=frozenset({"chatbots:read", "domains:read"}))
    document = config_document(read_config(bot, START), key)
    assert list(document["spec"]) == ["core", "scopes", "domains"]
    assert document["_omittedSections"] == [
        "accessProtection",
        "externalApi",
        "accessLists",
        "telemetry",
        "mcpServers",
        "skills",
    ]


def test_the_name_is_that_of_core_and_values_of_other_types_are_not_shown() -> None:
    bot = chatbot(core={"name": "Acme", "status": "no such status", "requireAuth": "yes", "description": "d"})
    shown = public_chatbot(bot, START)
    assert shown["name"] == "Acme"
    assert shown["description"] == "d"
    assert "status" not in shown
    assert "requireAuth" not in shown
    assert public_chatbot(chatbot(core={"name": 7}), START)["name"] == "bot_1"


def test_what_is_shown_of_the_default_fleet_keeps_the_contract() -> None:
    everything = ApiKey(name="all", secret="wpk_live_all")
    for bot in default_fleet():
        PublicChatbot.model_validate(public_chatbot(bot, START))
        ChatbotConfigDocument.model_validate(config_document(read_config(bot, START), everything))
