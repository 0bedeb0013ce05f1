"""A parsed file as JSON and back: the form in which the parse cache keeps it. Reading is the exact inverse."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, ParsedFile, Refusal
from reconciler.domain.status import Reason


def to_json(file: ParsedFile) -> dict[str, Any]:
    """A JSON value that holds everything the file says."""
    return {
        "path": file.path,
        "blob_id": file.blob_id,
        "includes": dict(file.includes),
        "documents": [_values(document) for document in file.documents],
        "refusals": [_values(refusal) for refusal in file.refusals],
        "diagnostics": [_values(diagnostic) for diagnostic in file.diagnostics],
        "values": file.values,
        "characters": file.characters,
    }


def from_json(value: Mapping[str, Any]) -> ParsedFile:
    """The file that `to_json` was given.

    Raises:
        ValueError: When the value was not written by `to_json`, or by another version of it.
    """
    try:
        return ParsedFile(
            path=value["path"],
            blob_id=value["blob_id"],
            includes=dict(value["includes"]),
            documents=tuple(Document(**item) for item in value["documents"]),
            refusals=tuple(Refusal(**{**item, "reason": Reason(item["reason"])}) for item in value["refusals"]),
            diagnostics=tuple(
                Diagnostic(**{**item, "severity": Severity(item["severity"])}) for item in value["diagnostics"]
            ),
            values=value["values"],
            characters=value["characters"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a parsed file: " + str(error)) from error


def _values(record: Document | Refusal | Diagnostic) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
