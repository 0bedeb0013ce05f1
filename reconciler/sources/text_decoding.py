"""Turns a file's bytes into text, or says at which place and why that cannot be done."""

import re
from typing import Final

from reconciler.sources.builder import LIMITS, DocumentLimits
from reconciler.sources.positions import Finding

_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK: Final = 0xFEFF
# What YAML readers do not agree on: control characters, and line breaks of YAML 1.1 that are none in YAML 1.2.
_AMBIGUOUS: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class NotText(Exception):
    """The bytes are not a text that may be used."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.finding = Finding(message, line, column)


def decode(data: bytes, limits: DocumentLimits = LIMITS) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        NotText: When it is too large, not UTF-8, or a stand-in of Git LFS.
    """
    if len(data) > limits.file_bytes:
        raise NotText(f"the file is larger than {limits.file_bytes} bytes: split it")
    if data.startswith(_LFS_POINTER):
        raise NotText("the file is a Git LFS pointer, not its content: keep it in git itself")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start) from error
    if "\0" in text:
        raise NotText(
            "the file contains NUL, so it is not text: save it as UTF-8 text", *position(text, text.index("\0"))
        )
    return text


def require_unambiguous(text: str) -> None:
    """Refuse the characters that YAML readers treat differently.

    Raises:
        NotText: At the first of them.
    """
    if found := _AMBIGUOUS.search(text):
        code = ord(found[0])
        mend = f'write it as "{_escape(code)}"' if code != _BYTE_ORDER_MARK else "remove this byte order mark"
        raise NotText(
            f"the character U+{code:04X} is read differently by different programs: {mend}",
            *position(text, found.start()),
        )


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - the width of \x


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, start) + 1, offset - start + 1


def _not_utf8(data: bytes, offset: int) -> NotText:
    looks = ", it looks like UTF-16" if data.startswith(_UTF16_MARKS) else ""
    line, column = position(data[:offset].decode(errors="replace"), len(data[:offset].decode(errors="replace")))
    return NotText(f"the file is not UTF-8{looks}: save it as UTF-8", line, column)
