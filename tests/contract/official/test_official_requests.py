"""Given the same calls, our clients put on the wire what the official client does, byte for byte.

Where ours differs on purpose, `DIFFERS` names the row of the table "What the official SDK gets wrong, which ours
mends".
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from wizchat_management import ChatbotConfigDocument as OfficialDocument
from wizchat_management import WizChatClient as OfficialClient

from api_client import AsyncWizChatClient, ChatbotConfigDocument, WizChatClient

KEY = "wpk_live_test_0123456789"
RESULT = {"dryRun": True, "plan": {"ops": [], "summary": {"create": 0, "update": 0, "delete": 0, "noop": 0}}}
ANSWERS = {
    "list_chatbots": {"chatbots": []},
    "get_chatbot": {"chatbot": {"id": "x", "name": "x"}},
    "get_config": {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}},
    "apply_config": RESULT,
}


def document(spec: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ChatbotConfig", **top, "spec": spec or {}}


@dataclass(frozen=True)
class Recorded:
    """One call; a `model` is given to each side as its own model."""

    name: str
    method: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    model: bool = False
    client: dict[str, Any] = field(default_factory=dict)


SKILLS = [
    {
        "name": "refunds",
        "mode": "on_demand",
        "enabled": True,
        "body": "# Refunds\n\n“Thirty” days ✓",
        "description": None,
    },
    {"name": "tone", "mode": "always", "linkedServerIds": ["mcp_1"], "linkedAgentIds": []},
]
SERVERS = [
    {"name": "crm", "type": "generic", "transport": "http", "url": "https://crm.example/mcp", "tools": [{"a": None}]}
]
FULL = {
    "core": {
        "name": "Acme",
        "logoUrl": None,
        "behavior": {"systemPrompt": "Be kind.\n", "temperature": 0.2, "n": [1, None]},
    },
    "scopes": {
        "scopes": [{"id": "sw", "label": "SW", "sourceQuality": "high"}],
        "uiTree": [{"id": 1}],
        "defaultSlotId": "a",
    },
    "accessProtection": {"enabled": True, "jwtConfig": {"enabled": False, "hasSecret": True}},
    "externalApi": {"enabled": True, "rateLimitPerMinute": 60},
    "accessLists": {
        "authorizedEmails": ["a@example.com"],
        "authorizedDomains": [],
        "allowedEmbedDomains": ["example.com"],
    },
    "telemetry": {"level": "anonymized", "retentionMonths": 6},
    "mcpServers": SERVERS,
    "skills": SKILLS,
    "domains": [{"domain": "bot.example.com"}],
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "empty": document(),
    "core": document({"core": {"name": "Acme"}}),
    "full": document(FULL),
    "full, prune": document(FULL, prune=True),
    "no prune": document({"skills": SKILLS}, prune=False),
    "empty lists": document({"skills": [], "mcpServers": [], "domains": []}),
    "omitted sections": document({"core": {}}, _omittedSections=["skills"]),
}
MAPPINGS: dict[str, dict[str, Any]] = {
    "stray dryRun": document({"core": {"name": "Acme"}}, dryRun=True),
    "nulls": {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": None, "spec": {"skills": None, "core": None}},
    "foreign": {"anything": [1, 2.5, True, None, 'é\u2028"\\/'], "spec": {}},
}
CALLS = [
    Recorded("list", "list_chatbots"),
    Recorded("list from staging", "list_chatbots", client={"base_url": "https://staging.example.com"}),
    Recorded("list from a port", "list_chatbots", client={"base_url": "http://127.0.0.1:8080/"}),
    *(Recorded(f"get {name}", "get_chatbot", (name,)) for name in ("bot_1", "abc123xyz", "A-b_c.d~e", "0")),
    *(Recorded(f"config {name}", "get_config", (name,)) for name in ("bot_1", "abc123xyz", "A-b_c.d~e")),
    *(Recorded(f"apply model: {n}", "apply_config", ("bot_1", d), model=True) for n, d in DOCUMENTS.items()),
    *(Recorded(f"apply mapping: {n}", "apply_config", ("bot_1", d)) for n, d in {**DOCUMENTS, **MAPPINGS}.items()),
    *(
        Recorded(f"dry run {n}", "apply_config", ("bot_1", d), {"dry_run": True}, model=n != "stray dryRun")
        for n, d in {**DOCUMENTS, "stray dryRun": MAPPINGS["stray dryRun"]}.items()
    ),
    *(
        Recorded(
            f"prune={prune} over {n}{' as model' * model}",
            "apply_config",
            ("bot_1", DOCUMENTS[n]),
            {"prune": prune},
            model=model,
        )
        for n in ("full, prune", "no prune", "core")
        for prune in (True, False)
        for model in (True, False)
    ),
    Recorded("dry run with prune", "apply_config", ("b", DOCUMENTS["full"]), {"dry_run": True, "prune": False}),
]
DIFFERS = {
    "`chatbot_id` is pasted into the URL path unquoted": [
        ("../../v1/chatbots", "/api/v1/chatbots/..%2F..%2Fv1%2Fchatbots"),
        ("a/apply", "/api/v1/chatbots/a%2Fapply"),
        ("a?dryRun=true", "/api/v1/chatbots/a%3FdryRun%3Dtrue"),
        ("a#b", "/api/v1/chatbots/a%23b"),
        ("a%2Fb", "/api/v1/chatbots/a%252Fb"),
    ],
}


@dataclass
class Wire:
    """A transport that keeps what was sent."""

    answer: Any
    sent: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, json=self.answer)

    @property
    def what_matters(self) -> list[Any]:
        headers = ("authorization", "content-type", "accept", "host", "content-length")
        return [
            (sent.method, str(sent.url), sent.content, [sent.headers.get(name) for name in headers])
            for sent in self.sent
        ]


def arguments(recorded: Recorded, model: type[Any]) -> tuple[Any, ...]:
    if not recorded.model:
        return recorded.args
    chatbot_id, body = recorded.args
    return chatbot_id, model.model_validate(body)


def by_sync(client_type: type[Any], model: type[Any], recorded: Recorded) -> list[Any]:
    wire = Wire(ANSWERS[recorded.method])
    with client_type(KEY, transport=httpx.MockTransport(wire), **recorded.client) as client:
        getattr(client, recorded.method)(*arguments(recorded, model), **recorded.options)
    return wire.what_matters


def by_official(recorded: Recorded) -> list[Any]:
    return by_sync(OfficialClient, OfficialDocument, recorded)


def by_ours(recorded: Recorded) -> list[Any]:
    return by_sync(WizChatClient, ChatbotConfigDocument, recorded)


def by_ours_async(recorded: Recorded) -> list[Any]:
    async def call() -> list[Any]:
        wire = Wire(ANSWERS[recorded.method])
        async with AsyncWizChatClient(KEY, transport=httpx.MockTransport(wire), **recorded.client) as client:
            await getattr(client, recorded.method)(*arguments(recorded, ChatbotConfigDocument), **recorded.options)
        return wire.what_matters

    return asyncio.run(call())


Side = Callable[[Recorded], list[Any]]
both = pytest.mark.parametrize("ours", [by_ours, by_ours_async])


def test_at_least_thirty_calls_are_compared() -> None:
    assert len({recorded.name for recorded in CALLS}) == len(CALLS) >= 30


@both
@pytest.mark.parametrize("recorded", CALLS, ids=lambda recorded: recorded.name)
def test_the_same_call_sends_the_same_bytes(ours: Side, recorded: Recorded) -> None:
    assert ours(recorded) == by_official(recorded)


@both
@pytest.mark.parametrize(
    ("row", "chatbot_id", "path"), [(row, *case) for row, cases in DIFFERS.items() for case in cases]
)
def test_a_call_differs_only_where_a_row_of_the_table_says_so(ours: Side, row: str, chatbot_id: str, path: str) -> None:
    recorded = Recorded(row, "get_chatbot", (chatbot_id,))
    (_, url, *rest), (_, official_url, *official_rest) = ours(recorded)[0], by_official(recorded)[0]
    assert url == f"https://www.wizchat.com{path}"
    assert (url != official_url, rest) == (True, official_rest), row


@both
def test_values_that_json_has_no_word_for_are_written_alike(ours: Side) -> None:
    """A free object of a model may hold what pydantic can write, such as times."""
    core = {"name": "Acme", "since": datetime(2026, 1, 2, tzinfo=UTC), "tags": ("a", "b")}
    recorded = Recorded("times", "apply_config", ("bot_1", document({"core": core})), model=True)
    assert ours(recorded) == by_official(recorded)


@both
@pytest.mark.parametrize("bad", [float("nan"), object()], ids=["nan", "object"])
def test_what_is_no_json_is_refused_alike(ours: Side, bad: Any) -> None:
    recorded = Recorded("bad", "apply_config", ("bot_1", document({"core": {"x": bad}})))
    with pytest.raises((TypeError, ValueError)) as official_error:
        by_official(recorded)
    with pytest.raises(type(official_error.value)):
        ours(recorded)
