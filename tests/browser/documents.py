"""A fleet with everything in it that a page can show: what both sides agreed on, and how each of them moved."""

from typing import Any, Final

from tests.support.world import document

SUPPORT, SALES = "support", "sales"
"""The sources."""

GIT_AHEAD, LIVE_AHEAD, DIVERGED = "bot_orders", "bot_repairs", "bot_invoices"
DELETES, HELD, REFUSED, BAD, GONE = "bot_archive", "bot_holiday", "bot_beta", "bot_typo", "bot_gone"
MISTYPED: Final = "bot_wellcome"
"""A chatbot that never was: its document is removed by the second commit."""
APPROVED, APPLIED = "bot_returns", "bot_welcome"
SAME: Final = tuple(f"bot_shop_{country}" for country in ("at", "be", "ch", "de"))
"""Chatbots that all get the very same change."""
CALM: Final = tuple(f"bot_desk_{n:02}" for n in range(8))

_PROMPT: Final = """\
You answer the customers of Acme, politely and to the point.

## What you do
Help with orders, returns and repairs. Two short paragraphs are usually enough.
Never guess a delivery date: look the order up, or hand over to a colleague.

## What you leave alone
Prices of business customers, and anything about the law.
"""
_NEW_PROMPT: Final = _PROMPT.replace(
    "Two short paragraphs are usually enough.", "Answer in at most three sentences, and end with one question."
).replace("Never guess", "Never ever guess")
_REFUNDS: Final = "# Refunds\n\n1. Ask for the order number.\n2. Refund within 14 days.\n"
_RETURNS: Final = "# Returns in the EU\n\nA return is free for 30 days from delivery.\nAfter that, hand over.\n"


def skill(name: str, body: str = _REFUNDS, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"About {name}.", "mode": "on_demand", "body": body, **more}


def bot(name: str, prompt: str = _PROMPT, **more: Any) -> dict[str, Any]:
    core = {
        "name": name,
        "aiConfig": {"temperature": 0.3},
        "behavior": {"systemPrompt": prompt, "tone": "friendly", "firstMessage": "Hello! What is it about?"},
    }
    return {"core": core, "skills": [skill("refunds"), skill("warranty")], **more}


def _archive(skills: int) -> dict[str, Any]:
    servers = [{"name": "orders", "type": "generic", "transport": "http", "url": "https://mcp.acme.example/orders"}]
    return bot(
        "Archive",
        skills=[skill("refunds"), *(skill(f"old rule {n}", f"Rule {n} of 2019.\n") for n in range(skills))],
        domains=[{"domain": "acme.example"}, *([{"domain": "old.acme.example"}] if skills else [])],
        mcpServers=servers if skills else [],
    )


def agreed() -> dict[str, dict[str, Any]]:
    """Chatbot id → what it is, live and in git, at the first run."""
    return {
        GIT_AHEAD: bot("Orders"),
        LIVE_AHEAD: bot("Repairs"),
        DIVERGED: bot("Invoices"),
        DELETES: _archive(3),
        HELD: bot("Holiday greetings"),
        REFUSED: bot("Beta"),
        BAD: bot("Typo"),
        APPROVED: bot("Returns"),
        APPLIED: bot("Welcome"),
        **{key: bot(f"Shop {key[-2:].upper()}") for key in SAME},
        **{key: bot(f"Desk {n}") for n, key in enumerate(CALM)},
    }


def source_of(chatbot_id: str) -> str:
    return SALES if chatbot_id in {*SAME, GONE} else SUPPORT


def path_of(chatbot_id: str) -> str:
    return f"{source_of(chatbot_id)}/{chatbot_id}.json"


def file_of(chatbot_id: str, body: dict[str, Any], **more: Any) -> dict[str, str]:
    labels = {"team": source_of(chatbot_id), "env": "prod"}
    more["metadata"] = {"chatbotId": chatbot_id, "labels": labels}
    return {path_of(chatbot_id): document(body, chatbot_id, **more)}


def first_files() -> dict[str, str]:
    """The first commit: exactly what is live, and a mistake."""
    files: dict[str, str] = {}
    for chatbot_id, body in agreed().items():
        files |= file_of(chatbot_id, body, prune=chatbot_id == DELETES)
    return files | file_of(MISTYPED, bot("Welcome"))


def later_files() -> dict[str, str]:
    """The second commit: what git wants to be otherwise."""
    changed = {
        GIT_AHEAD: bot("Orders", _NEW_PROMPT, skills=[skill("refunds"), skill("warranty"), skill("returns", _RETURNS)]),
        DIVERGED: bot("Invoices", _PROMPT.replace("Acme", "Acme and its shops")),
        HELD: bot("Holiday greetings", _PROMPT + "\nWish everybody a happy new year.\n"),
        REFUSED: bot("Beta", "Say only yes.\n"),
        APPROVED: bot("Returns", _PROMPT.replace("politely", "kindly")),
        APPLIED: bot("Welcome", _PROMPT.replace("politely", "warmly")),
        GONE: bot("Gone"),
        **{key: bot(f"Shop {key[-2:].upper()}", domains=[{"domain": "shop.acme.example"}]) for key in SAME},
    }
    files = file_of(DELETES, _archive(0), prune=True)
    for chatbot_id, body in changed.items():
        files |= file_of(chatbot_id, body)
    bad = document({"core": bot("Typo")["core"], "skils": []}, BAD)
    return files | {path_of(BAD): bad, f"{SUPPORT}/notes.yaml": "apiVersion: v1\nkind: [ChatbotConfig\n"}
