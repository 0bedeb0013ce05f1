"""What `api_client.contract` reads out of openapi.json."""

import copy
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api_client import contract, models

SERVER_OWNED = {
    "core": [],
    "scopes": ["scopes[].authorizedDomainCount", "scopes[].authorizedEmailCount"],
    "accessProtection": ["jwtConfig.hasSecret"],
    "externalApi": [],
    "accessLists": [],
    "telemetry": [],
    "mcpServers": [
        *("accessKeyHint", "accessKeyUpdatedAt", "authorizedEmailCount", "authorizedGroupCount", "createdAt", "id"),
        *("oauthConfig", "postgresqlConfig", "tools", "toolsDiscoveredAt", "updatedAt"),
    ],
    "skills": ["createdAt", "id", "source", "sourceServerId", "updatedAt"],
    "domains": [],
}
DOCUMENT: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}


def errors(spec: dict[str, Any], **top: Any) -> list[str]:
    validator = Draft202012Validator(contract.document_schema())
    return [error.json_path for error in validator.iter_errors({**DOCUMENT, **top, "spec": spec})]


def subschemas(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        return [schema, *(found for value in schema.values() for found in subschemas(value))]
    return [found for item in schema for found in subschemas(item)] if isinstance(schema, list) else []


def test_the_sections_are_those_of_the_models_in_their_order() -> None:
    assert contract.SECTIONS == tuple(models.Spec.model_fields) == tuple(section.value for section in models.Section)


def test_every_section_has_a_scope_and_every_scope_exists() -> None:
    assert tuple(contract.SECTION_SCOPES) == contract.SECTIONS
    known = {scope.value for scope in models.ManagementApiScope}
    assert {f"{scope}:{way}" for scope in contract.SECTION_SCOPES.values() for way in ("read", "write")} <= known


def test_the_list_sections_are_the_lists() -> None:
    spec = contract.document_schema()["properties"]["spec"]["properties"]
    assert set(contract.LIST_SECTIONS) == {name for name, schema in spec.items() if schema["type"] == "array"}


@pytest.mark.parametrize("section", contract.SECTIONS)
def test_the_server_owned_fields_are_those_that_were_agreed(section: str) -> None:
    assert list(contract.server_owned_paths(section)) == sorted(SERVER_OWNED[section])


def test_fields_are_read_only_nowhere_else() -> None:
    document = json.loads(files("api_client").joinpath("openapi.json").read_text(encoding="utf-8"))
    marked = sum(schema.get("readOnly") is True for schema in subschemas(document))
    assert marked == sum(map(len, SERVER_OWNED.values()))


def test_a_view_leaves_out_what_is_unknown_or_the_servers() -> None:
    server = {"id": "mcp_1", "name": "crm", "tools": [{}], "new": 1, "localScriptFormat": {"id": 1, "x": None}}
    assert contract.contract_view("mcpServers", server) == {"name": "crm", "localScriptFormat": {"id": 1, "x": None}}
    jwt = {"enabled": True, "hasSecret": True, "new": 1}
    assert contract.contract_view("accessProtection", {"jwtConfig": jwt}) == {"jwtConfig": {"enabled": True}}
    scope = {"id": "sw", "authorizedEmailCount": 3, "label": None}
    scopes = {"scopes": [scope], "uiTree": [{"id": 1, "createdAt": "x"}]}
    assert contract.contract_view("scopes", scopes) == {
        "scopes": [{"id": "sw", "label": None}],
        "uiTree": [{"id": 1, "createdAt": "x"}],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "hasX", "a"]), inner),
    max_leaves=10,
)


@given(JSON)
def test_the_free_object_core_is_kept_whole(value: Any) -> None:
    assert contract.contract_view("core", value) == value


@given(section=st.sampled_from(contract.SECTIONS), value=JSON)
def test_a_view_of_a_view_is_the_same_and_nothing_is_changed(section: str, value: Any) -> None:
    before = copy.deepcopy(value)
    view = contract.contract_view(section, value)
    assert contract.contract_view(section, view) == view
    assert value == before


def test_an_unknown_section_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'skils': use one of core, scopes"):
        contract.contract_view("skils", {})
    with pytest.raises(ValueError, match="skils"):
        contract.server_owned_paths("skils")


def test_sections_use_no_construct_that_views_do_not_know() -> None:
    schema = contract.document_schema()
    assert not [found for found in subschemas(schema) if {"$ref", "anyOf", "oneOf", "allOf"} & found.keys()]


def test_the_document_schema_is_a_schema_and_each_caller_gets_its_own() -> None:
    schema = contract.document_schema()
    Draft202012Validator.check_schema(schema)
    schema["properties"].clear()
    assert contract.document_schema()["properties"]


@pytest.mark.parametrize(
    ("spec", "places"),
    [
        ({}, []),
        ({"core": {"anything": {"hasSecret": None}}}, []),
        ({"skills": [{"name": "a", "mode": "always", "body": None}]}, []),
        ({"skills": [{"name": "a", "mode": "sometimes"}]}, ["$.spec.skills[0].mode"]),
        ({"skills": [{"body": "x"}]}, ["$.spec.skills[0]"]),
        ({"skills": [{"name": ""}]}, ["$.spec.skills[0].name"]),
        ({"skills": [{"name": None}]}, ["$.spec.skills[0].name"]),
        ({"skills": [{"name": "a", "id": "skill_1"}]}, ["$.spec.skills[0]"]),
        ({"skils": []}, ["$.spec"]),
        ({"skills": None}, ["$.spec.skills"]),
        ({"accessProtection": {"jwtConfig": {"hasSecret": True}}}, ["$.spec.accessProtection.jwtConfig"]),
        ({"externalApi": {"rateLimitPerMinute": 1001}}, ["$.spec.externalApi.rateLimitPerMinute"]),
        ({"externalApi": {"rateLimitPerMinute": None}}, []),
        ({"telemetry": {"level": None}}, []),
        ({"domains": [{"domain": "a.example", "verified": True}]}, ["$.spec.domains[0]"]),
    ],
)
def test_a_document_written_by_a_person_is_held_to_the_contract(spec: dict[str, Any], places: list[str]) -> None:
    assert errors(spec) == places


def test_what_is_no_part_of_a_document_is_refused() -> None:
    assert errors({}, _omittedSections=[]) == ["$"]
    assert errors({}, dryRun=True) == ["$"]
    assert errors({}, kind="Chatbot") == ["$.kind"]
