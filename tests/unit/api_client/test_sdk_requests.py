"""What the clients put on the wire."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_client import AsyncWizChatClient, ChatbotConfigDocument, WizChatClient, document_body
from api_client._wire import chatbot_path

DOCUMENT: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Acme"}}}
RESULT = {
    "dryRun": True,
    "plan": {"ops": [], "summary": {"create": 0, "update": 0, "delete": 0, "noop": 0}},
}


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."} and text.isprintable()))
def test_an_id_stays_one_segment_of_the_path(chatbot_id: str) -> None:
    url = httpx.URL(f"https://wizchat.example{chatbot_path(chatbot_id)}/config")
    segments = url.raw_path.decode().split("/")
    assert segments[:4] == ["", "api", "v1", "chatbots"]
    assert segments[5:] == ["config"]
    assert unquote(segments[4]) == chatbot_id


def test_a_path_in_an_id_cannot_leave_its_segment(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    sent = script(httpx.Response(200, json={"chatbot": {"id": "x", "name": "x"}}))
    call("get_chatbot", "../admin?x=1#y", transport=sent.transport)
    assert sent.requests[0].url.raw_path == b"/api/v1/chatbots/..%2Fadmin%3Fx%3D1%23y"


@pytest.mark.parametrize("chatbot_id", ["", ".", ".."])
def test_an_id_that_no_quoting_keeps_in_its_segment_is_refused(call: Callable[..., Any], chatbot_id: str) -> None:
    with pytest.raises(ValueError, match="names no chatbot"):
        call("get_config", chatbot_id)


@pytest.mark.parametrize(
    ("method", "args", "apply", "answer", "line"),
    [
        ("list_chatbots", (), None, {"chatbots": []}, "GET /api/v1/chatbots"),
        ("get_chatbot", ("b",), None, {"chatbot": {"id": "b", "name": "B"}}, "GET /api/v1/chatbots/b"),
        ("get_config", ("b",), None, DOCUMENT, "GET /api/v1/chatbots/b/config"),
        ("apply_config", ("b", DOCUMENT), {"dry_run": True}, RESULT, "POST /api/v1/chatbots/b/apply?dryRun=true"),
        (
            "apply_config",
            ("b", DOCUMENT),
            {"dry_run": False},
            {**RESULT, "dryRun": False},
            "POST /api/v1/chatbots/b/apply",
        ),
    ],
)
def test_each_call_is_one_request(
    call: Callable[..., Any],
    script: Callable[..., Any],
    method: str,
    args: tuple[Any, ...],
    apply: dict[str, Any] | None,
    answer: dict[str, Any],
    line: str,
) -> None:
    sent = script(httpx.Response(200, json=answer))
    call(method, *args, apply=apply, transport=sent.transport)
    (request,) = sent.requests
    assert f"{request.method} {request.url.raw_path.decode()}" == line


def test_bytes_are_sent_as_they_are(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    sent = script(httpx.Response(200, json=RESULT))
    body = b'{ "kind":"ChatbotConfig", "dryRun": true }'
    call("apply_config", "bot_1", body, transport=sent.transport)
    assert sent.requests[0].content == body
    assert sent.requests[0].headers["content-type"] == "application/json"


def test_prune_cannot_be_set_on_bytes(call: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="prune cannot be set"):
        call("apply_config", "bot_1", b"{}", apply={"prune": True})


def test_the_callers_mapping_is_not_changed(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    sent = script(httpx.Response(200, json=RESULT))
    document = {**DOCUMENT, "dryRun": True, "_omittedSections": ["skills"], "prune": True}
    before = json.dumps(document)
    call("apply_config", "bot_1", document, apply={"prune": False, "dry_run": True}, transport=sent.transport)
    assert json.dumps(document) == before
    assert json.loads(sent.requests[0].content) == {**DOCUMENT, "prune": False}


def test_what_the_server_adds_tomorrow_comes_back_to_it_unchanged(
    call: Callable[..., Any], script: Callable[..., Any]
) -> None:
    exported = {
        **DOCUMENT,
        "future": {"a": None},
        "_omittedSections": [],
        "spec": {
            "core": {"name": "Acme", "logoUrl": None},
            "scopes": {"scopes": [{"id": "s", "new": 1}, {"id": "t"}], "alsoNew": [1]},
            "accessProtection": {"jwtConfig": {"enabled": True, "leeway": 3}},
            "skills": [{"name": "refunds", "mode": "always", "priority": None}],
            "voices": [{"name": "anna"}],
        },
    }
    config = call("get_config", "bot_1", transport=script(httpx.Response(200, json=exported)).transport)
    sent = script(httpx.Response(200, json=RESULT))
    call("apply_config", "bot_1", config, apply={"dry_run": True}, transport=sent.transport)
    del exported["_omittedSections"]
    assert json.loads(sent.requests[0].content) == exported


def test_a_models_nulls_are_left_out_but_those_of_free_objects_stay() -> None:
    skill = {"name": "refunds", "description": None}
    document = ChatbotConfigDocument.model_validate(
        {**DOCUMENT, "spec": {"core": {"logoUrl": None}, "skills": [skill]}}
    )
    assert document_body(document)["spec"] == {"core": {"logoUrl": None}, "skills": [{"name": "refunds"}]}


def test_a_document_made_by_a_person_is_held_to_the_contract() -> None:
    with pytest.raises(ValueError, match="skils"):
        ChatbotConfigDocument.model_validate({**DOCUMENT, "spec": {"skils": []}})


@pytest.mark.parametrize("key", ["wpk_live_secret\n", "wpk live secret", "wpk_live_sécret"])
@pytest.mark.parametrize("kind", [WizChatClient, AsyncWizChatClient])
def test_a_key_that_no_header_carries_is_refused_without_repeating_it(kind: Any, key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as caught:
        kind(key)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", [WizChatClient, AsyncWizChatClient])
@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"api_key": ""}, "api_key"),
        ({"base_url": "wizchat.example"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"base_url": "https://h:port"}, "base_url"),
        ({"base_url": "https://no host"}, "base_url"),
        ({"base_url": "https://user:pw@wizchat.example"}, "base_url holds credentials"),
        ({"base_url": "https://user:1/w@wizchat.example"}, "leave them out, as in https://www.wizchat.com$"),
        ({"base_url": "https://wizchat.example?x=1"}, "query or a fragment: write https://wizchat.example$"),
        ({"base_url": "https://wizchat.example/?"}, "query or a fragment: write https://wizchat.example$"),
        ({"base_url": "https://wizchat.example#top"}, "query or a fragment: write https://wizchat.example$"),
        ({"base_url": "https://wizchat.example/api/v1/"}, "has a path: write https://wizchat.example,"),
        ({"base_url": "https://wizchat.example:8443//x"}, "has a path: write https://wizchat.example:8443,"),
        ({"base_url": "https://wizchat.example/;x"}, "has a path"),
        ({"base_url": "https://wizchat.example\\api"}, "is not a URL"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"max_answer_bytes": 0}, "max_answer_bytes"),
        ({"max_retries": -1}, "max_retries"),
        ({"backoff": -1.0}, "backoff"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_at_once(kind: Any, options: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        kind(**{"api_key": "wpk_live_x", **options})


@pytest.mark.parametrize("base_url", ["https://h.example/", "https://h.example///", "https://h.example"])
def test_a_trailing_slash_of_the_base_url_does_not_matter(
    call: Callable[..., Any], script: Callable[..., Any], base_url: str
) -> None:
    sent = script(httpx.Response(200, json={"chatbots": []}))
    call("list_chatbots", transport=sent.transport, base_url=base_url)
    assert str(sent.requests[0].url) == "https://h.example/api/v1/chatbots"
