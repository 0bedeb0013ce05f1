"""What is worth a word in the free object `core`, where WizChat takes every name: slips, not faults.

The contract says which names are known there (`x-known`), and of which type their values are. A name that is nearly one
of them, or a value of another type, is a warning: it may be meant so. An include without its ``$`` is an error, because
what would be sent instead of a text is a mapping. A path where a text is meant is a warning, in every section.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from reconciler.domain.diagnostics import Severity
from reconciler.sources.builder import shorten
from reconciler.sources.includes import INCLUDE_KEY
from reconciler.sources.positions import Finding, Location, Pointer

CORE: Final = ("spec", "core")
_LONGEST_NAME: Final = 100
"""difflib is quadratic."""
_NEAR: Final = 0.75
_NAMES_OF_INCLUDES: Final = frozenset({"file", "$file", "include", "$include"})
_TEXT_FILE: Final = re.compile(r"[^\s:]+\.(md|markdown|txt)", re.IGNORECASE)
"""A text file's name and nothing else; a colon would make it an address."""
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_WANTED: Final[Mapping[str, str]] = {
    "string": "text: put it in quotes",
    "boolean": "true or false, without quotes",
    "integer": "a whole number, without quotes",
    "number": "a number, without quotes",
    "array": "a list",
    "object": "a mapping",
}


def slips(body: Any, place: Location, known: Mapping[str, Any]) -> Iterator[Finding]:
    """Warnings about names and values in `core` that were probably meant otherwise.

    Args:
        body: The document without metadata, with its includes resolved.
        place: Where everything in it stands.
        known: Name → schema of what is known in `core`.
    """
    spec = body.get("spec") if isinstance(body, dict) else None
    core = spec.get("core") if isinstance(spec, dict) else None
    if isinstance(core, dict):
        yield from _slips(core, CORE, place, known)


def _slips(value: Mapping[str, Any], pointer: Pointer, place: Location, known: Mapping[str, Any]) -> Iterator[Finding]:
    for name, inner in value.items():
        here = (*pointer, name)
        if name not in known:
            if meant := _meant(name, known):
                message = f'"{shorten(name)}" is sent, and WizChat knows no such name: correct it'
                yield _warning(message, place.key(here), pointer, meant)
            continue
        wanted = known[name]["type"]
        if inner is not None and not _fits(inner, wanted):
            yield _warning(f"is known as {_WANTED[wanted]}", place.value(here), here, _converted(inner, wanted))
        elif isinstance(inner, dict):
            yield from _slips(inner, here, place, known[name].get("properties", {}))


def _warning(message: str, position: tuple[int, int], pointer: Pointer, suggestion: str | None) -> Finding:
    return Finding(message, *position, pointer, suggestion, severity=Severity.WARNING)


def _meant(name: str, known: Mapping[str, Any]) -> str | None:
    """The known name that a name nearly is, also in another spelling of its words."""
    if len(name) > _LONGEST_NAME:
        return None
    plain = {_plain(item): item for item in known}
    close = get_close_matches(_plain(name), plain, n=1, cutoff=_NEAR)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _fits(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _KINDS[wanted])


def _converted(value: Any, wanted: str) -> str | None:
    """How a text would be written as what is wanted, or another value as text; None when that cannot be told."""
    match wanted, value:
        case "string", bool():
            return f'"{str(value).lower()}"'
        case "string", int() | float():
            return f'"{value}"'
        case "boolean", str() if value.lower() in {"true", "yes", "on", "false", "no", "off"}:
            return "true" if value.lower() in {"true", "yes", "on"} else "false"
        case "number", str() if _is_number(value.replace(",", ".", 1), wanted):
            return value.replace(",", ".", 1).strip()
        case "integer", str() if _is_number(value, wanted):
            return str(value).strip()
        case _:
            return None


def _is_number(text: str, wanted: str) -> bool:
    digits = text.strip().removeprefix("-")
    whole, _, rest = digits.partition(".")
    return (
        whole.isdecimal() and (not rest or (rest.isdecimal() and wanted == "number")) and len(digits) <= _LONGEST_NAME
    )


def unmarked_includes(value: Any, place: Location, pointer: Pointer = ()) -> Iterator[Finding]:
    """Errors about mappings that were meant to include a file, and do not.

    Args:
        value: The document as it was read, before its includes are resolved.
        place: Where everything in it stands.
        pointer: The place of the value in the document.
    """
    match value:
        case dict() if _is_unmarked(value):
            (name,) = value
            inner = (*pointer, name)
            message = f'a mapping with "{shorten(name)}" alone includes no file: write {{{INCLUDE_KEY}: …}}'
            yield Finding(message, *place.key(inner), inner, INCLUDE_KEY)
        case dict():
            for name, inner in value.items():
                yield from unmarked_includes(inner, place, (*pointer, name))
        case list():
            for index, inner in enumerate(value):
                yield from unmarked_includes(inner, place, (*pointer, index))
        case _:
            pass


def unmarked_paths(value: Any, place: Location, pointer: Pointer = ()) -> Iterator[Finding]:
    """Warnings about texts that are nothing but the path of a text file, which is sent in place of what stands in it.

    Args:
        value: The document as it was read, before its includes are resolved.
        place: Where everything in it stands.
        pointer: The place of the value in the document.
    """
    match value:
        case str() if "/" in value and _TEXT_FILE.fullmatch(value):
            message = f"the path itself is sent, not what the file holds: write {{{INCLUDE_KEY}: …}} around it"
            yield _warning(message, place.value(pointer), pointer, None)
        case dict() if INCLUDE_KEY not in value and not _is_unmarked(value):
            for name, inner in value.items():
                yield from unmarked_paths(inner, place, (*pointer, name))
        case list():
            for index, inner in enumerate(value):
                yield from unmarked_paths(inner, place, (*pointer, index))
        case _:
            pass


def _is_unmarked(value: Mapping[str, Any]) -> bool:
    if len(value) != 1:
        return False
    ((name, path),) = value.items()
    if not isinstance(path, str) or name == INCLUDE_KEY or len(name) > _LONGEST_NAME:
        return False
    plain = name.lower().strip()
    is_close = name.startswith("$") and bool(get_close_matches(plain, [INCLUDE_KEY], n=1, cutoff=_NEAR))
    return plain in _NAMES_OF_INCLUDES or is_close
