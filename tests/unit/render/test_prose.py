import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.visible import visible
from reconciler.render.prose import GAP, Kind, Line, Piece, compare
from reconciler.render.wording import inline

LINES = st.lists(st.text("ab c.", max_size=6), max_size=8).map("\n".join)


def _shown(lines: list[Line], kind: Kind) -> str:
    return "\n".join(
        "".join(piece.text for piece in line if piece.kind in {Kind.SAME, kind})
        for line in lines
        if any(piece.kind in {Kind.SAME, kind} for piece in line)
    )


def test_only_the_words_that_changed_are_marked() -> None:
    (line,) = compare("Answer in at most five sentences.", "Answer in at most three sentences.")
    assert line == (
        Piece(Kind.SAME, "Answer in at most "),
        Piece(Kind.REMOVED, "five"),
        Piece(Kind.ADDED, "three"),
        Piece(Kind.SAME, " sentences."),
    )


def test_neighbouring_words_change_together() -> None:
    (line,) = compare("When a customer wants money back, help.", "When a customer wants a refund, help.")
    assert [piece.text for piece in line] == ["When a customer wants ", "money back", "a refund", ", help."]


def test_lines_with_little_in_common_are_shown_whole() -> None:
    (line,) = compare("Be brief.", "Offer a person at once!")
    assert [piece.kind for piece in line] == [Kind.REMOVED, Kind.ADDED]


def test_what_did_not_change_is_left_out_but_for_a_little_context() -> None:
    before = "\n".join(f"line {number}" for number in range(100))
    lines = compare(before, before.replace("line 50", "line fifty"))
    assert len(lines) == 4
    assert lines[0] == GAP


def test_a_new_text_has_nothing_that_left() -> None:
    assert {piece.kind for line in compare("", "a\n\nb") for piece in line} == {Kind.ADDED}


@given(LINES, LINES)
def test_with_all_context_both_texts_can_be_read_off(before: str, after: str) -> None:
    lines = [line for line in compare(before, after, context=1000) if line != GAP]
    if before == after:
        assert lines == []
        return
    kept = [line for line in lines if any(piece.text for piece in line)]
    assert _shown(kept, Kind.REMOVED).replace("\n", "") == before.replace("\n", "")
    assert _shown(kept, Kind.ADDED).replace("\n", "") == after.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("Zoë 日本 😀", "Zoë 日本 😀"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("true", '"true"'),
        (True, "true"),
        ("12", '"12"'),
        (12, "12"),
        ("", '""'),
        (" a", '" a"'),
        (None, "null"),
        ("null", '"null"'),
        ("(not set)", '"(not set)"'),
        ("always", "always"),
        ("[]", '"[]"'),
        ([], "[]"),
    ],
)
def test_a_text_is_never_taken_for_another_value(value: object, shown: str) -> None:
    assert inline(value) == shown
