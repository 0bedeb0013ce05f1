"""Reads YAML strictly from the event stream of PyYAML's C parser.

PyYAML's own constructors recurse in C (200 kB of ``[`` end the process), take the last of two equal keys in silence,
and read ``no`` as false. Here scalars are those of YAML 1.2's core schema, except that an integer with leading
zeros is a string.
"""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from reconciler.sources.builder import LIMITS, Builder, DocumentLimits, DocumentRefused, RawDocument, shorten
from reconciler.sources.positions import Finding, Location
from reconciler.sources.text_decoding import NotText, require_unambiguous
from reconciler.sources.yaml_mistakes import explain

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED_INTEGER: Final = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE: Final = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_MAX_DIGITS: Final = 400
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(text: str, limits: DocumentLimits = LIMITS) -> Iterator[RawDocument]:
    """The documents of a YAML file, in order. A fault of syntax ends the file; what came before it stands.

    Args:
        text: The file's text, without a byte order mark.
        limits: What a document may cost.
    """
    try:
        require_unambiguous(text)
    except NotText as error:
        yield RawDocument(None, Location(1, 1), (error.finding,), complete=False)
        return
    events = _Events(text)
    try:
        yield from _documents(events, limits)
    finally:
        events.close()


class _Events:
    """PyYAML's events one by one, with its errors as `Refused`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parser = yaml.CSafeLoader(text)

    def next(self) -> Any:
        try:
            return self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            raise DocumentRefused(explain(error, self._text)) from error
        except yaml.YAMLError as error:
            raise DocumentRefused(Finding("not valid YAML: it cannot be read", 1, 1)) from error

    def close(self) -> None:
        self._parser.dispose()


def _documents(events: _Events, limits: DocumentLimits) -> Iterator[RawDocument]:
    for count in itertools.count():
        builder = Builder(limits)
        try:
            event = events.next()
            while isinstance(event, yaml.StreamStartEvent | yaml.DocumentEndEvent):
                event = events.next()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if count == limits.documents:
                line = event.start_mark.line + 1
                raise builder.refuse(f"the file holds more than {limits.documents} documents: split it", line, 1)
            whole = _read_document(events, builder)
        except DocumentRefused as refused:
            builder.findings.append(refused.finding)
            yield builder.document(complete=False)
            return
        yield builder.document(complete=whole)


def _read_document(events: _Events, builder: Builder) -> bool:
    """Feed the builder up to the end of the document; once it refuses, only look for that end.

    Too deep a nesting ends the file instead: libyaml takes a minute for 200 kB of ``[``.
    """
    whole, depth = True, 0
    while not isinstance(event := events.next(), yaml.DocumentEndEvent):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > builder.limits.depth:
            raise builder.too_deep(event.start_mark.line + 1, event.start_mark.column + 1)
        if not whole:
            builder.pass_over(event.start_mark.line + 1, event.start_mark.column + 1)
            continue
        try:
            _feed(builder, event)
        except DocumentRefused as refused:
            builder.findings.append(refused.finding)
            whole = False
    return whole


def _feed(builder: Builder, event: Any) -> None:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    match event:
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            builder.end()
            return
        case yaml.AliasEvent() if builder.wants_key:
            builder.drop_key("a key must be plain text: write it out instead of an alias", line, column)
            return
        case yaml.AliasEvent():
            builder.alias(str(event.anchor), line, column)
            return
        case _ if event.tag is not None:
            as_text = f"'{shorten(event.tag)}'" if event.tag.startswith("!") else None
            builder.report(f'the tag "{shorten(event.tag)}" is not allowed: remove it', line, column, as_text)
        case _:
            pass
    _feed_node(builder, event, line, column)


def _feed_node(builder: Builder, event: Any, line: int, column: int) -> None:
    match event:
        case yaml.ScalarEvent() if builder.wants_key:
            _feed_key(builder, event, line, column)
        case yaml.ScalarEvent():
            builder.scalar(_scalar(builder, event, line, column), line, column, event.anchor)
        case _ if builder.wants_key:
            raise builder.refuse("a key must be plain text, not a mapping or a list", line, column)
        case yaml.MappingStartEvent():
            builder.start({}, line, column, event.anchor)
        case yaml.SequenceStartEvent():
            builder.start([], line, column, event.anchor)
        case _:
            raise builder.refuse("not valid YAML: it cannot be read", line, column)


def _feed_key(builder: Builder, event: Any, line: int, column: int) -> None:
    plain = event.implicit[0]
    if plain and event.value == "<<":
        builder.drop_key("merge keys (<<) are not allowed: write the keys out", line, column)
    elif plain and event.value == "":
        builder.drop_key('a key is missing before ":"', line, column)
    else:
        if plain and event.value != event.value.strip():
            builder.report("a blank that is no plain one stands at the edge of the key: replace it", line, column)
        builder.key(event.value, line, column, event.anchor)


def _scalar(builder: Builder, event: Any, line: int, column: int) -> Any:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    value = _number(text)
    if value is None:
        builder.report(f'"{text[:40]}" is not a finite number of bearable length: quote it', line, column)
    return value


def _number(text: str) -> int | float | str | None:
    """The number that a plain scalar is, the text when it is none, and None when it is none that JSON knows."""
    if _NOT_FINITE.match(text):
        return None
    based = _BASED_INTEGER.match(text)
    if not (based or _INTEGER.match(text) or _FLOAT.match(text)):
        return text
    if len(text) > _MAX_DIGITS:
        return None
    if based:
        return int(text, 0)
    if _INTEGER.match(text):
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None
