"""Holds a document against WizChat's contract, and says every fault at its place in plain words."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Final

# jsonschema ships no types; only this module touches it
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from jsonschema.protocols import Validator  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]

from reconciler.domain.canonical import digest
from reconciler.sources.builder import shorten
from reconciler.sources.positions import Finding, Location, Pointer, Position

METADATA: Final = "metadata"
"""The part of a document that is the reconciler's own, and judged apart from the contract."""
METADATA_KEYS: Final = ("chatbotId", "labels")
_FOREIGN_KEYS: Final[Mapping[str, str]] = {
    "_omittedSections": "belongs to a raw answer of WizChat: remove it (`reconciler export` leaves it out)",
    "dryRun": "belongs to a request, not to a document: remove it",
}
_KINDS: Final[Mapping[str, str]] = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


@dataclass(frozen=True)
class DocumentContract:
    """What a document may state, as the committed contract says it.

    Attributes:
        schema: JSON Schema (2020-12) of a document as a person may write it.
        list_sections: The sections that are lists → the field that tells their items apart.
        server_owned: Section → dotted paths of its server-owned fields, ``[]`` after a list's name.
    """

    schema: Mapping[str, Any]
    list_sections: Mapping[str, str]
    server_owned: Mapping[str, Collection[str]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Changes whenever a document may have to be judged anew."""
        owned = {section: sorted(paths) for section, paths in self.server_owned.items()}
        return digest([self.schema, dict(self.list_sections), owned])

    @property
    def known_in_core(self) -> Mapping[str, Any]:
        """Name → schema of what is known in the free object `core`; it does not limit what may stand there."""
        core = self.schema["properties"]["spec"]["properties"]["core"]
        known: Mapping[str, Any] = core.get("x-known", {})
        return known

    @cached_property
    def validator(self) -> Validator:
        """The schema, ready to be asked."""
        return _STRICT(self.schema)

    def faults(self, body: Any, place: Location) -> Iterator[Finding]:
        """Every fault of a document's body, in no order.

        Args:
            body: The document without metadata, with its includes resolved.
            place: Where everything in it stands.
        """
        # of several missing fields, the validator names all of them with each
        yield from dict.fromkeys(
            finding for error in self.validator.iter_errors(body) for finding in self._translate(error, place)
        )
        yield from self._repeated(body, place)

    def _translate(self, error: ValidationError, place: Location) -> Iterator[Finding]:
        pointer: Pointer = tuple(error.absolute_path)
        match error.validator:
            case "additionalProperties":
                yield from self._unknown(error, pointer, place)
            case "required":
                for name in error.validator_value:
                    if name not in error.instance:
                        yield _at(place.value(pointer), pointer, f'"{name}" is missing: add it')
            case _:
                yield _misfit(error, pointer, place)

    def _unknown(self, error: ValidationError, pointer: Pointer, place: Location) -> Iterator[Finding]:
        known: Collection[str] = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield self._unknown_key(name, known, pointer, place)

    def _unknown_key(self, name: str, known: Collection[str], parent: Pointer, place: Location) -> Finding:
        pointer = (*parent, name)
        position = place.key(pointer)
        if not parent and name in _FOREIGN_KEYS:
            return _at(position, pointer, f'"{name}" {_FOREIGN_KEYS[name]}')
        if parent in {(), ("spec",)} and name in METADATA_KEYS:
            return _at(position, pointer, f'"{name}" belongs below "{METADATA}": move it there')
        if self._is_server_owned(pointer):
            return _at(position, pointer, f'"{name}" is server-owned: WizChat sets it; remove it')
        allowed = known if parent else [*known, METADATA]
        close = get_close_matches(name, allowed, n=1)
        hint = "correct it" if close else f"use one of {', '.join(allowed)}"
        return _at(position, parent, f'unknown key "{shorten(name)}": {hint}', close[0] if close else None)

    def _is_server_owned(self, pointer: Pointer) -> bool:
        if len(pointer) < 3 or pointer[0] != "spec":  # noqa: PLR2004 - spec, section, field
            return False
        section, *rest = pointer[1:]
        if section in self.list_sections:
            rest = rest[1:]
        path = "".join("[]" if isinstance(part, int) else f".{part}" for part in rest).removeprefix(".")
        return path in self.server_owned.get(str(section), ())

    def _repeated(self, body: Any, place: Location) -> Iterator[Finding]:
        spec = body.get("spec") if isinstance(body, Mapping) else None
        for section, identity in self.list_sections.items():
            items = spec.get(section) if isinstance(spec, Mapping) else None
            if isinstance(items, list):
                yield from _repeated_items(items, ("spec", section), identity, place)


def _repeated_items(items: Sequence[Any], section: Pointer, identity: str, place: Location) -> Iterator[Finding]:
    first: dict[str, Position] = {}
    for index, item in enumerate(items):
        name = item.get(identity) if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            continue
        pointer = (*section, index, identity)
        position = place.value(pointer)
        if name in first:
            line, column = first[name]
            message = f'"{shorten(name)}" stands twice, first at line {line}, column {column}: keep one of them'
            yield _at(position, pointer, message)
        first.setdefault(name, position)


def _misfit(error: ValidationError, pointer: Pointer, place: Location) -> Finding:
    suggestion = None
    limit = error.validator_value
    match error.validator:
        case "type":
            wanted = [limit] if isinstance(limit, str) else limit
            actual = "text: write it without quotes" if _is_quoted(error.instance, wanted) else _kind(error.instance)
            text = f"must be {_either(wanted)}, not {actual}"
        case "enum" | "const":
            choices = [choice for choice in (limit if error.validator == "enum" else [limit]) if choice is not None]
            text = f"must be {' or '.join(_quoted(choice) for choice in choices)}"
            suggestion = _closest(error.instance, choices) if len(choices) > 1 else None
        case "minimum":
            text = f"must be at least {limit}"
        case "maximum":
            text = f"must be at most {limit}"
        case "minLength":
            text = "must not be empty" if limit == 1 else f"must have at least {limit} characters"
        case "maxLength":
            text = f"must have at most {limit} characters"
        case "maxItems":
            text = f"must have at most {limit} items"
        case _:
            text = f"does not fit the contract ({error.validator})"
    return _at(place.value(pointer), pointer, text, suggestion)


def _at(position: Position, pointer: Pointer, message: str, suggestion: str | None = None) -> Finding:
    return Finding(message, *position, pointer, suggestion)


def _either(kinds: Sequence[str]) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in kinds if kind != "null" or len(kinds) == 1)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _is_quoted(value: Any, wanted: Collection[str]) -> bool:
    """Whether only quotes make a text of what is wanted."""
    if not isinstance(value, str):
        return False
    is_number = _NUMBER.fullmatch(value)
    return (
        ("boolean" in wanted and value in {"true", "false"})
        or ("number" in wanted and is_number is not None)
        or ("integer" in wanted and is_number is not None and is_number[1] is None)
    )


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _closest(value: Any, choices: Sequence[Any]) -> str | None:
    names = [choice for choice in choices if isinstance(choice, str)]
    close = get_close_matches(value, names, n=1) if isinstance(value, str) and len(value) < 100 else []  # noqa: PLR2004 - difflib is quadratic
    return close[0] if close else None


def _is_integer(_checker: object, value: object) -> bool:
    """1.0 is a whole number to JSON Schema; WizChat's models and our canonical form tell it from 1."""
    return isinstance(value, int) and not isinstance(value, bool)


_STRICT: Final = extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
)
