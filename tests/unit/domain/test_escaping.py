"""No character that people cannot see, or that changes what they see, passes; everything else stays as it is."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.escaping import escaped, escaped_distinct, is_unseen

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNSEEN = list(
    "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2800\u3164\ufe0e\ufeff\uffa0\ufffc\ue000\ud800\U0001d159\U0001d173\U00013441\U00016fe4"
)
BEYOND = ["\U000e0001", "\U000e0041", "\U000e0100", "\U000f0000", "\U0010ffff"]


@pytest.mark.parametrize("char", [*CONTROLS, *BIDI, *UNSEEN, *BEYOND], ids=lambda char: f"U+{ord(char):04X}")
def test_an_unseen_character_is_shown_as_ascii(char: str) -> None:
    shown = escaped(f"a{char}b")
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
    assert escaped(text) == shown


@pytest.mark.parametrize(
    "text", ["Grüße, 日本語, العربية, עברית", "👍🏽 ❤️ ☎️ 1️⃣ ©️", "a\\u202eb", "e\u0301", "", "a\u00a0b", "नमस्ते"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_a_selector_passes_only_behind_the_one_sign_that_it_belongs_to() -> None:
    assert escaped("❤️\ufe0f\ufe0f") == "❤️\\ufe0f\\ufe0f"
    assert escaped("x\ufe0f") == "x\\ufe0f"
    assert escaped("❤\ufe01") == "❤\\ufe01"


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
    assert escaped_distinct(key) == shown


def test_line_ends_stay_where_several_lines_are_meant() -> None:
    assert escaped("a\n\tb\x1b\r\n", keep="\n\t") == "a\n\tb\\x1b\\r\n"


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_shown_holds_nothing_unseen_and_showing_it_twice_changes_nothing(text: str) -> None:
    shown = escaped(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in shown)
    assert escaped(shown) == shown
    assert [char for char in shown if is_unseen(char)] == [char for char in shown if char == "\ufe0f"]
    json.dumps(shown).encode()


DEFAULT_IGNORABLE = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""What Unicode says is to be left out where it cannot be shown (DerivedCoreProperties.txt)."""


def test_everything_that_unicode_leaves_out_is_shown_as_an_escape() -> None:
    ignorable = [chr(code) for first, last in DEFAULT_IGNORABLE for code in range(first, last + 1)]
    assert [hex(ord(char)) for char in ignorable if not is_unseen(char)] == []


def test_music_and_signs_that_are_drawn_stay_as_they_are() -> None:
    drawn = "\U0001d158\U0001d15a\U0001d11e\ufffd\u2801\u2603"
    assert escaped(drawn) == drawn
