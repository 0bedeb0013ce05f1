r"""Escapes characters that are invisible or change how the text around them is shown.

What is stored, hashed, sent and answered as JSON stays as it is; only what is shown to people goes through here. The
escapes are those that YAML, JSON and Python take too: ``\x1b``, ``\u202e``, ``\U000e0041``. A text that already
holds such an escape, written out, is shown as it is: it cannot hide anything.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, bidirectional and zero-width marks, halves of surrogate pairs, private and unassigned, line separators."""

_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc"
    "\U00013441\U00013442\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
"""Letters, marks and signs that draw nothing: fillers, joiners, blanks of scripts and of music, what stands for an
object, and the variation selectors that can carry a hidden text."""

_EMOJI_STYLE: Final = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff#*0-9]\ufe0f")
"""The one selector that ordinary texts hold: it asks for the coloured form of the sign before it."""

_SUSPECT: Final = re.compile(f"{_EMOJI_STYLE.pattern}|[^\x20-\x7e]")
_ODD_SPACE: Final = re.compile(r"[^\S ]|(?<= ) |^ | $")
"""A space that looks like another one, or that HTML and the eye leave out."""
_SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escaped(text: str, *, keep: str = "") -> str:
    """The text with every control, bidirectional or otherwise unseen character as its escape; line ends too.

    Args:
        text: Whatever somebody wrote.
        keep: What stays as it is, such as a line end where several lines are meant.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def escaped_distinct(text: str) -> str:
    """Like `escaped`, for identifiers: every space but a plain one between two letters is escaped, too.

    Args:
        text: A key or a name; two that differ never look alike by their spaces.
    """
    return escaped(_ODD_SPACE.sub(lambda found: _escape(found[0]), text))


@lru_cache(maxsize=4096)
def _escaped(char: str) -> str:
    return char if len(char) > 1 or not is_unseen(char) else _escape(char)


def _escape(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the widths of the escapes


def is_unseen(char: str) -> bool:
    """Whether a character is one that `visible` writes as an escape."""
    return unicodedata.category(char) in _HIDDEN or bool(_BLANK.match(char))
