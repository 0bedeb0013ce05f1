"""The JSON Schema of a document in git: that of the contract, with `metadata` and `$file`. Pure."""

from collections.abc import Mapping
from typing import Any

_INCLUDE: dict[str, Any] = {
    "type": "object",
    "description": "The text of a file, relative to the document, within the repository.",
    "properties": {"$file": {"type": "string", "minLength": 1}},
    "required": ["$file"],
    "additionalProperties": False,
}
_METADATA: dict[str, Any] = {
    "type": "object",
    "description": "Ours; never sent to WizChat.",
    "properties": {
        "chatbotId": {
            "type": "string",
            "minLength": 1,
            "description": "The chatbot that the document claims; without it, the file's name without its ending.",
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "description": "For filters."},
    },
    "additionalProperties": False,
}


def document_schema(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that editors check documents by.

    Args:
        contract: The contract's schema of a document, without references.
    """
    properties = contract["properties"]
    spec = _with_includes(properties["spec"])
    return {**contract, "properties": {**properties, "metadata": _METADATA, "spec": spec}}


def _with_includes(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which a text may be an include instead; a choice between words may not."""
    copy = dict(schema)
    if "items" in copy:
        copy["items"] = _with_includes(copy["items"])
    if "properties" in copy:
        copy["properties"] = {name: _with_includes(inner) for name, inner in copy["properties"].items()}
    if not _is_text(copy):
        return copy
    description = {"description": copy.pop("description")} if "description" in copy else {}
    return {**description, "anyOf": [copy, _INCLUDE]}


def _is_text(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return "enum" not in schema and (kind == "string" or (isinstance(kind, list) and "string" in kind))
