"""Names of chatbots as lists keep them."""

import pytest

from reconciler.domain.document import Document
from reconciler.domain.names import LONGEST_CHATBOT_NAME, bounded_name


@pytest.mark.parametrize("letter", ["a", "Ä", "𝄞"])
def test_a_name_is_kept_up_to_its_limit_and_cut_beyond(letter: str) -> None:
    whole = letter * LONGEST_CHATBOT_NAME
    assert bounded_name(whole) == whole
    assert bounded_name(whole + letter) == letter * (LONGEST_CHATBOT_NAME - 1) + "…"
    assert len(bounded_name(letter * 5000)) == LONGEST_CHATBOT_NAME


def test_what_no_database_takes_is_left_out() -> None:
    assert bounded_name("a\0b") == "ab"
    assert bounded_name("") == ""


def test_a_document_states_a_name_that_lists_can_hold_and_its_body_has_it_whole() -> None:
    name = "n" * 1000
    document = Document("bot_1", "bot.yaml", 1, {"spec": {"core": {"name": name}}})
    assert document.name == bounded_name(name)
    assert document.spec["core"]["name"] == name
