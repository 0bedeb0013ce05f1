"""Reads and writes fleets as files: the packaged seed, seeds of users, and the state file."""

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api_client.contract import LIST_SECTIONS
from api_client.models import PublicExternalApiKey, Spec
from api_client.sandbox.comparison import without_idle_nulls
from api_client.sandbox.fleet import EPOCH, Chatbot, Fleet

Json = dict[str, Any]
DEFAULT_SEED = Path(__file__).parent / "fleet" / "fleet.json"
_MAX_INCLUDES = 5
_Model = TypeVar("_Model", bound=BaseModel)


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("the time has no zone; end it with Z")
    return text


_Timestamp = Annotated[str, AfterValidator(_moment)]


class SeedEntry(BaseModel):
    """A chatbot as a seed states it; ``spec`` is checked by the contract's own model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1)]
    spec: dict[str, Any] = Field(default_factory=dict)
    createdAt: _Timestamp = EPOCH  # noqa: N815 - the contract's name
    updatedAt: _Timestamp = EPOCH  # noqa: N815 - the contract's name
    dataRegion: Literal["EU", "US"] = "EU"  # noqa: N815 - the contract's name
    externalApiKeys: tuple[PublicExternalApiKey, ...] = ()  # noqa: N815 - the contract's word
    changes: int = 0
    reads: int = 0


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
    place = str(path)
    if not isinstance(value, dict) or not isinstance(value.get("chatbots"), list):
        raise SeedError(f'{place}: expected {{"chatbots": [...]}}')
    fleet = Fleet()
    for index, entry in enumerate(value["chatbots"]):
        try:
            fleet.add(chatbot_from_json(entry, f"{place}: chatbots[{index}]"))
        except ValueError as error:
            raise SeedError(f"{place}: chatbots[{index}]: {error}") from error
    return fleet


def save_fleet(fleet: Fleet, path: Path) -> None:
    """Write the fleet in the form that ``load_fleet`` reads, replacing the file in one step.

    Raises:
        SeedError: The file cannot be written.
    """
    try:
        _replace(path, json.dumps(fleet_json(fleet), ensure_ascii=False, indent=1))
    except OSError as error:
        raise SeedError(f"{path}: cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
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


def chatbot_from_json(entry: Any, place: str) -> Chatbot:
    """Build a chatbot from its entry in a seed.

    Raises:
        SeedError: The entry is not one; the message begins with ``place``.
    """
    checked = _checked(SeedEntry, entry, place)
    return Chatbot(
        id=checked.id,
        config=checked_spec(entry.get("spec", {}), f"{place}.spec"),
        created_at=checked.createdAt,
        updated_at=checked.updatedAt,
        data_region=checked.dataRegion,
        external_api_keys=entry.get("externalApiKeys", []),
        changes=checked.changes,
        reads=checked.reads,
    )


def checked_spec(spec: Any, place: str) -> Json:
    """Return the sections if the contract accepts them, server-owned fields included.

    Raises:
        SeedError: It does not; the message names the first wrong field after ``place``.
    """
    _checked(Spec, spec, place)
    for section, identity in LIST_SECTIONS.items():
        _check_identities([item.get(identity) for item in spec.get(section) or []], f"{place}.{section}")
    return {section: without_idle_nulls(section, value) for section, value in spec.items() if value is not None}


def _checked(model: type[_Model], value: Any, place: str) -> _Model:
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise SeedError(f"{place}{path}: {first['msg']}") from error


def _check_identities(keys: list[str | None], place: str) -> None:
    keys_before: set[str] = set()
    for index, key in enumerate(keys):
        if not key:
            raise SeedError(f"{place}[{index}]: the item has no identity")
        if key in keys_before:
            raise SeedError(f"{place}[{index}]: {key!r} is given more than once")
        keys_before.add(key)


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
