"""Our contract states the same facts as the official package's models, and none of its prose."""

from typing import Any

import pytest
import wizchat_management.models as official
from pydantic import TypeAdapter

from api_client import models as ours

COMPONENTS = [
    "PublicDocument",
    "PublicVideo",
    "PublicScope",
    "PublicChatbot",
    "PublicDeployment",
    "PublicDomainStatus",
    "PublicMcpServer",
    "PublicSkill",
    "PublicAccessProtectionKey",
    "PublicAccessProtectionConfig",
    "PublicExternalApiKey",
    "PublicExternalApiConfig",
    "PublicAccessLists",
    "PublicTelemetry",
    "PublicCostAnalytics",
    "PublicUsageAnalytics",
    "Spec",
    "ChatbotConfigDocument",
    "Plan",
    "ApplyResult",
    "ManagementApiScope",
    "OAuthClient",
    "OAuthClientCreated",
    "OAuthTokenRequest",
    "OAuthTokenResponse",
    "UsageSummary",
    "Error",
]
PROSE = {"title", "description", "examples", "readOnly"}


def own_types(module: Any) -> set[str]:
    return {
        name for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__
    }


def facts(schema: Any, *, names: bool = False) -> Any:
    """The schema without prose; below `properties` and `$defs` the keys are names, which all stay."""
    if isinstance(schema, dict):
        return {
            key: facts(value, names=key in {"properties", "$defs"} and not names)
            for key, value in schema.items()
            if names or key not in PROSE
        }
    return [facts(item) for item in schema] if isinstance(schema, list) else schema


def prose(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        told = {schema["description"]} if isinstance(schema.get("description"), str) else set()
        return told.union(*(prose(value) for value in schema.values()))
    return set().union(*map(prose, schema)) if isinstance(schema, list) else set()


def schema_of(module: Any, name: str) -> Any:
    return TypeAdapter(getattr(module, name)).json_schema()


@pytest.mark.parametrize("name", sorted({*COMPONENTS, *own_types(official)}))
def test_a_component_says_the_same_prose_aside(name: str) -> None:
    assert facts(schema_of(ours, name)) == facts(schema_of(official, name))


def test_both_sides_have_the_same_names() -> None:
    assert own_types(ours) == own_types(official)
    assert set(COMPONENTS) <= own_types(ours)


def test_no_sentence_of_the_official_package_is_ours() -> None:
    here, there = (
        set().union(*(prose(schema_of(module, name)) for name in own_types(module))) for module in (ours, official)
    )
    assert len(there) > 100
    assert here & there == set()
