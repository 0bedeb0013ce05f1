"""The chatbots of the stage: what is live, what git says, and what an apply of it must send and leave behind.

Everything here is worked out without the service's code: it is what the judge compares with.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from api_client.contract import LIST_SECTIONS

Json = dict[str, Any]


def bot_id(number: int) -> str:
    """The id of a chatbot."""
    return f"bot_{number:02d}"


def live_spec(number: int) -> Json:
    """What is live at first."""
    return {
        "core": {"name": f"Bot {number}", "behavior": {"systemPrompt": "Old."}},
        "skills": [
            {"name": "hours", "body": "9 to 17.", "mode": "on_demand"},
            {"name": "refunds", "body": "Ask a person.", "mode": "on_demand"},
        ],
        "domains": [{"domain": "shop.example.com"}],
    }


def desired_spec(number: int, version: int = 1) -> Json:
    """What git says: an update of `core`, an update and a create of skills, and for every third a delete."""
    hours = {"name": "hours", "body": f"8 to 18, says version {version}.", "mode": "on_demand"}
    orders = {"name": "orders", "body": f"Look the order up ({version}).", "mode": "on_demand"}
    refunds = {"name": "refunds", "body": "Ask a person.", "mode": "on_demand"}
    return {
        "core": {"name": f"Bot {number}", "behavior": {"systemPrompt": f"Be kind, version {version}."}},
        "skills": [hours, orders] if prunes(number) else [hours, orders, refunds],
        # as it is live: a section that no approved body may hold
        "domains": [{"domain": "shop.example.com"}],
    }


def prunes(number: int) -> bool:
    """Whether the chatbot's document deletes what it does not name."""
    return number % 3 == 2


def document(number: int, version: int = 1) -> str:
    """The document in git."""
    whole = {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "metadata": {"chatbotId": bot_id(number)},
        "prune": prunes(number),
        "spec": desired_spec(number, version),
    }
    return json.dumps(whole, indent=1)


def files(count: int, version: int = 1) -> dict[str, str]:
    """The repository."""
    return {f"chatbots/{bot_id(number)}.json": document(number, version) for number in range(count)}


@dataclass(frozen=True, slots=True)
class Place:
    """One op as the judge tells it apart."""

    section: str
    action: str
    key: str | None

    @classmethod
    def of(cls, op: Mapping[str, Any]) -> "Place":
        section = str(op["section"])
        key = op.get("key") if section in LIST_SECTIONS else None
        return cls(section, str(op["action"]), key)


def expected_body(spec: Mapping[str, Any], ops: Iterable[Mapping[str, Any]]) -> Json:
    """What an apply of these ops may send: the sections that they are in, and prune when one deletes."""
    wanted = [op for op in ops if op["action"] != "noop"]
    sections = {op["section"] for op in wanted}
    return {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "prune": any(op["action"] == "delete" for op in wanted),
        "spec": {name: value for name, value in spec.items() if name in sections},
    }


def body_hash(body: Mapping[str, Any]) -> str:
    """The hash of the one way to write a body."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def holds(config: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a live configuration is as the body wants it."""
    return all(_section_holds(config.get(name), value, body, name) for name, value in body["spec"].items())


def _section_holds(live: Any, wanted: Any, body: Mapping[str, Any], section: str) -> bool:
    if section not in LIST_SECTIONS:
        return _within(wanted, live or {})
    key = LIST_SECTIONS[section]
    items = {item[key]: item for item in live or ()}
    names = {item[key] for item in wanted}
    complete = all(item[key] in items and _within(item, items[item[key]]) for item in wanted)
    return complete and not (body["prune"] and set(items) - names)


def _within(wanted: Any, live: Any) -> bool:
    """Whether everything stated stands so."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(name in live and _within(wanted[name], live[name]) for name in wanted)
    return bool(wanted == live)
