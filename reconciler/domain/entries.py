"""The entries of a list before and after: which one became which, and what is gone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.domain import fields
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.fields import MISSING

_IDENTITIES = ("id", "name", "domain", "key")
_LONGEST_LABEL = 60


def matched(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """The entries that are in both lists, paired, and those of the old one that are gone.

    Entries that all have an identity are told apart by it, so that their order says nothing. Any other entry is known
    by its whole value: a changed one is gone, unless entries only grew and kept their order.
    """
    if not old:
        return [], []
    name = _identity(old, new)
    if name is not None:
        known = {_key(entry, name): entry for entry in new}
        pairs = [(entry, known[_key(entry, name)]) for entry in old if _key(entry, name) in known]
        return pairs, [entry for entry in old if _key(entry, name) not in known]
    left = Counter(map(canonical_bytes, new))
    gone = []
    for entry in old:
        value = canonical_bytes(entry)
        if left[value]:
            left[value] -= 1
        else:
            gone.append(entry)
    grown = _grown(old, new) if gone else []
    return ([], gone) if grown is None else (grown, [])


def _identity(*lists: Sequence[Any]) -> str | None:
    """The field that tells the entries of both lists apart, or None."""
    for name in _IDENTITIES:
        if all(_tells_apart(entries, name) for entries in lists):
            return name
    return None


def _tells_apart(entries: Sequence[Any], name: str) -> bool:
    if not all(isinstance(entry, Mapping) and isinstance(entry.get(name), str | int) for entry in entries):
        return False
    return len({_key(entry, name) for entry in entries}) == len(entries)


def _key(entry: Mapping[str, Any], name: str) -> bytes:
    return canonical_bytes(entry[name])


def _grown(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]] | None:
    """Every old entry with the one that it became, where all are still there in their order; else None."""
    rest = iter(new)
    pairs = [(entry, next((each for each in rest if _includes(each, entry)), MISSING)) for entry in old]
    return None if any(became is MISSING for _, became in pairs) else pairs


def _includes(whole: Any, part: Any) -> bool:
    """Whether a value is another one with nothing but additions."""
    if isinstance(whole, Mapping) and isinstance(part, Mapping):
        return all(name in whole and _includes(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return _grown(part, whole) is not None
    return fields.are_same(whole, part)


def label_of(entry: Any) -> str:
    """What an entry of a list is called: by its identity, or by its value where that is short."""
    if isinstance(entry, Mapping):
        named = (entry[name] for name in _IDENTITIES if isinstance(entry.get(name), str | int))
        entry = next(named, "an entry")
    text = entry if isinstance(entry, str) else canonical_bytes(entry).decode()
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
