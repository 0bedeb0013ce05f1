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


def test_a_name_that_stands_for_two_fields_is_told() -> None:
    key, path = {"a.b": 1}, {"a": {"b": 1}}
    assert fields.is_ambiguous("a.b", {**key, **path})
    assert fields.is_ambiguous("a.b", key, path)
    assert not fields.is_ambiguous("a.b", key, key)
    assert not fields.is_ambiguous("a.b", path, path)
    assert not fields.is_ambiguous("a", path, None)


def test_a_changed_field_touches_what_differs_within_it_and_what_it_lies_in() -> None:
    before, after = {"b": {"c": 1, "d": True}, "e": 1}, {"b": {"c": 1, "d": 1}}
    assert list(fields.touched("x.a", before, after)) == ["x.a", "x.a.b", "x.a.b.d", "x.a.e", "x"]
    assert list(fields.touched("a", before, None)) == ["a", "a.b", "a.b.c", "a.b.d", "a.e"]
    assert list(fields.touched("a", MISSING, 1)) == ["a"]
