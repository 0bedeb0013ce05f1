"""No character that people cannot see, or that changes what they see, passes; everything else stays as it is."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.visible import distinct, is_unseen, visible

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNSEEN = list("\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2800\u3164\ufe0e\ufeff\uffa0\ue000\ud800")
BEYOND = ["\U000e0001", "\U000e0041", "\U000e0100", "\U000f0000", "\U0010ffff"]


@pytest.mark.parametrize("char", [*CONTROLS, *BIDI, *UNSEEN, *BEYOND], ids=lambda char: f"U+{ord(char):04X}")
def test_an_unseen_character_is_shown_as_ascii(char: str) -> None:
    shown = visible(f"a{char}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_the_escapes_are_those_that_yaml_and_python_take(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["Grüße, 日本語, العربية, עברית", "👍🏽 ❤️ ☎️ 1️⃣ ©️", "a\\u202eb", "e\u0301", "", "a\u00a0b", "नमस्ते"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_selector_passes_only_behind_the_one_sign_that_it_belongs_to() -> None:
    assert visible("❤️\ufe0f\ufe0f") == "❤️\\ufe0f\\ufe0f"
    assert visible("x\ufe0f") == "x\\ufe0f"
    assert visible("❤\ufe01") == "❤\\ufe01"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("returns eu", "returns eu"),
        ("returns  eu", "returns \\x20eu"),
        ("returns\u00a0eu", "returns\\xa0eu"),
        ("returns\u2003eu", "returns\\u2003eu"),
        (" returns eu ", "\\x20returns eu\\x20"),
        ("returns\n\teu", "returns\\n\\teu"),
        ("返品", "返品"),
    ],
)
def test_keys_that_differ_by_their_spaces_never_look_alike(key: str, shown: str) -> None:
    assert distinct(key) == shown


def test_line_ends_stay_where_several_lines_are_meant() -> None:
    assert visible("a\n\tb\x1b\r\n", keep="\n\t") == "a\n\tb\\x1b\\r\n"


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_shown_holds_nothing_unseen_and_showing_it_twice_changes_nothing(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in shown)
    assert visible(shown) == shown
    assert [char for char in shown if is_unseen(char)] == [char for char in shown if char == "\ufe0f"]
    json.dumps(shown).encode()
