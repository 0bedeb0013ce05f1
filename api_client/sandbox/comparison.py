"""Compares desired with live values, and merges them. THE ASSUMPTION of the sandbox about the API.

The contract says that a plan exists, not how two values are compared. The sandbox assumes:

* only the fields that a document states are compared and written;
* objects are compared and merged recursively, so a stated ``core.behavior`` touches only the keys it states;
* arrays and scalars are compared and replaced as a whole;
* a changed field is named by the dotted path of the innermost object that differs. Nothing is named beneath
  a key that itself contains a dot: such a key is named whole at the top level, and below it by its parent;
* a null in a free object is a value like any other; elsewhere it states nothing (the official client drops it).

Everything that depends on this is in this file, to be changed here when the real API is known better.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from api_client.contract import contract_view

_FREE_SECTION = "core"


def stated_fields(section: str, desired: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a document states about a section or an item: no server-owned fields, no idle nulls."""
    view: dict[str, Any] = contract_view(section, dict(desired))
    cleaned: dict[str, Any] = without_idle_nulls(section, view)
    return cleaned


def changed_fields(section: str, desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return the sorted paths of the stated fields whose live value is another one."""
    return sorted(set(_differing(desired, contract_view(section, dict(live)), "")))


def written(section: str, desired: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the live value as it is once the stated fields are written; the arguments stay as they are."""
    result = _merged(live, desired)
    if section == "scopes" and "scopes" in desired:
        result["scopes"] = _keeping_server_owned(desired["scopes"], live.get("scopes", []))
    return result


def without_idle_nulls(section: str, value: Any) -> Any:
    """Return the value without the nulls that state nothing."""
    return value if section == _FREE_SECTION else _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
        case list():
            return [_without_nulls(inner) for inner in value]
        case _:
            return value


def _differing(desired: Mapping[str, Any], live: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in desired.items():
        current = live.get(name)
        if name in live and _agrees(value, current):
            continue
        if isinstance(value, dict) and isinstance(current, dict) and _can_be_named(name, value):
            yield from _differing(value, current, f"{prefix}{name}.")
        else:
            yield prefix + name


def _can_be_named(name: str, value: dict[str, Any]) -> bool:
    return "." not in name and not any("." in inner for inner in value)


def _agrees(desired: Any, live: Any) -> bool:
    if isinstance(desired, dict) and isinstance(live, dict):
        return all(name in live and _agrees(value, live[name]) for name, value in desired.items())
    return same(desired, live)


def same(left: Any, right: Any) -> bool:
    """Return whether two JSON values are equal; True is not 1, though Python thinks so."""
    match left, right:
        case dict(), dict():
            return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
        case list(), list():
            return len(left) == len(right) and all(map(same, left, right))
        case (bool(), _) | (_, bool()):
            return left is right
        case _:
            return bool(left == right)


def _merged(live: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(live)
    for name, value in desired.items():
        current = live.get(name)
        if isinstance(value, dict) and isinstance(current, dict):
            result[name] = _merged(current, value)
        else:
            result[name] = value
    return result


def _keeping_server_owned(desired: list[dict[str, Any]], live: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the stated knowledge scopes with the counts that the server keeps for the same ids."""
    live_items = {item.get("id"): item for item in live}
    return [{**_server_owned(live_items.get(item.get("id"), {})), **item} for item in desired]


def _server_owned(item: dict[str, Any]) -> dict[str, Any]:
    (view,) = contract_view("scopes", {"scopes": [item]})["scopes"]
    return {name: value for name, value in item.items() if name not in view}
