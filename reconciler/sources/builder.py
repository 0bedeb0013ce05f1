"""Builds one document's value out of a reader's tokens, with the place of everything, and within limits.

Both readers feed it, so YAML and JSON obey the same rules. It keeps an explicit stack: no input can make it recurse.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.domain.escaping import escaped
from reconciler.domain.secrets import redacted
from reconciler.sources.positions import Finding, Location, Pointer

_MAX_INTEGER: Final = 2**53 - 1
_UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How much one file may ask of the program.

    Attributes:
        file_bytes: The size of a document file, and of an included file.
        path: How many characters a document file's path may have.
        includes: How many files a document file may include.
        included_bytes: How large they may be together.
        depth: How deep mappings and lists may nest.
        nodes: How many values a document may hold, those repeated by aliases included.
        aliases: How many aliases a document may use.
        text: How many characters a document may hold, includes and repetitions counted.
        documents: How many documents a file may hold.
        findings: How many faults of one kind are looked for in a document, and how many of all are told.
    """

    file_bytes: int = 1024 * 1024
    path: int = 500
    includes: int = 1_000
    included_bytes: int = 16 * 1024 * 1024
    depth: int = 64
    nodes: int = 100_000
    aliases: int = 100
    text: int = 4 * 1024 * 1024
    documents: int = 1_000
    findings: int = 20


LIMITS: Final = DocumentLimits()


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as its reader saw it, before the contract is asked.

    Attributes:
        value: What was read; when reading broke off, what came before.
        place: Where it and everything in it stands.
        findings: What is wrong with it as YAML or JSON.
        complete: Whether it was read to its end.
        text: How many characters it holds.
        nodes: How many values, those repeated by aliases included.
    """

    value: Any
    place: Location
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    text: int = 0
    nodes: int = 0


class DocumentRefused(Exception):
    """The rest of the document cannot be read."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _Reusable:
    """What an anchor names, and what repeating it costs."""

    value: Any
    place: Location
    nodes: int
    text: int
    height: int


@dataclass(slots=True)
class _Frame:
    """An open mapping or list."""

    value: Any
    place: Location
    anchor: str | None
    nodes: int
    text: int
    key: str | None = None
    dropped: bool = False
    height: int = 1


@dataclass(slots=True)
class Builder:
    """Receives tokens in order; afterwards `document` is what they say."""

    limits: DocumentLimits = LIMITS
    findings: list[Finding] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Reusable] = field(default_factory=dict)
    _root: tuple[Any, Location] = (None, Location(1, 1))
    _nodes: int = 0
    _text: int = 0
    _aliases: int = 0

    def document(self, *, complete: bool = True) -> RawDocument:
        """What was read so far."""
        value, place = self._root
        return RawDocument(value, place, tuple(self.findings), complete, self._text, self._nodes)

    @property
    def open(self) -> bool:
        """Whether a mapping or list is still open."""
        return bool(self._stack)

    @property
    def in_mapping(self) -> bool:
        """Whether the innermost open container is a mapping."""
        return bool(self._stack) and isinstance(self._stack[-1].value, dict)

    @property
    def wants_key(self) -> bool:
        """Whether the next token is the key of a mapping."""
        return self.in_mapping and self._stack[-1].key is None

    def report(self, message: str, line: int, column: int, suggestion: str | None = None) -> None:
        """Note a fault that does not keep the rest from being read."""
        if len(self.findings) < self.limits.findings:
            self.findings.append(Finding(message, line, column, self._pointer(), suggestion))

    def refuse(self, message: str, line: int, column: int, suggestion: str | None = None) -> DocumentRefused:
        """A fault after which the document cannot be read further, to be raised."""
        return DocumentRefused(Finding(message, line, column, self._pointer(), suggestion))

    def too_deep(self, line: int, column: int) -> DocumentRefused:
        """The document nests deeper than it may, to be raised."""
        return self.refuse(f"nested deeper than {self.limits.depth} levels: flatten it", line, column)

    def pass_over(self, line: int, column: int) -> None:
        """A value of a document that is refused already: it is not kept, and counts all the same."""
        self._count(1, 0, line, column)

    def key(self, name: str, line: int, column: int, anchor: str | None = None) -> None:
        """The key of the value that comes next."""
        self._count(1, len(name), line, column)
        self._check_text(name, line, column)
        frame = self._stack[-1]
        frame.key = name
        if anchor:
            self._anchors[anchor] = _Reusable(name, Location(line, column), 1, len(name), 0)
        first = frame.place.keys.get(name)
        if first is None:
            frame.place.keys[name] = (line, column)
            return
        frame.dropped = True
        self.report(
            f'the key "{shorten(name)}" stands twice, first at line {first[0]}, column {first[1]}: keep one of them',
            line,
            column,
        )

    def drop_key(self, message: str, line: int, column: int) -> None:
        """A key that is not allowed: it is noted, and its value left out."""
        self._count(1, 0, line, column)
        self.report(message, line, column)
        self._stack[-1].key = ""
        self._stack[-1].dropped = True

    def scalar(self, value: Any, line: int, column: int, anchor: str | None = None) -> None:
        """A value that contains no others."""
        size = len(value) if isinstance(value, str) else 1
        self._count(1, size, line, column)
        self._check_scalar(value, line, column)
        place = Location(line, column)
        if anchor:
            self._anchors[anchor] = _Reusable(value, place, 1, size, 0)
        self._add(value, place)

    def start(self, container: dict[str, Any] | list[Any], line: int, column: int, anchor: str | None = None) -> None:
        """A mapping or list begins."""
        if len(self._stack) >= self.limits.depth:
            raise self.too_deep(line, column)
        place = Location(line, column)
        self._add(container, place)
        self._stack.append(_Frame(container, place, anchor, self._nodes, self._text))
        self._count(1, 0, line, column)

    def end(self) -> None:
        """The innermost mapping or list ends."""
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = _Reusable(
                frame.value, frame.place, self._nodes - frame.nodes, self._text - frame.text, frame.height
            )
        self._raise_height(frame.height)

    def alias(self, anchor: str, line: int, column: int) -> None:
        """The value that an anchor names, once more; it is shared, so nobody may change what a reader returns."""
        self._aliases += 1
        if self._aliases > self.limits.aliases:
            raise self.refuse(f"more than {self.limits.aliases} aliases: write the values out", line, column)
        if any(frame.anchor == anchor for frame in self._stack):
            raise self.refuse(f'the alias "*{anchor}" stands inside of what it names: write it out', line, column)
        known = self._anchors.get(anchor)
        if known is None:
            self._count(1, 0, line, column)
            self.report(
                f'nothing before this is anchored as "&{anchor}": correct the name',
                line,
                column,
                f"'*{shorten(anchor)}'",
            )
            self._add(None, Location(line, column))
            return
        self._count(known.nodes, known.text, line, column)
        if len(self._stack) + known.height > self.limits.depth:
            raise self.too_deep(line, column)
        self._add(known.value, known.place)
        self._raise_height(known.height)

    def _add(self, value: Any, place: Location) -> None:
        if not self._stack:
            self._root = (value, place)
            return
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            frame.place.children[len(frame.value)] = place
            frame.value.append(value)
            return
        if not frame.dropped and frame.key is not None:
            frame.place.children[frame.key] = place
            frame.value[frame.key] = value
        if not isinstance(value, dict | list):
            self._close_pair(frame)

    def _close_pair(self, frame: _Frame) -> None:
        frame.key, frame.dropped = None, False

    def _raise_height(self, height: int) -> None:
        if self._stack:
            frame = self._stack[-1]
            frame.height = max(frame.height, height + 1)
            if isinstance(frame.value, dict):
                self._close_pair(frame)

    def _count(self, nodes: int, text: int, line: int, column: int) -> None:
        self._nodes += nodes
        self._text += text
        if self._nodes > self.limits.nodes:
            raise self.refuse(f"the document holds more than {self.limits.nodes} values: split it", line, column)
        if self._text > self.limits.text:
            raise self.refuse(f"the document holds more than {self.limits.text} characters: split it", line, column)

    def _check_scalar(self, value: Any, line: int, column: int) -> None:
        match value:
            case str():
                self._check_text(value, line, column)
            case bool() | None:
                pass
            case int() if abs(value) > _MAX_INTEGER:
                self.report("the number is beyond ±(2^53 - 1), where JSON readers lose digits: quote it", line, column)
            case _:
                pass

    def _check_text(self, text: str, line: int, column: int) -> None:
        if found := _UNSENDABLE.search(text):
            name = f"U+{ord(found[0]):04X}"
            self.report(f"the text contains {name}, which cannot be sent: remove it", line, column)

    def _pointer(self) -> Pointer:
        parts: list[str | int] = []
        for depth, frame in enumerate(self._stack, start=1):
            if isinstance(frame.value, list):
                parts.append(len(frame.value) - (depth < len(self._stack)))
            elif frame.key is not None:
                parts.append(frame.key)
        return tuple(parts)


def shorten(text: str, width: int = 80) -> str:
    """A text as it may stand in a message: one line, printable, not long, and without a key that is in it."""
    # a key is looked for before the text is cut: half of one is no shape that would be found
    shown = escaped(redacted(text)[: width + 1])
    return shown if len(shown) <= width else shown[:width] + "…"
