"""What is written is what the strict loader reads: values, types and order."""

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.domain.document_schema import document_schema
from reconciler.render.yaml_text import document_text, yaml_text
from reconciler.sources.yaml_reader import read_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | st.from_regex(
    r"\A[-+]?[0-9.eExXobs_:,~<=!&*#?|>@%`'\"\[\]{}]{1,8}\Z"
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


def _typed(value: Any) -> Any:
    """A form in which 1, 1.0 and True differ."""
    match value:
        case dict():
            return [(key, _typed(inner)) for key, inner in value.items()]
        case list():
            return [_typed(inner) for inner in value]
        case _:
            return (type(value), repr(value))


def _read(text: str) -> Any:
    (document,) = read_yaml(text)
    assert document.findings == ()
    return document.value


@given(VALUES)
@example({"0123": "0123", "no": "no", "1:30": "1:30", "0o17": "0o17", "1e3": "1e3", "<<": "<<", "": ""})
@example({"a": "x\u2028y\x85z\ufeff\u202e", "b": "\ttab ", "c": " lead", "d": "- x", "e": "a: b", "f": "x #y"})
@example({"a": ["~", "null", "NULL", "TRUE", ".5", "+1", "-.inf", ".NaN", "0x1F", "=", "2026-01-01", "1_000"]})
@example({"a": 1e16, "b": -0.0, "c": 1.0, "d": 5e-324, "e": 10**15})
@example({"k" * 300: "v" * 5000, "a\nb": "two\nlines", "c": "ends\n", "d": "\n", "e": "😀 ok — “x”"})
def test_the_strict_loader_reads_back_what_was_written(value: Any) -> None:
    assert _typed(_read(yaml_text({"v": value}))) == _typed({"v": value})


@given(VALUES, st.lists(st.text("ab:# -.\t'\"|", max_size=6), min_size=2, max_size=5).map("\n".join))
@example({}, "  lead\n\ntrail\n\n")
@example({}, "# c\n---\n...\n")
def test_what_is_written_for_people_says_the_same(value: Any, text: str) -> None:
    written = {"v": value, "t": text, text: [text]}
    assert _typed(_read(yaml_text(written, prose=True))) == _typed(written)


def test_a_text_of_several_lines_is_written_in_several_lines_for_people() -> None:
    assert yaml_text({"p": "One.\n\n## Two\n"}, prose=True) == "p: |\n  One.\n\n  ## Two\n"
    assert yaml_text({"p": "One.\u200b\nTwo"}, prose=True).count("\n") == 1


@given(st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_a_yaml_1_1_reader_takes_no_text_for_anything_else(value: dict[str, str]) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


def test_a_value_that_occurs_twice_is_written_twice() -> None:
    shared = {"a": [1]}
    assert "&" not in yaml_text({"x": shared, "y": shared})


@pytest.mark.parametrize("text", ["plain words", "Zoë — “hello” 😀", "https://x.example/y", "日本語", "on_demand"])
def test_harmless_texts_stay_unquoted(text: str) -> None:
    assert yaml_text({"a": text}) == f"a: {text}\n"


def test_a_document_names_its_schema_for_editors() -> None:
    text = document_text({"apiVersion": "v1"}, schema="../x.schema")
    assert text == "# yaml-language-server: $schema=../x.schema\napiVersion: v1\n"


def test_the_schema_lets_a_text_be_an_include_but_not_a_choice_of_words() -> None:
    contract = {
        "properties": {
            "spec": {
                "properties": {
                    "body": {"type": ["string", "null"], "description": "d"},
                    "mode": {"type": "string", "enum": ["always"]},
                }
            }
        }
    }
    spec = document_schema(contract)["properties"]["spec"]["properties"]
    assert spec["body"]["description"] == "d"
    assert spec["body"]["anyOf"][0] == {"type": ["string", "null"]}
    assert spec["body"]["anyOf"][1]["required"] == ["$file"]
    assert spec["mode"] == {"type": "string", "enum": ["always"]}
    assert "chatbotId" in document_schema(contract)["properties"]["metadata"]["properties"]
