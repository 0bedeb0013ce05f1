import pytest

from reconciler.render.sizes import differs_in_blanks_only, estimated_tokens, share_of_words_kept, sizes


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("日本語", 3), ("Zoë is", 3), ("😀", 1)],
)
def test_a_token_is_four_ascii_characters_or_one_other(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


def test_sizes_are_told_before_and_after() -> None:
    assert sizes("a" * 1204, "a" * 1187) == "1,204 → 1,187 characters, about 301 → 297 tokens"
    assert sizes(None, "abcd") == "4 characters, about 1 token"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b", "a  b", True),
        ("a b\n", "a b", True),
        ("a\r\nb", "a\nb", True),
        ("a b", "a\u00a0b", True),
        ("not able", "notable", False),
        ("a b", "a b", False),
        ("a b", "a c", False),
    ],
)
def test_only_blanks_differ_when_every_word_stays(before: str, after: str, expected: bool) -> None:  # noqa: FBT001  a table
    assert differs_in_blanks_only(before, after) is expected


def test_the_share_of_words_kept() -> None:
    assert share_of_words_kept("a b c d", "d c b a") == 1
    assert share_of_words_kept("a b", "a c") == 0.5
    assert share_of_words_kept("", " ") == 1
