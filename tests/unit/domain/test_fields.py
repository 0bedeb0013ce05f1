from hypothesis import given

from reconciler.domain import fields
from reconciler.domain.fields import MISSING
from tests.support.json_values import json_objects


def test_a_name_is_a_key_or_a_dotted_path() -> None:
    value = {"behavior": {"systemPrompt": "hello", "x.y": 1}, "a.b": 2, "a": {"b": 3}}
    assert fields.get(value, "behavior.systemPrompt") == "hello"
    assert fields.get(value, "behavior.x.y") == 1
    assert fields.get(value, "a.b") == 2
    assert fields.get(value, "behavior.missing") is MISSING
    assert fields.get(None, "x") is MISSING


def test_null_is_not_missing() -> None:
    assert fields.pick({"a": None}, ["a", "b"]) == {"a": None}


def test_without_and_overlay_leave_the_original_alone() -> None:
    value = {"behavior": {"systemPrompt": "hello", "tone": "warm"}}
    assert fields.without(value, ["behavior.systemPrompt"]) == {"behavior": {"tone": "warm"}}
    assert fields.overlay(value, {"behavior.tone": "dry"}) == {"behavior": {"systemPrompt": "hello", "tone": "dry"}}
    assert value == {"behavior": {"systemPrompt": "hello", "tone": "warm"}}


def test_overlay_makes_the_objects_on_the_way() -> None:
    assert fields.overlay({}, {"a.b.c": 1}) == {"a": {"b": {"c": 1}}}


@given(json_objects())
def test_taking_fields_out_and_putting_them_back_changes_nothing(value: dict[str, object]) -> None:
    value = {name.replace(".", ""): field for name, field in value.items()}
    names = list(value)
    assert fields.overlay(fields.without(value, names), fields.pick(value, names)) == value
