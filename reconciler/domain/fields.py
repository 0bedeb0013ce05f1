"""Fields of a configuration, addressed as the API's ``changedFields`` name them.

A name is a key of the object, or a dotted path into it. A key that itself holds a dot is found first, as it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.domain.escaping import is_unseen


class Missing:
    """The absence of a field, which is not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def get(value: Any, name: str) -> Any:
    """The field's value, or `MISSING`."""
    if not isinstance(value, Mapping):
        return MISSING
    if name in value:
        return value[name]
    head, dot, rest = name.partition(".")
    return get(value.get(head), rest) if dot else MISSING


def is_ambiguous(name: str, *values: Any) -> bool:
    """Whether a dotted name stands for two fields of an object: a key that holds the dot, and a path into another."""
    head, dot, rest = name.partition(".")
    objects = [value for value in values if isinstance(value, Mapping)]
    inner = (get(value.get(head), rest) for value in objects)
    return bool(dot) and any(name in value for value in objects) and any(field is not MISSING for field in inner)


def touched(name: str, before: Any, after: Any) -> Iterator[str]:
    """The names of all that a changed field concerns: itself, what differs within it, and what it lies in.

    Args:
        name: The changed field.
        before: Its value, or `MISSING`.
        after: Likewise.
    """
    yield name
    yield from _differing_within(name, before, after)
    parts = name.split(".")
    yield from (".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))


def _differing_within(name: str, before: Any, after: Any) -> Iterator[str]:
    old, new = (value if isinstance(value, Mapping) else {} for value in (before, after))
    for key in sorted(old.keys() | new.keys()):
        pair = old.get(key, MISSING), new.get(key, MISSING)
        if not are_same(*pair):
            yield f"{name}.{key}"
            yield from _differing_within(f"{name}.{key}", *pair)


def are_same(left: Any, right: Any) -> bool:
    """Whether two JSON values are one: 1 is 1.0, but True is not 1, though Python thinks so."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_same(left[name], right[name]) for name in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(are_same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def is_nothing(value: Any) -> bool:
    """Whether a value says nothing: absent, null, an empty list or object, a text without anything that can be seen."""
    if isinstance(value, str):
        return all(char.isspace() or is_unseen(char) for char in value)
    return value is MISSING or value is None or (isinstance(value, list | Mapping) and not value)


def holds_nothing(value: Any) -> bool:
    """Whether a value says nothing, and nothing that it holds does either."""
    if isinstance(value, Mapping):
        return all(map(holds_nothing, value.values()))
    return is_nothing(value)


def taken_apart(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """A changed field; an object that both sides hold, or that only one has, is taken apart into what differs within.

    An object in place of null is one that only one side has: null said nothing.

    Args:
        name: The field.
        before: Its value, or `MISSING`.
        after: Likewise.

    Yields:
        The path of a field, and its value before and after.
    """
    sides = (MISSING if before is None else before, after)
    is_object = any(isinstance(side, Mapping) and side for side in sides)
    if not is_object or not all(isinstance(side, Mapping) or side is MISSING for side in sides):
        yield name, before, after
        return
    old, new = (side if isinstance(side, Mapping) else {} for side in sides)
    for key in sorted(old.keys() | new.keys()):
        pair = old.get(key, MISSING), new.get(key, MISSING)
        if not are_same(*pair):
            yield from taken_apart(f"{name}.{key}", *pair)


def pick(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """The named fields that are there, flat: name → value."""
    found = {name: get(value, name) for name in names}
    return {name: field for name, field in found.items() if field is not MISSING}


def without(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A copy without the named fields."""
    result = dict(value)
    for name in names:
        result = _put(result, name, MISSING)
    return result


def overlay(value: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with the named fields set."""
    result = dict(value)
    for name, field in fields.items():
        result = _put(result, name, field)
    return result


def _put(value: Mapping[str, Any], name: str, field: Any) -> dict[str, Any]:
    result = dict(value)
    head, dot, rest = name.partition(".")
    if name in result or not dot:
        if field is MISSING:
            result.pop(name, None)
        else:
            result[name] = field
        return result
    inner = result.get(head)
    if isinstance(inner, Mapping):
        result[head] = _put(inner, rest, field)
    elif field is not MISSING:
        result[head] = _put({}, rest, field)
    return result
