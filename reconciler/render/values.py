"""Formats values for people, escaped for terminals and browsers."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.domain import fields
from reconciler.domain.fields import MISSING
from reconciler.domain.plan import Op

ABSENT = "(not set)"
_LONGEST_SHORT = 40
_IDENTITIES = ("name", "domain")
_LOOKS_TYPED = re.compile(r"null|true|false|-?[0-9][0-9.eE+-]*|\(not set\)|[\[{\"].*|\s.*|.*\s|", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an op, before and after.

    Attributes:
        name: The field, as the API names it.
        before: The live value, or `MISSING`.
        after: The desired value, or `MISSING`.
    """

    name: str
    before: Any
    after: Any

    @property
    def is_short(self) -> bool:
        """Whether both values fit on one line, side by side."""
        return _is_short(self.before) and _is_short(self.after)

    @property
    def size(self) -> str:
        """How large the value was and is; empty where that says nothing."""
        if any(isinstance(value, Mapping) or _is_plain(value) for value in (self.before, self.after)):
            return ""
        unit = "entries" if isinstance(self.after if self.before is MISSING else self.before, list) else "characters"
        sizes = [f"{len(value):,}" for value in (self.before, self.after) if value is not MISSING]
        return f"{' → '.join(sizes)} {unit}" if sizes else ""


def _is_plain(value: Any) -> bool:
    """Whether a value is neither a text nor a collection, nor absent."""
    return value is not MISSING and not isinstance(value, str | list)


def _is_short(value: Any) -> bool:
    return value is MISSING or (len(text := inline(value)) <= _LONGEST_SHORT and "\n" not in text)


def changes(op: Op) -> tuple[FieldChange, ...]:
    """The fields of an op: those that change, or all that a created item states besides its identity."""
    if op.changed_fields:
        pairs = ((name, fields.get(op.before, name), fields.get(op.after, name)) for name in op.changed_fields)
        return tuple(FieldChange(*pair) for pair in pairs)
    return tuple(FieldChange(name, MISSING, value) for name, value in sorted(_besides_identity(op, op.after).items()))


def leaves(op: Op) -> tuple[FieldChange, ...]:
    """As `changes`, with each object that both sides hold, or that is new, taken apart into what differs within it."""
    return tuple(leaf for change in changes(op) for leaf in _leaves(change))


def lost(op: Op) -> tuple[FieldChange, ...]:
    """Everything that a delete takes away, apart from the identity, taken apart as by `leaves`."""
    whole = (FieldChange(name, value, MISSING) for name, value in sorted(_besides_identity(op, op.before).items()))
    return tuple(leaf for change in whole for leaf in _leaves(change))


def _leaves(change: FieldChange) -> Iterator[FieldChange]:
    return (FieldChange(*leaf) for leaf in fields.taken_apart(change.name, change.before, change.after))


def _besides_identity(op: Op, fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (fields or {}).items() if not (name in _IDENTITIES and value == op.key)}


def inline(value: Any) -> str:
    """A value on one line, such that a text is never taken for a number, and nothing for something."""
    if value is MISSING:
        return ABSENT
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _LOOKS_TYPED.fullmatch(value) else value
    return json.dumps(value, ensure_ascii=False)


def prose(value: Any) -> str:
    """A value as lines: a text as it is, a list of plain values one a line, else indented JSON; nothing for absent."""
    if value is MISSING:
        return ""
    if isinstance(value, list) and not any(isinstance(item, Mapping | list) for item in value):
        return "\n".join(inline(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def characters(op: Op) -> int:
    """How much text a created item brings, its identity left out."""
    return sum(len(text) for text in _texts(_besides_identity(op, op.after)))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            return
