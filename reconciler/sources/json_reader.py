"""Reads JSON strictly, with the place of everything: the standard library's decoder tells no places of keys.

Strings are decoded by the standard library; this module only walks the structure, with an explicit stack.
"""

import json
import math
import re
from bisect import bisect_left
from enum import Enum, auto
from typing import Final

from reconciler.sources.builder import LIMITS, Builder, DocumentLimits, DocumentRefused, RawDocument, shorten

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD: Final = re.compile(r"[A-Za-z]+")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_MEANT: Final = {"true": "true", "false": "false", "none": "null", "null": "null", "nil": "null", "undefined": "null"}
_SINGLE_QUOTED: Final = re.compile(r"'[^'\"\\\n]{0,40}'")
_YAML: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:---|%YAML|[A-Za-z][\w$.-]*[ \t]*:(?:\s|\Z))")
"""How a YAML document begins that is a mapping in blocks, below comments and blank lines."""
_SHOWN: Final = 40
_MAX_DIGITS: Final = 400
_STRINGS: Final = json.JSONDecoder()


def read_json(text: str, limits: DocumentLimits = LIMITS) -> RawDocument:
    """The one document of a JSON file.

    Args:
        text: The file's text, without a byte order mark.
        limits: What a document may cost.
    """
    builder = Builder(limits)
    try:
        _Walk(text, builder).run()
    except DocumentRefused as refused:
        builder.findings.append(refused.finding)
        return builder.document(complete=False)
    return builder.document()


class _Expect(Enum):
    VALUE = auto()
    VALUE_OR_END = auto()
    KEY = auto()
    KEY_OR_END = auto()
    COMMA_OR_END = auto()


_NEXT: Final = {
    _Expect.VALUE: "a value",
    _Expect.VALUE_OR_END: 'a value or "]"',
    _Expect.KEY: "a key in double quotes",
    _Expect.KEY_OR_END: 'a key in double quotes or "}"',
}


class _Walk:
    """One pass over the text."""

    def __init__(self, text: str, builder: Builder) -> None:
        self._text = text
        self._builder = builder
        self._at = 0
        self._expect = _Expect.VALUE
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def run(self) -> None:
        """Feed the builder with the whole text."""
        while True:
            self._skip_space()
            self._step()
            if self._expect is _Expect.COMMA_OR_END and not self._builder.open:
                break
        self._skip_space()
        if self._at < len(self._text):
            raise self._refuse("something follows the end of the document: a JSON file holds one document")

    def _step(self) -> None:
        char = self._text[self._at : self._at + 1]
        match self._expect:
            case _Expect.COMMA_OR_END:
                self._after_value(char)
            case _Expect.KEY_OR_END if char == "}":
                self._close()
            case _Expect.VALUE_OR_END if char == "]":
                self._close()
            case _Expect.KEY | _Expect.KEY_OR_END:
                self._key(char)
            case _Expect.VALUE | _Expect.VALUE_OR_END:
                self._value(char)

    def _after_value(self, char: str) -> None:
        mapping = self._builder.in_mapping
        if char == ",":
            self._at += 1
            self._expect = _Expect.KEY if mapping else _Expect.VALUE
        elif char == ("}" if mapping else "]"):
            self._close()
        else:
            raise self._refuse(f'not valid JSON: expected "," or "{"}" if mapping else "]"}"')

    def _close(self) -> None:
        self._builder.end()
        self._at += 1
        self._expect = _Expect.COMMA_OR_END

    def _key(self, char: str) -> None:
        if char != '"':
            raise self._refuse(f"not valid JSON: expected {_NEXT[self._expect]}", _meant(self._text, self._at))
        place = self._place()
        self._builder.key(self._string(), *place)
        self._skip_space()
        if self._text[self._at : self._at + 1] != ":":
            raise self._refuse('not valid JSON: expected ":" after the key')
        self._at += 1
        self._expect = _Expect.VALUE

    def _value(self, char: str) -> None:
        line, column = self._place()
        if char in ("{", "["):
            self._builder.start({} if char == "{" else [], line, column)
            self._at += 1
            self._expect = _Expect.KEY_OR_END if char == "{" else _Expect.VALUE_OR_END
            return
        value = self._string() if char == '"' else self._number_or_word(line, column)
        self._builder.scalar(value, line, column)
        self._expect = _Expect.COMMA_OR_END

    def _string(self) -> str:
        try:
            text, self._at = _STRINGS.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._refuse(f"not valid JSON: {error.msg.lower().removesuffix(' at')}") from error
        return str(text)

    def _number_or_word(self, line: int, column: int) -> float | bool | None:
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            return self._number(found, line, column)
        word = _WORD.match(self._text, self._at)
        if word and word[0] in _WORDS:
            self._at = word.end()
            return _WORDS[word[0]]
        if word and word[0] in {"NaN", "Infinity"}:
            raise self._refuse(f"{word[0]} is not a JSON number: use a finite one")
        if not self._builder.open and _YAML.match(self._text):
            raise self._refuse("not valid JSON: this looks like YAML, so let the file's name end with .yaml")
        raise self._refuse(f"not valid JSON: expected {_NEXT[self._expect]}", _meant(self._text, self._at))

    def _number(self, found: re.Match[str], line: int, column: int) -> float | None:
        digits = found[0]
        if len(digits) <= _MAX_DIGITS:
            if found[2] is None and found[3] is None:
                return int(digits)
            if math.isfinite(number := float(digits)):
                return number
        self._builder.report(f'"{digits[:40]}" is not a finite number of bearable length: quote it', line, column)
        return None

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _place(self) -> tuple[int, int]:
        line = bisect_left(self._breaks, self._at)
        start = self._breaks[line - 1] + 1 if line else 0
        return line + 1, self._at - start + 1

    def _refuse(self, message: str, suggestion: str | None = None) -> DocumentRefused:
        return self._builder.refuse(message, *self._place(), suggestion)


def _meant(text: str, at: int) -> str | None:
    """What stands at a place as JSON would have it: a word of another language, or a text in other or no quotes."""
    if (quoted := _SINGLE_QUOTED.match(text, at)) or (quoted := _WORD.match(text, at)):
        written = quoted[0].strip("'")
        return _MEANT.get(written.lower(), f'"{shorten(written, _SHOWN)}"')
    return None
