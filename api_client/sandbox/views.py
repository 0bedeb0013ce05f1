"""Responses of the API: chatbots and configuration documents, with values that change by themselves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from api_client.contract import SECTION_SCOPES, SECTIONS
from api_client.models import Status2
from api_client.sandbox.auth import ApiKey
from api_client.sandbox.clock import timestamp
from api_client.sandbox.fleet import Chatbot

Json = dict[str, Any]
_STATUSES = frozenset(status.value for status in Status2)
# `core` is a free object, `PublicChatbot` is not: a value of another type is not shown.
_CORE_SHOWN: dict[str, Callable[[Any], bool]] = {
    "description": lambda value: isinstance(value, str),
    "status": lambda value: isinstance(value, str) and value in _STATUSES,
    "logoUrl": lambda value: isinstance(value, str),
    "requireAuth": lambda value: isinstance(value, bool),
    "aiConfig": lambda value: isinstance(value, dict),
    "behavior": lambda value: isinstance(value, dict),
    "appearance": lambda value: isinstance(value, dict),
    "byoiConfig": lambda value: isinstance(value, dict) and isinstance(value.get("enabled", False), bool),
    "salesAgentEnabled": lambda value: isinstance(value, bool),
}


def read_config(chatbot: Chatbot, now: datetime) -> Json:
    """Return the live configuration as one read sees it.

    Server-owned counters and timestamps have moved since the last read, also under a clock that stands still.
    """
    chatbot.reads += 1
    moment = timestamp(now + timedelta(milliseconds=chatbot.reads))
    config = dict(chatbot.config)
    config["mcpServers"] = [_moved(item, chatbot.reads, moment) for item in config["mcpServers"]]
    config["skills"] = [_moved(item, chatbot.reads, moment) for item in config["skills"]]
    if "scopes" in config["scopes"]:
        scopes = [_moved(item, chatbot.reads, moment) for item in config["scopes"]["scopes"]]
        config["scopes"] = {**config["scopes"], "scopes": scopes}
    return config


def _moved(item: Json, count: int, moment: str) -> Json:
    moved: Json = {name: moment for name in ("toolsDiscoveredAt", "updatedAt", "lastUsedAt") if name in item}
    for name in ("authorizedEmailCount", "usageCount"):
        if name in item:
            moved[name] = item[name] + count
    return {**item, **moved} if moved else item


def config_document(config: Json, key: ApiKey) -> Json:
    """Return a configuration as the document that this key may read."""
    readable = [section for section in SECTIONS if f"{SECTION_SCOPES[section]}:read" in key.scopes]
    return {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "spec": {section: config[section] for section in readable},
        "_omittedSections": [section for section in SECTIONS if section not in readable],
    }


def public_chatbot(chatbot: Chatbot, now: datetime) -> Json:
    """Return the chatbot as the list and the single read show it."""
    config = read_config(chatbot, now)
    core, lists = config["core"], config["accessLists"]
    return {
        "id": chatbot.id,
        "name": chatbot_name(chatbot),
        **{name: core[name] for name, fits in _CORE_SHOWN.items() if name in core and fits(core[name])},
        "dataRegion": chatbot.data_region,
        "createdAt": chatbot.created_at,
        "updatedAt": chatbot.updated_at,
        "embedConfig": {"allowedDomains": lists.get("allowedEmbedDomains", [])},
        "authConfig": {
            "authorizedEmailCount": len(lists.get("authorizedEmails", [])),
            "authorizedDomainCount": len(lists.get("authorizedDomains", [])),
        },
        "externalApiConfig": {**config["externalApi"], "keys": _external_keys(chatbot, now)},
        "accessProtection": config["accessProtection"],
    }


def chatbot_name(chatbot: Chatbot) -> str:
    """Return the chatbot's name, which is ``core.name``; its id where none is set."""
    name = chatbot.section("core").get("name")
    return name if isinstance(name, str) and name else chatbot.id


def _external_keys(chatbot: Chatbot, now: datetime) -> list[Json]:
    moment = timestamp(now + timedelta(milliseconds=chatbot.reads))
    return [_moved(key, chatbot.reads, moment) for key in chatbot.external_api_keys]
