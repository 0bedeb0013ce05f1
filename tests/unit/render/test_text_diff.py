from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.escaping import escaped
from reconciler.render.sizes import share_of_words_kept
from reconciler.render.text_diff import (
    GAP,
    DiffPiece,
    DiffRow,
    Line,
    PieceKind,
    abridged,
    clipped,
    compare,
    share_kept_in_order,
    side_by_side,
)
from reconciler.render.values import inline
from tests.support.work import counted

LINES = st.lists(st.text("ab c.", max_size=6), max_size=8).map("\n".join)


def _shown(lines: list[Line], kind: PieceKind) -> str:
    return "\n".join(
        "".join(piece.text for piece in line if piece.kind in {PieceKind.SAME, kind})
        for line in lines
        if any(piece.kind in {PieceKind.SAME, kind} for piece in line)
    )


def test_only_the_words_that_changed_are_marked() -> None:
    (line,) = compare("Answer in at most five sentences.", "Answer in at most three sentences.")
    assert line == (
        DiffPiece(PieceKind.SAME, "Answer in at most "),
        DiffPiece(PieceKind.REMOVED, "five"),
        DiffPiece(PieceKind.ADDED, "three"),
        DiffPiece(PieceKind.SAME, " sentences."),
    )


def test_neighbouring_words_change_together() -> None:
    (line,) = compare("When a customer wants money back, help.", "When a customer wants a refund, help.")
    assert [piece.text for piece in line] == ["When a customer wants ", "money back", "a refund", ", help."]


def test_lines_with_little_in_common_are_shown_whole() -> None:
    (line,) = compare("Be brief.", "Offer a person at once!")
    assert [piece.kind for piece in line] == [PieceKind.REMOVED, PieceKind.ADDED]


def test_what_did_not_change_is_left_out_but_for_a_little_context() -> None:
    before = "\n".join(f"line {number}" for number in range(100))
    lines = compare(before, before.replace("line 50", "line fifty"))
    assert len(lines) == 4
    assert lines[0] == GAP


def test_a_new_text_has_nothing_that_left() -> None:
    assert {piece.kind for line in compare("", "a\n\nb") for piece in line} == {PieceKind.ADDED}


@given(LINES, LINES)
def test_with_all_context_both_texts_can_be_read_off(before: str, after: str) -> None:
    lines = [line for line in compare(before, after, context=1000) if line != GAP]
    if before == after:
        assert lines == []
        return
    kept = [line for line in lines if any(piece.text for piece in line)]
    assert _shown(kept, PieceKind.REMOVED).replace("\n", "") == before.replace("\n", "")
    assert _shown(kept, PieceKind.ADDED).replace("\n", "") == after.replace("\n", "")


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
    assert escaped(text) == shown


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


TEXTS = st.one_of(LINES, st.text("ab .\n", max_size=60), st.text(max_size=30))


def _column(texts: list[Line | None]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in texts if line is not None)


@given(TEXTS, TEXTS, st.sampled_from([0, 200, 100_000]))
def test_side_by_side_each_column_is_one_of_the_texts(before: str, after: str, effort: int) -> None:
    rows = side_by_side(compare(before, after, context=1000, effort=effort))
    if before != after:
        assert _column([row.left for row in rows]) == before
        assert _column([row.right for row in rows]) == after


@given(TEXTS, TEXTS)
def test_both_views_say_the_same(before: str, after: str) -> None:
    lines = compare(before, after)
    rows = side_by_side(lines)
    assert sum(line == GAP for line in lines) == sum(row.left == GAP and row.right == GAP for row in rows)
    for kind, column in ((PieceKind.REMOVED, "left"), (PieceKind.ADDED, "right")):
        marked = [piece for row in rows for piece in getattr(row, column) or () if piece.kind is kind]
        assert marked == [piece for line in lines for piece in line if piece.kind is kind]


def test_a_line_that_changed_stands_beside_itself_although_lines_were_added() -> None:
    rows = side_by_side(compare("One line that stays alike.", "A new one.\nOne line that stays the same."))
    assert [row.left is None for row in rows] == [True, False]


def test_what_left_after_what_came_does_not_stand_beside_it() -> None:
    came, left = (DiffPiece(PieceKind.ADDED, "came"),), (DiffPiece(PieceKind.REMOVED, "left"),)
    assert side_by_side([came, left]) == [DiffRow(None, came), DiffRow(left, None)]
    assert side_by_side([left, came]) == [DiffRow(left, came)]
    assert side_by_side([came, left, came]) == [DiffRow(None, came), DiffRow(left, came)]


def test_a_long_piece_that_did_not_change_is_abridged() -> None:
    (line,) = compare("word " * 1000 + "old", "word " * 1000 + "new")
    short = abridged(line, around=10)
    assert [piece.kind for piece in short] == [
        PieceKind.SAME,
        PieceKind.SKIPPED,
        PieceKind.SAME,
        PieceKind.REMOVED,
        PieceKind.ADDED,
    ]
    assert short[1].text == "4,980 unchanged characters"
    assert short[0].text == short[2].text == "word word "


def test_what_changed_is_never_abridged() -> None:
    (line,) = compare("a" * 5000, "b" * 5000)
    assert abridged(line) == line


def test_lines_are_clipped_and_what_is_missing_is_counted() -> None:
    lines = compare("", "abc\ndef\nghi")
    kept, hidden = clipped(lines, 5)
    assert kept == [(DiffPiece(PieceKind.ADDED, "abc"),), (DiffPiece(PieceKind.ADDED, "de"),)]
    assert hidden == 4
    assert clipped(lines, 9) == (lines, 0)
    assert clipped(compare("", "abc\n\n\ndef"), 3) == ([(DiffPiece(PieceKind.ADDED, "abc"),)], 3), (
        "no blank lines at the end"
    )


def test_what_stands_for_lines_left_out_is_clipped_with_what_follows_the_end() -> None:
    same = (DiffPiece(PieceKind.SAME, "abc"),)
    assert clipped([GAP, same, GAP, same], 3) == ([GAP, same], 3)
    assert clipped([GAP, same, GAP, same], 4) == ([GAP, same, GAP, (DiffPiece(PieceKind.SAME, "a"),)], 2)
    assert clipped([GAP], 0) == ([], 0)


def test_at_most_so_many_lines() -> None:
    assert len(compare("", "\n".join("abcdef"), max_lines=4)) == 4


_MIB = 1 << 20


def _hostile() -> dict[str, tuple[str, str]]:
    random = Random(3)
    noise = ["".join(random.choices("ab \n", k=_MIB)) for _ in range(2)]
    words = ["".join(random.choices("abcdefgh", k=5)) for _ in range(500)]
    prose = [" ".join(random.choices(words, k=_MIB // 6)) for _ in range(2)]
    return {
        "noise": (noise[0], noise[1]),
        "short lines": ("a\n" * (_MIB // 2), "b\na\n" * (_MIB // 4)),
        "one line of words": (prose[0], prose[1]),
        "turned around": ("a b " * (_MIB // 4), "b a " * (_MIB // 4)),
        "dots": ("." * _MIB, ".," * (_MIB // 2)),
        "edited": (prose[0].replace(" a", "\na"), prose[0].replace(" a", "\na").replace(" b", " x b", 2000)),
    }


@pytest.mark.parametrize("name", _hostile())
def test_the_work_for_a_mebibyte_is_bounded_however_it_is_made(name: str) -> None:
    before, after = _hostile()[name]
    with counted(most=4_000_000):
        compare(before, after, max_lines=3000)


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ("a b c d", "a b c d", 1),
        ("a b c d", "d c b a", 0.25),
        ("a b\nc d", "a b c d", 1),
        ("a b\nc d", "c d\na b", 0.5),
        ("a b\nc d\ne f", "a b\nx d\ne f", 5 / 6),
        ("a", "", 0),
        ("", " ", 1),
    ],
)
def test_the_share_of_words_kept_in_their_order(before: str, after: str, share: float) -> None:
    assert share_kept_in_order(before, after) == pytest.approx(share)


def test_words_in_reverse_are_not_kept() -> None:
    words = [f"word{number}" for number in range(100)]
    assert share_kept_in_order(" ".join(words), " ".join(reversed(words))) == pytest.approx(0.01)


@given(LINES, LINES)
def test_in_their_order_no_more_words_are_kept_than_anywhere(before: str, after: str) -> None:
    share = share_kept_in_order(before, after)
    assert share is not None
    assert 0 <= share <= share_of_words_kept(before, after) + 1e-9


def test_what_takes_too_much_work_is_not_weighed() -> None:
    random = Random(7)
    before, after = (" ".join(random.choices("ab", k=100_000)) + end for end in "xy")
    with counted(most=1_000_000):
        assert share_kept_in_order(before, after) is None
