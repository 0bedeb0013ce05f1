"""Fields of a configuration, addressed as the API's ``changedFields`` name them.

A name is a key of the object, or a dotted path into it. A key that itself holds a dot is found first, as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final


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
