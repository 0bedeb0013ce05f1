"""Matches the entries of a list before and after a change."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from reconciler.domain import fields
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.fields import MISSING

_IDENTITIES = ("id", "name", "domain", "key")
_LONGEST_LABEL = 60


def matched(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """The entries that are in both lists, paired, and those of the old one that are gone.

    Entries that all have an identity are told apart by it, so that their order says nothing. Where they have several,
    such as an id and a name, the first one decides what is gone; an entry of which the others say that it became a
    different one is paired with both, because whether ids or names moved cannot be told. So is one of which there are
    two by now: which of them holds cannot be told either. Any other entry is known by its whole value: a changed one is
    gone, unless entries only grew.
    """
    if not old:
        return [], []
    usable = [name for name in _IDENTITIES if _tells_apart(old, name) and _all_have(new, name)]
    identities = usable[:1] + [name for name in usable[1:] if _tells_apart(new, name)]
    return _matched_by_identity(old, new, identities) if identities else _matched_by_value(old, new)


def _matched_by_identity(
    old: Sequence[Any], new: Sequence[Any], identities: Sequence[str]
) -> tuple[list[tuple[Any, Any]], list[Any]]:
    pairs, gone = [], []
    by_identity = [_by_identity(new, name) for name in identities]
    for entry in old:
        became, *others = [
            entries.get(_key(entry, name), []) for entries, name in zip(by_identity, identities, strict=True)
        ]
        if not became:
            gone.append(entry)
        else:
            distinct = {id(item): item for item in chain(became, *others)}
            pairs += [(entry, item) for item in distinct.values()]
    return pairs, gone


def _by_identity(entries: Sequence[Any], name: str) -> Mapping[bytes, Sequence[Any]]:
    found = defaultdict(list)
    for entry in entries:
        found[_key(entry, name)].append(entry)
    return found


def _matched_by_value(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    changed, others = _unequal(old, new)
    if not changed:
        return [], []
    grown = _grown(old, new) or _grown(changed, others)
    return (grown, []) if grown else ([], changed)


def _unequal(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The entries of both lists that have no equal one in the other, in any position."""
    left, right = (Counter(map(canonical_bytes, entries)) for entries in (old, new))
    return _surplus(old, left - right), _surplus(new, right - left)


def _surplus(entries: Sequence[Any], counts: Counter[bytes]) -> list[Any]:
    """As many of the entries of each value as were counted: the last ones."""
    found = []
    for entry in reversed(entries):
        value = canonical_bytes(entry)
        if counts[value] > 0:
            counts[value] -= 1
            found.append(entry)
    return found[::-1]


def _tells_apart(entries: Sequence[Any], name: str) -> bool:
    return _all_have(entries, name) and len({_key(entry, name) for entry in entries}) == len(entries)


def _all_have(entries: Sequence[Any], name: str) -> bool:
    return all(isinstance(entry, Mapping) and isinstance(entry.get(name), str | int) for entry in entries)


def _key(entry: Mapping[str, Any], name: str) -> bytes:
    return canonical_bytes(entry[name])


def _grown(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[Any, Any]] | None:
    """Every old entry with the one that it became, where all are still there in their order; else None."""
    rest = iter(new)
    pairs = [(entry, next((item for item in rest if _includes(item, entry)), MISSING)) for entry in old]
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
        identities = (entry[name] for name in _IDENTITIES if isinstance(entry.get(name), str | int))
        entry = next(identities, "an entry")
    text = entry if isinstance(entry, str) else canonical_bytes(entry).decode()
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
