"""What happens in the demonstration: which chatbots git has, what a content owner commits, what a person edits live."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.domain.layout import Exported, lay_out, slugs
from reconciler.render.yaml_text import document_text

UNMANAGED = frozenset({"bot_f1d4"})
"""Live, but not in the sample repository."""
CHANGED_IN_GIT = "bot_7f3a"
EDITED_LIVE = "bot_90de"
LEFT_FOR_THE_READER = "bot_c615"
SCHEMA_PATH = "chatbot-config.schema.json"
COMMIT_MESSAGE = "Shorter answers, and what to say about returns in the EU"

_LONG = "Two short paragraphs are usually enough."
_SHORT = "Answer in at most three sentences."
_NEW_SKILL = {
    "name": "returns-eu",
    "description": "How a customer in the European Union sends something back.",
    "mode": "on_demand",
    "enabled": True,
    "body": (
        "# Returns within the EU\n\n"
        "1. A return is free for 30 days from delivery. Ask for the order number and the delivery date.\n"
        "2. Offer the two ways: a parcel label by mail, or collection for anything heavier than 30 kg.\n"
        "3. The money is paid back within 14 days of the parcel's arrival, the way it was paid.\n\n"
        "Outside of the 30 days, hand over to a colleague; never promise an exception.\n"
    ),
}


@dataclass(frozen=True, slots=True)
class LiveEdit:
    """An edit as a person in the WizChat dashboard makes it."""

    chatbot_id: str
    section: str
    values: Mapping[str, Any]

    @property
    def as_json(self) -> str:
        """The edit as the sandbox takes it."""
        return json.dumps({"section": self.section, "set": self.values})


EDIT = LiveEdit(
    EDITED_LIVE, "core", {"behavior.firstMessage": "Hi! Tell me what is broken.", "aiConfig.temperature": 0.7}
)
READERS_EDIT = LiveEdit(LEFT_FOR_THE_READER, "core", {"behavior.tone": "cheerful"})


def repository_files(fleet: Sequence[Exported], schema: Mapping[str, Any]) -> dict[str, str]:
    """The sample repository: a part of the fleet exactly as it is live, so that a plan finds nothing to do.

    Args:
        fleet: What is live.
        schema: The JSON Schema of documents, for editors.
    """
    managed = [chatbot for chatbot in fleet if chatbot.chatbot_id not in UNMANAGED]
    return {**_files(managed), SCHEMA_PATH: json.dumps(schema, indent=2) + "\n"}


def later_files(fleet: Sequence[Exported]) -> dict[str, str]:
    """The files of the second commit: a shorter prompt and a new skill for one chatbot."""
    changed = [_changed(chatbot) for chatbot in fleet if chatbot.chatbot_id == CHANGED_IN_GIT]
    return _files(changed)


def _files(fleet: Sequence[Exported]) -> dict[str, str]:
    names = slugs((chatbot.chatbot_id, chatbot.name) for chatbot in fleet)
    files: dict[str, str] = {}
    for chatbot in fleet:
        chatbot_files = lay_out(chatbot, names[chatbot.chatbot_id])
        files[chatbot_files.path] = document_text(chatbot_files.document, schema=f"../{SCHEMA_PATH}")
        files.update(chatbot_files.texts)
    return files


def _changed(chatbot: Exported) -> Exported:
    body: dict[str, Any] = copy.deepcopy(dict(chatbot.body))
    behavior = body["spec"]["core"]["behavior"]
    behavior["systemPrompt"] = behavior["systemPrompt"].replace(_LONG, _SHORT)
    body["spec"]["skills"].append(_NEW_SKILL)
    return replace(chatbot, body=body)


def instructions(service: str, sandbox: str, token: str, plan: Mapping[str, Any] | None) -> str:
    """What to try, as lines to copy.

    Args:
        service: The service's URL.
        sandbox: The sandbox's URL.
        token: An admin token of the service.
        plan: The plan that waits, as the API gives it; None when it could not be prepared.
    """
    api, auth = f"{service}/api/v1", '-H "Authorization: Bearer $RECONCILER_TOKEN"'
    steps = {
        "the fleet at a glance": f"curl -s {auth} {api}/status",
        "what waits for a decision": f"curl -s {auth} '{api}/plans?status=Pending'",
        **(_decision(plan, f"{api}/plans/{plan['id']}", auth) if plan is not None else {}),
        "edit a chatbot live, as somebody in the WizChat dashboard would": (
            f"curl -s {_json(READERS_EDIT.as_json)} {sandbox}/_sandbox/chatbots/{READERS_EDIT.chatbot_id}/edit"
        ),
        "within a quarter of a minute: LiveAhead": f"curl -s {auth} {api}/chatbots/{READERS_EDIT.chatbot_id}",
    }
    page = f"# in a browser: open {service} and sign in with the token"
    commands = (f"# {title}\n{command}" for title, command in steps.items())
    return "\n\n".join([page, f"export RECONCILER_TOKEN={token}", *commands])


def _decision(plan: Mapping[str, Any], url: str, auth: str) -> dict[str, str]:
    body = _json(json.dumps({"fingerprint": plan["fingerprint"]}))
    return {
        "read the plan that waits": f"curl -s {auth} -H 'Accept: text/plain' {url}",
        "approve exactly what you have read": f"curl -s {auth} {body} {url}/approve",
        "apply it": f"curl -s {auth} {body} {url}/apply",
        "a moment later: Applied": f"curl -s {auth} -H 'Accept: text/plain' {url}",
    }


def _json(body: str) -> str:
    return f"-H 'Content-Type: application/json' -d '{body}'"
