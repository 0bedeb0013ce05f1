"""The official client drives the sandbox through the whole page that describes it."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from wizchat_management import ChatbotConfigDocument, WizChatApiError, WizChatClient

from api_client.sandbox import SandboxServer
from tests.support.waiting import PATIENCE

BOT = "bot_7f3a"


@pytest.fixture
def wizchat(sandbox: SandboxServer) -> Iterator[WizChatClient]:
    with WizChatClient(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        yield client


def test_quickstart(wizchat: WizChatClient) -> None:
    chatbot_id = wizchat.list_chatbots()[0].id
    config = wizchat.get_config(chatbot_id)
    core = dict(config.spec.core or {})
    core["name"] = "Renamed"
    config.spec.core = core
    plan = wizchat.apply_config(chatbot_id, config, dry_run=True)
    assert (plan.plan.summary.update, plan.plan.summary.delete, plan.plan.summary.create) == (1, 0, 0)
    assert plan.applied is None
    result = wizchat.apply_config(chatbot_id, config)
    assert result.failed is None
    assert result.applied is not None
    assert wizchat.get_chatbot(chatbot_id).name == "Renamed"
    assert result.config is not None
    assert wizchat.apply_config(chatbot_id, result.config, dry_run=True).plan.summary.update == 0


def test_partial_failure_is_returned_and_a_second_apply_finishes(
    sandbox: SandboxServer, wizchat: WizChatClient
) -> None:
    config = wizchat.get_config(BOT)
    skills = config.spec.skills or []
    for skill in skills:
        skill.body = f"{skill.body}\nAsk first."
    sandbox.control.add_fault("op_failure", section="skills", key="refunds", status=503, code="busy", message="Busy.")
    result = wizchat.apply_config(BOT, config)
    assert result.failed is not None
    assert (result.failed.status, result.failed.code, result.failed.message) == (503, "busy", "Busy.")
    assert result.failed.op["key"] == "refunds"
    done = {item.key for item in result.applied or [] if item.section == "skills"}
    assert done == {"order-status"}
    again = wizchat.apply_config(BOT, config)
    assert again.failed is None
    assert wizchat.apply_config(BOT, config, dry_run=True).plan.summary.update == 0


def test_prune_deletes_what_is_absent_and_shows_it_first(wizchat: WizChatClient) -> None:
    config = wizchat.get_config(BOT)
    config.spec.domains = []
    assert wizchat.apply_config(BOT, config, dry_run=True).plan.summary.delete == 2
    assert wizchat.apply_config(BOT, config, prune=False).plan.summary.delete == 0
    assert len(wizchat.get_config(BOT).spec.domains or []) == 2
    wizchat.apply_config(BOT, config)
    assert wizchat.get_config(BOT).spec.domains == []


def test_a_section_that_is_absent_is_never_pruned(wizchat: WizChatClient) -> None:
    document = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Only this"}}}
    wizchat.apply_config(BOT, document)
    assert len(wizchat.get_config(BOT).spec.skills or []) == 3


def test_errors_have_status_code_message_and_details(sandbox: SandboxServer, wizchat: WizChatClient) -> None:
    with pytest.raises(WizChatApiError) as missing:
        wizchat.get_chatbot("none")
    assert (missing.value.status, missing.value.code) == (404, "not_found")
    sandbox.control.put_key("reader", key="wpk_live_reader", scopes=["chatbots:read"])
    with WizChatClient(api_key="wpk_live_reader", base_url=sandbox.url) as reader:
        config = reader.get_config(BOT)
        assert "skills" in (config.field_omittedSections or [])
        with pytest.raises(WizChatApiError) as scope:
            reader.apply_config(BOT, config)
    assert (scope.value.code, scope.value.details) == ("insufficient_scope", {"requiredScope": "chatbots:write"})
    with WizChatClient(api_key="wrong", base_url=sandbox.url) as stranger, pytest.raises(WizChatApiError) as key:
        stranger.list_chatbots()
    assert (key.value.status, key.value.code) == (401, "invalid_api_key")
    with pytest.raises(WizChatApiError) as bad:
        wizchat.apply_config(BOT, {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"unknown": {}}})
    assert (bad.value.status, bad.value.code) == (400, "bad_request")
    assert bad.value.details is not None
    sandbox.control.add_fault("html", status=502)
    with pytest.raises(WizChatApiError) as page:
        wizchat.list_chatbots()
    assert page.value.code == "http_502"


def test_every_export_can_be_sent_back_unchanged(wizchat: WizChatClient) -> None:
    for chatbot in wizchat.list_chatbots():
        config = wizchat.get_config(chatbot.id)
        assert isinstance(config, ChatbotConfigDocument)
        summary = wizchat.apply_config(chatbot.id, config, dry_run=True).plan.summary
        assert (summary.create, summary.update, summary.delete) == (0, 0, 0)


def test_a_server_that_stopped_accepts_no_more() -> None:
    with SandboxServer() as server:
        url = httpx.URL(server.url)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((url.host, url.port or 0), timeout=PATIENCE).close()
