import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.layout import ChatbotFiles, Exported, Unwritable, lay_out, slug_of, slugs

PROMPT = "You help.\nBe brief.\nBe kind.\n"


def _laid_out(spec: dict[str, Any], slug: str = "acme") -> ChatbotFiles:
    return lay_out(Exported("bot_1", "Acme", {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec}), slug)


def test_long_texts_become_files_and_stay_as_they_are() -> None:
    laid_out = _laid_out({"core": {"behavior": {"systemPrompt": PROMPT, "tone": "friendly\nand warm"}}})
    path = "prompts/acme/core.behavior.system-prompt.md"
    assert laid_out.texts == {path: PROMPT}
    behavior = laid_out.document["spec"]["core"]["behavior"]
    assert behavior == {"systemPrompt": {"$file": f"../{path}"}, "tone": "friendly\nand warm"}


@pytest.mark.parametrize(
    ("text", "splits"),
    [
        ("a\nb", False),
        ("a\nb\n", False),
        ("a\nb\nc", True),
        ("x" * 200, False),
        ("x" * 201, True),
        ("a\r\nb\r\nc", False),
        ("\ufeffa\nb\nc", False),
        ("version https://git-lfs.github.com/spec/v1\nb\nc", False),
    ],
)
def test_three_lines_or_more_than_200_characters_are_long(text: str, splits: bool) -> None:  # noqa: FBT001 - a case
    """What git, editors or the loader would change in a file of its own stays in the document."""
    assert bool(_laid_out({"core": {"a": text}}).texts) is splits


def test_keys_come_in_reading_order_and_texts_last() -> None:
    skill = {"body": PROMPT, "mode": "always", "enabled": True, "name": "refunds", "linkedServerIds": ["x"]}
    document = _laid_out({"core": {"zeta": 1, "alpha": 2, "name": "Acme"}, "skills": [skill]}).document
    assert list(document) == ["apiVersion", "kind", "metadata", "prune", "spec"]
    assert list(document["spec"]["core"]) == ["name", "alpha", "zeta"]
    assert list(document["spec"]["skills"][0]) == ["name", "enabled", "mode", "linkedServerIds", "body"]


def test_what_is_stated_about_the_lists_is_kept_and_empty_objects_are_not() -> None:
    """An empty list says that nothing belongs there; with prune, an item added live is then a difference."""
    assert _laid_out({"core": {"a": 1}, "scopes": {}, "mcpServers": []}).document["spec"] == {
        "core": {"a": 1},
        "mcpServers": [],
    }


def test_files_of_one_chatbot_never_share_a_name() -> None:
    laid_out = _laid_out({"core": {"aB": PROMPT, "a-b": PROMPT + "2", "A B": PROMPT + "3"}})
    assert len(laid_out.texts) == 3
    assert set(laid_out.texts.values()) == {PROMPT, PROMPT + "2", PROMPT + "3"}


@pytest.mark.parametrize(
    "value", [{"$file": "x"}, {"a": {"$file": 1, "b": 2}}, float("nan"), float("inf"), 2**53, "a\0", "\ud800"]
)
def test_what_no_document_can_state_is_named(value: Any) -> None:
    with pytest.raises(Unwritable, match=r"core\.odd"):
        _laid_out({"core": {"odd": value}})


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Acme Support Bot", "acme-support-bot"), ("Größe & Café!", "groe-cafe"), ("机器人", ""), ("../..", "")],
)
def test_a_slug_is_plain_ascii(text: str, slug: str) -> None:
    assert slug_of(text) == slug


def test_equal_names_are_told_apart_by_id_whatever_the_order() -> None:
    fleet = [("bot_1", "Acme"), ("bot_2", "ACME"), ("bot_3", "Other"), ("bot_4", None), ("bot_5", "con")]
    expected = {
        "bot_1": "acme-bot-1",
        "bot_2": "acme-bot-2",
        "bot_3": "other",
        "bot_4": "bot-4",
        "bot_5": "chatbot-con",
    }
    assert slugs(fleet) == slugs(reversed(fleet)) == expected


@given(st.dictionaries(st.text(max_size=6), st.none() | st.text(max_size=6), max_size=12))
def test_slugs_are_unique_and_safe_for_every_fleet(fleet: dict[str, str | None]) -> None:
    found = slugs(fleet.items())
    assert found.keys() == fleet.keys()
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in found.values())
