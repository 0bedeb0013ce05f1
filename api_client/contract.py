"""Pure functions over the committed OpenAPI contract of a configuration.

`openapi.json` is the one place that states the sections, their fields and which fields belong to the server
(`readOnly`). The sandbox and the reconciler ask here instead of keeping lists of their own. Nothing in this module
does I/O beyond reading that file once.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

JsonObject = dict[str, Any]

LIST_SECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"mcpServers": "name", "skills": "name", "domains": "domain"}
)
"""The sections that are lists, each with the field that identifies its items."""

SECTION_SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    # ASSUMED: no public document says which scope guards which section. This table is the only place to change.
    {
        "core": "chatbots",
        "scopes": "chatbots",
        "accessProtection": "security",
        "externalApi": "security",
        "accessLists": "security",
        "telemetry": "security",
        "mcpServers": "mcp",
        "skills": "skills",
        "domains": "domains",
    }
)
"""Which scope guards a section: `<scope>:read` for export and dry run, `<scope>:write` for an apply."""


@cache
def _components() -> JsonObject:
    text = files("api_client").joinpath("openapi.json").read_text(encoding="utf-8")
    schemas: JsonObject = json.loads(text)["components"]["schemas"]
    return schemas


def _resolved(schema: JsonObject) -> JsonObject:
    """The schema itself, or the component that it names."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    component: JsonObject = _components()[reference.rpartition("/")[2]]
    return component


SECTIONS: Final[tuple[str, ...]] = tuple(_components()["Spec"]["properties"])
"""All sections of a document, in the contract's order."""


def contract_view(section: str, value: Any) -> Any:
    """What a document may state of a live or desired value.

    Fields that the contract does not name and fields that belong to the server are left out, in nested objects and
    lists too. A free object, such as `core` and all that it contains, is kept whole.

    Args:
        section: Name of a section.
        value: The section's object, or one item of a list section. It is not changed.

    Returns:
        A new value, or the same one where there is nothing to leave out.

    Raises:
        ValueError: There is no such section.
    """
    return _view(_visible(section), value)


def server_owned_paths(section: str) -> tuple[str, ...]:
    """The fields of a section that belong to the server, sorted.

    Args:
        section: Name of a section.

    Returns:
        Dotted paths relative to the section's object, or to one item of a list section, with `[]` after the name of
        a list: `scopes` gives `scopes[].authorizedEmailCount`, `skills` gives `updatedAt`.

    Raises:
        ValueError: There is no such section.
    """
    return tuple(sorted(_owned(_subject(section), "")))


def document_schema() -> JsonObject:
    """The JSON Schema (2020-12) of a document written by a person, without references.

    It is the contract's `ChatbotConfigDocument` with these differences: `_omittedSections` and every server-owned
    field are gone, and so are refused like any unknown key; the items of list sections must state their identity;
    below a section a field that may be absent may also be null, as the API's models have it. A section itself may
    not be null, because nothing says whether that leaves it alone or empties it.

    Returns:
        A new schema at every call, free to be changed.
    """
    document = _inlined(_components()["ChatbotConfigDocument"])
    del document["properties"]["_omittedSections"]
    sections = document["properties"]["spec"]["properties"]
    document["properties"]["spec"]["properties"] = {name: _writable(sections[name]) for name in sections}
    for name, identity in LIST_SECTIONS.items():
        item = document["properties"]["spec"]["properties"][name]["items"]
        item["required"] = [identity]
        item["properties"][identity] |= {"type": "string", "minLength": 1}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ChatbotConfig", **document}


def _subject(section: str) -> JsonObject:
    """The schema of a section's object, or of one item of a list section."""
    try:
        schema = _resolved(_components()["Spec"]["properties"][section])
    except KeyError:
        raise ValueError(f"unknown section {section!r}: use one of {', '.join(SECTIONS)}") from None
    return _resolved(schema["items"]) if section in LIST_SECTIONS else schema


def _is_free(schema: JsonObject) -> bool:
    return "properties" not in schema or schema.get("additionalProperties") is True


@dataclass(frozen=True, slots=True)
class _Visible:
    """What of a value is shown; None in place of one: all of it.

    Attributes:
        items: What of each item, where it is a list.
        fields: Of which fields what, where it is an object; None where it is kept whole.
    """

    items: "_Visible | None" = None
    fields: "Mapping[str, _Visible | None] | None" = None


@cache
def _visible(section: str) -> _Visible | None:
    return _visible_of(_subject(section))


def _visible_of(schema: JsonObject) -> _Visible | None:
    schema = _resolved(schema)
    items = _visible_of(schema["items"]) if "items" in schema else None
    fields = None
    if not _is_free(schema):
        stated = schema["properties"]
        fields = {name: _visible_of(inner) for name, inner in stated.items() if not inner.get("readOnly")}
    return _Visible(items, fields) if items is not None or fields is not None else None


def _view(visible: _Visible | None, value: Any) -> Any:
    if visible is None:
        return value
    if isinstance(value, list) and visible.items is not None:
        return [_view(visible.items, item) for item in value]
    if visible.fields is None or not isinstance(value, Mapping):
        return value
    fields = visible.fields
    return {
        name: inner if fields[name] is None else _view(fields[name], inner)
        for name, inner in value.items()
        if name in fields
    }


def _owned(schema: JsonObject, prefix: str) -> Iterator[str]:
    schema = _resolved(schema)
    if "items" in schema:
        yield from _owned(schema["items"], f"{prefix}[]")
    for name, inner in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        if inner.get("readOnly"):
            yield path
        else:
            yield from _owned(inner, path)


def _inlined(schema: JsonObject) -> JsonObject:
    """A deep copy with every reference replaced; a description beside a reference wins."""
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    copy = {**_resolved(schema), **beside} if "$ref" in schema else dict(schema)
    if "items" in copy:
        copy["items"] = _inlined(copy["items"])
    if "properties" in copy:
        copy["properties"] = {name: _inlined(inner) for name, inner in copy["properties"].items()}
    return json.loads(json.dumps(copy))  # type: ignore[no-any-return]  # json.loads is typed Any


def _writable(schema: JsonObject) -> JsonObject:
    """The inlined schema without server-owned fields, with optional fields nullable."""
    if "items" in schema:
        return {**schema, "items": _writable(schema["items"])}
    if "properties" not in schema:
        return schema
    required = schema.get("required", [])
    fields = {
        name: _writable(inner) if name in required else _nullable(_writable(inner))
        for name, inner in schema["properties"].items()
        if not inner.get("readOnly")
    }
    return {**schema, "properties": fields}


def _nullable(schema: JsonObject) -> JsonObject:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    null = {"type": [*kinds, "null"]}
    return {**schema, **null, "enum": [*schema["enum"], None]} if "enum" in schema else {**schema, **null}
