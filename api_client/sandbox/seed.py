"""Fleets in files: the seed that comes with the package, seeds of users, and the state file."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api_client.contract import LIST_SECTIONS
from api_client.models import Spec
from api_client.sandbox.fleet import Chatbot, Fleet

Json = dict[str, Any]
DEFAULT_SEED = Path(__file__).parent / "fleet" / "fleet.json"
_CHATBOT_FIELDS = frozenset(
    {"id", "spec", "createdAt", "updatedAt", "dataRegion", "externalApiKeys", "changes", "reads"}
)
_MAX_INCLUDES = 5


class SeedError(Exception):
    """A seed or state file cannot be used; the message says which, where and why, on one line."""


def default_fleet() -> Fleet:
    """Return the fleet that comes with the package: chatbots of several companies' departments."""
    return load_fleet(DEFAULT_SEED)


def generated_fleet(count: int) -> Fleet:
    """Return ``count`` small chatbots, ``bot_00000`` and on, for measurements."""
    return Fleet(_generated(number) for number in range(count))


def _generated(number: int) -> Chatbot:
    body = f"# Refunds\n\nAnswer within {number % 30 + 1} days.\n"
    spec: Json = {
        "core": {
            "name": f"Chatbot {number}",
            "status": "active",
            "behavior": {"systemPrompt": f"You answer the questions of team {number}.\nBe brief.\n"},
        },
        "telemetry": {"level": "anonymized", "retentionMonths": 12},
        "skills": [{"id": f"skill_{number}", "name": "refunds", "mode": "on_demand", "body": body}],
        "domains": [{"domain": f"team-{number}.example"}],
    }
    return Chatbot(id=f"bot_{number:05}", config=spec)


def load_fleet(path: Path) -> Fleet:
    """Read a fleet from a file ``{"chatbots": [{"id", "spec", …}, …]}``.

    ``{"$file": "name"}`` anywhere stands for that file beside or below the one that names it: its text, or its
    content where the name ends in ``.json``.

    Raises:
        SeedError: The file cannot be read, or does not hold a fleet.
    """
    value = _read_json(path, path.parent.resolve(), 0)
    where = str(path)
    if not isinstance(value, dict) or not isinstance(value.get("chatbots"), list):
        raise SeedError(f'{where}: expected {{"chatbots": [...]}}')
    fleet = Fleet()
    for at, entry in enumerate(value["chatbots"]):
        try:
            fleet.add(chatbot_from_json(entry, f"{where}: chatbots[{at}]"))
        except ValueError as error:
            raise SeedError(f"{where}: chatbots[{at}]: {error}") from error
    return fleet


def save_fleet(fleet: Fleet, path: Path) -> None:
    """Write the fleet in the form that ``load_fleet`` reads, replacing the file in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(fleet_json(fleet), file, ensure_ascii=False, indent=1)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def fleet_json(fleet: Fleet) -> Json:
    """Return the fleet as a seed file states it."""
    return {"chatbots": [_chatbot_json(chatbot) for chatbot in fleet]}


def _chatbot_json(chatbot: Chatbot) -> Json:
    return {
        "id": chatbot.id,
        "createdAt": chatbot.created_at,
        "updatedAt": chatbot.updated_at,
        "dataRegion": chatbot.data_region,
        "externalApiKeys": chatbot.external_api_keys,
        "changes": chatbot.changes,
        "reads": chatbot.reads,
        "spec": chatbot.config,
    }


def chatbot_from_json(entry: Any, where: str) -> Chatbot:
    """Build a chatbot from its entry in a seed.

    Raises:
        SeedError: The entry is not one; the message begins with ``where``.
    """
    if not isinstance(entry, dict):
        raise SeedError(f"{where}: expected an object")
    unknown = sorted(entry.keys() - _CHATBOT_FIELDS)
    if unknown:
        raise SeedError(f"{where}.{unknown[0]}: unknown field; use {', '.join(sorted(_CHATBOT_FIELDS))}")
    chatbot_id = entry.get("id")
    if not isinstance(chatbot_id, str) or not chatbot_id:
        raise SeedError(f"{where}.id: expected a chatbot id")
    chatbot = Chatbot(id=chatbot_id, config=checked_spec(entry.get("spec", {}), f"{where}.spec"))
    chatbot.created_at = entry.get("createdAt", chatbot.created_at)
    chatbot.updated_at = entry.get("updatedAt", chatbot.updated_at)
    chatbot.data_region = entry.get("dataRegion", chatbot.data_region)
    chatbot.external_api_keys = entry.get("externalApiKeys", [])
    chatbot.changes, chatbot.reads = entry.get("changes", 0), entry.get("reads", 0)
    return chatbot


def checked_spec(spec: Any, where: str) -> Json:
    """Return the sections if the contract accepts them, server-owned fields included.

    Raises:
        SeedError: It does not; the message names the first wrong field after ``where``.
    """
    try:
        Spec.model_validate_json(json.dumps(spec), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise SeedError(f"{where}{path}: {first['msg']}") from error
    for section, identity in LIST_SECTIONS.items():
        _check_identities([item.get(identity) for item in spec.get(section) or []], f"{where}.{section}")
    return {section: value for section, value in spec.items() if value is not None}


def _check_identities(keys: list[str | None], where: str) -> None:
    for at, key in enumerate(keys):
        if not key:
            raise SeedError(f"{where}[{at}]: the item has no identity")
        if key in keys[:at]:
            raise SeedError(f"{where}[{at}]: {key!r} is given more than once")


def _read_json(path: Path, root: Path, depth: int) -> Any:
    try:
        value = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise SeedError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    return _resolved(value, path, root, depth)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SeedError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SeedError(f"{path}: is not UTF-8 text") from error


def _resolved(value: Any, source: Path, root: Path, depth: int) -> Any:
    match value:
        case {"$file": str(name), **rest} if not rest:
            return _included(source.parent / name, source, root, depth + 1)
        case dict():
            return {key: _resolved(inner, source, root, depth) for key, inner in value.items()}
        case list():
            return [_resolved(inner, source, root, depth) for inner in value]
        case _:
            return value


def _included(path: Path, source: Path, root: Path, depth: int) -> Any:
    if not path.resolve().is_relative_to(root):
        raise SeedError(f"{source}: $file {path.name} lies outside {root}")
    if depth > _MAX_INCLUDES:
        raise SeedError(f"{source}: $file goes deeper than {_MAX_INCLUDES} files")
    return _read_json(path, root, depth) if path.suffix == ".json" else _read_text(path)
