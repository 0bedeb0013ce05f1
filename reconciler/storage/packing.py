"""Packs large JSON values: equal values and long equal strings are stored once."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.domain.canonical import compact_text

SMALLEST: Final = 1024
"""Characters of JSON from which on a value is kept apart: a smaller one costs less in its row."""
LONGEST_WITHIN: Final = 4096
"""Characters of JSON that a string may have within a value; a longer one is a content of its own."""

_REFERENCE: Final = "$content"
_DECODER: Final = json.JSONDecoder()
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')


@dataclass(frozen=True, slots=True)
class Packed:
    """A value as its row keeps it.

    Attributes:
        column: The value itself, or a reference to the content that says how to put it together.
        contents: Digest → bytes of what is kept apart.
    """

    column: Any
    contents: Mapping[str, bytes] = field(default_factory=dict)


def pack(value: Any) -> Packed:
    """Take a JSON value apart, if it is large: into its long strings, and what is around them."""
    text = compact_text(value)
    if len(text) < SMALLEST and reference_in(value) is None:
        return Packed(value)
    contents: dict[str, bytes] = {}
    # text and digests by turns
    segments: list[str] = []
    end = 0
    for string in _STRING.finditer(text):
        if string.end() - string.start() > LONGEST_WITHIN:
            segments += (text[end : string.start()], _add(contents, string.group()))
            end = string.end()
    segments.append(text[end:])
    whole = compact_text(segments)
    return Packed({_REFERENCE: _add(contents, whole)}, contents)


def unpack(column: Any, contents: Mapping[str, bytes]) -> Any:
    """The value of which a row keeps this.

    Args:
        column: What the row keeps.
        contents: Digest → bytes, of at least what belongs to the value.

    Raises:
        KeyError: One of them is missing.
    """
    digest = reference_in(column)
    if digest is None:
        return column
    segments = json.loads(_text(contents[digest]))
    segments[1::2] = [_text(contents[segment]) for segment in segments[1::2]]
    return _decoded("".join(segments))


def _decoded(text: str) -> Any:
    """The value of compact JSON, a list item by item: while one call decodes, no other thread runs."""
    if not text.startswith("["):
        return json.loads(text)
    items, position = [], 1
    while text[position] != "]":
        item, position = _DECODER.raw_decode(text, position)
        items.append(item)
        position += text[position] == ","
    return items


def reference_in(column: Any) -> str | None:
    """The digest of the content that a row refers to; None where it keeps the value itself."""
    return column[_REFERENCE] if isinstance(column, dict) and column.keys() == {_REFERENCE} else None


def _add(contents: dict[str, bytes], text: str) -> str:
    # documents can hold halves of surrogate pairs, which JSON escapes and UTF-8 does not know
    content = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(content).hexdigest()
    contents[digest] = content
    return digest


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
