"""Reads the body of an apply, and refuses what the contract refuses."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from api_client.contract import LIST_SECTIONS, SECTION_SCOPES, SECTIONS
from api_client.models import ChatbotConfigDocument
from api_client.sandbox.errors import ApiRefusal

FieldError = dict[str, str]
_MAX_ERRORS = 50


def parse_json(body: bytes) -> Any:
    """Return the body as JSON, or refuse it with 400."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate cannot be sent back
    except (ValueError, RecursionError) as error:
        raise _bad_request([{"path": "", "message": f"not readable as JSON: {error}"}]) from error
    return value


def readable(body: bytes) -> Any:
    """Return the body as JSON where it can be read, else its text; nothing is refused."""
    try:
        return parse_json(body)
    except ApiRefusal:
        return body.decode(errors="replace")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def required_scopes(value: Any, *, dry_run: bool) -> list[str]:
    """Return the scopes that the stated sections need, in section order."""
    spec = value.get("spec") if isinstance(value, dict) else None
    sections = spec if isinstance(spec, dict) else {}
    right = "read" if dry_run else "write"
    return list(dict.fromkeys(f"{SECTION_SCOPES[section]}:{right}" for section in SECTIONS if section in sections))


def validated(value: Any) -> dict[str, Any]:
    """Return the document unchanged, or refuse it with 400 and one entry per wrong field."""
    try:
        errors = [*_not_for_applies(value), *_contract_errors(value)]
    except RecursionError as error:
        raise _bad_request([{"path": "", "message": "is nested too deeply"}]) from error
    errors = errors or list(_identity_errors(value["spec"]))
    if errors:
        raise _bad_request(errors)
    document: dict[str, Any] = value
    return document


def without_fields(value: Any, names: frozenset[str]) -> Any:
    """Return the value without the fields of these names, at any depth."""
    match value:
        case dict():
            return {name: without_fields(inner, names) for name, inner in value.items() if name not in names}
        case list():
            return [without_fields(inner, names) for inner in value]
        case _:
            return value


def _not_for_applies(value: Any) -> Iterator[FieldError]:
    if isinstance(value, dict) and "_omittedSections" in value:
        yield {"path": "_omittedSections", "message": "is for reading only; leave it out of an apply"}


def _contract_errors(value: Any) -> list[FieldError]:
    try:
        # Strict JSON mode: "5" is no integer and 1 is no boolean, while enums and times are strings.
        ChatbotConfigDocument.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return [
            {"path": ".".join(map(str, entry["loc"])), "message": entry["msg"]}
            for entry in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    return []


def _identity_errors(spec: dict[str, Any]) -> Iterator[FieldError]:
    for section, identity in LIST_SECTIONS.items():
        items = spec.get(section) or []
        for index, item in enumerate(items):
            if not item.get(identity):
                yield {"path": f"spec.{section}.{index}.{identity}", "message": "is the identity and must be given"}
        counts = Counter(item[identity] for item in items if item.get(identity))
        for key in sorted(key for key, count in counts.items() if count > 1):
            yield {"path": f"spec.{section}", "message": f"{identity} {key!r} is given more than once"}


def _bad_request(errors: list[FieldError]) -> ApiRefusal:
    return ApiRefusal(
        400,
        "bad_request",
        "The request is not a valid ChatbotConfig document.",
        details={"fieldErrors": errors[:_MAX_ERRORS]},
    )
