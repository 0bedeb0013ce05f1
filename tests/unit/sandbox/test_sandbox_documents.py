import json
from typing import Any

import pytest

from api_client.sandbox.document import parse_json, readable, required_scopes, validated, without_fields
from api_client.sandbox.errors import ApiRefusal


def document(spec: Any, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec, **fields}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], ""),
        ({}, "apiVersion"),
        (document({}, extra=1), "extra"),
        (document({}, dryRun=True), "dryRun"),
        (document({}, _omittedSections=[]), "_omittedSections"),
        (document({}, apiVersion="v2"), "apiVersion"),
        (document({}, prune="yes"), "prune"),
        (document({"skils": []}), "spec.skils"),
        (document({"skills": [{"name": "a", "bdy": ""}]}), "spec.skills.0.bdy"),
        (document({"skills": [{"name": "a", "enabled": 1}]}), "spec.skills.0.enabled"),
        (document({"skills": [{"name": "a", "mode": "never"}]}), "spec.skills.0.mode"),
        (document({"externalApi": {"rateLimitPerMinute": 1001}}), "spec.externalApi.rateLimitPerMinute"),
        (document({"telemetry": {"retentionMonths": "12"}}), "spec.telemetry.retentionMonths"),
        (document({"skills": [{"body": "x"}]}), "spec.skills.0.name"),
        (document({"mcpServers": [{"name": ""}]}), "spec.mcpServers.0.name"),
        (document({"domains": [{"domain": "a"}, {"domain": "a"}]}), "spec.domains"),
    ],
)
def test_what_the_contract_refuses_is_refused_with_the_field(value: Any, path: str) -> None:
    with pytest.raises(ApiRefusal) as caught:
        validated(value)
    assert (caught.value.status, caught.value.code) == (400, "bad_request")
    assert caught.value.details is not None
    assert path in [error["path"] for error in caught.value.details["fieldErrors"]]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": NaN}', b'{"a": 1e999}', b'"\\ud800"', b"\xff", b'{"a":' * 100_000, b"9" * 5000]
)
def test_what_is_no_json_is_refused_and_still_readable_for_the_journal(body: bytes) -> None:
    with pytest.raises(ApiRefusal) as caught:
        parse_json(body)
    assert caught.value.status == 400
    json.dumps(readable(body), ensure_ascii=False).encode()


@pytest.mark.parametrize("depth", [250, 500, 900, 950, 970, 980, 990, 2000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    body = b'{"apiVersion":"v1","kind":"ChatbotConfig","spec":{"core":' + b'{"a":' * depth + b"1" + b"}" * (depth + 2)
    with pytest.raises(ApiRefusal) as caught:
        validated(parse_json(body))
    assert caught.value.status == 400


def test_a_valid_document_comes_back_as_it_is() -> None:
    value = document(
        {"core": {"anything": [1, None, {"x": "ü"}]}, "skills": [{"name": "a", "body": None}]}, prune=False
    )
    assert validated(value) is value


def test_a_dry_run_needs_read_and_an_apply_write_scopes_of_the_stated_sections() -> None:
    value = document({"skills": [], "telemetry": {}, "accessLists": {}, "core": {}})
    assert required_scopes(value, dry_run=True) == ["chatbots:read", "security:read", "skills:read"]
    assert required_scopes(value, dry_run=False) == ["chatbots:write", "security:write", "skills:write"]
    assert required_scopes("no document", dry_run=False) == []
    assert required_scopes({"spec": [1]}, dry_run=False) == []


def test_fields_are_taken_out_at_any_depth() -> None:
    value = {"x": 1, "a": [{"x": 2, "b": 3}], "c": {"x": 4}}
    assert without_fields(value, frozenset({"x"})) == {"a": [{"b": 3}], "c": {}}
