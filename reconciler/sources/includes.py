"""Replaces ``{$file: path}`` by the text of that file at the same revision, and never reads anything else."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from reconciler.domain.secrets import find_secrets
from reconciler.sources.builder import LIMITS, DocumentLimits, shorten
from reconciler.sources.file_tree import Entry, Files
from reconciler.sources.positions import Finding, Location, Pointer
from reconciler.sources.secret_scan import wording
from reconciler.sources.text_decoding import NotText, decode, position

INCLUDE_KEY: Final = "$file"
_MAX_PATH: Final = 4096
"""As for most operating systems; what is absent is looked for folder by folder."""
_WINDOWS_DRIVE: Final = re.compile(r"[A-Za-z]:")
_BY_ACCENTS: Final = (
    "in how its accents are stored, as some systems do by themselves: rename it with git mv, typing its name anew"
)
_SPELLINGS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("in upper and lower case: correct the path, or rename the file", str.lower),
    (_BY_ACCENTS, partial(unicodedata.normalize, "NFC")),
    (_BY_ACCENTS, partial(unicodedata.normalize, "NFD")),
)
"""What some file systems take for the same name, and git does not."""


class IncludeRefused(Exception):
    """A file may not be included; the message says why and what to do."""


def resolve_path(document: str, reference: str) -> str:
    """The path that a reference names, relative to the repository's root.

    Args:
        document: The path of the document.
        reference: The path as the document gives it, relative to the document's folder.

    Raises:
        IncludeRefused: When it does not name a place inside of the repository.
    """
    shown = shorten(reference)
    if not reference or not reference.isprintable():
        raise IncludeRefused(f'"{shown}" is not a path: name a file, relative to the document')
    if len(reference) > _MAX_PATH:
        raise IncludeRefused(f'"{shown}" is longer than {_MAX_PATH} characters: shorten it')
    if "\\" in reference or _WINDOWS_DRIVE.match(reference):
        raise IncludeRefused(f'"{shown}" is not a path in git: separate folders by "/"')
    if reference.startswith(("/", "~")):
        raise IncludeRefused(f'"{shown}" is not relative: name the file relative to the document')
    parts = document.split("/")[:-1]
    for part in reference.split("/"):
        if part == ".." and not parts:
            raise IncludeRefused(f'"{shown}" leads out of the repository: name a file inside of it')
        if part == "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def identity(tree: Files, path: str) -> str | None:
    """What a cached file depends on at a path: another identity there means that it must be parsed anew."""
    entry = tree.entry(path)
    if entry is None:
        return None
    return entry.blob_id if entry.is_regular else f"{entry.mode}:{entry.blob_id}"


def references(value: Any) -> Iterator[str]:
    """Every path that a value asks to include."""
    stack = [value]
    while stack:
        match stack.pop():
            case {"$file": str(reference)}:
                yield reference
            case dict() as mapping:
                stack.extend(mapping.values())
            case list() as items:
                stack.extend(items)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Included:
    """The text of a file that documents include, or why it cannot be.

    Attributes:
        text: As it is.
        fault: What is wrong with it; empty when nothing is.
    """

    text: str
    fault: str = ""


def read_included(data: bytes, limits: DocumentLimits = LIMITS) -> Included:
    """What a file says to the documents that include it."""
    try:
        text = decode(data, limits)
    except NotText as error:
        return Included("", str(error))
    for secret in find_secrets(text):
        line, column = position(text, secret.start)
        return Included("", f"line {line}, column {column}: {wording(secret.kind)}")
    return Included(text)


@dataclass(slots=True)
class Includes:
    """Includes files into one document.

    Attributes:
        tree: The revision.
        texts: Blob id → what was read of it.
        document: The path of the document.
        budget: How many more characters the document may grow by.
        findings: What could not be included.
        refused: Reference → why it is refused: a document may name one many times.
    """

    tree: Files
    texts: Mapping[str, "Included"]
    document: str
    budget: int
    limits: DocumentLimits = LIMITS
    findings: list[Finding] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def resolve(self, value: Any, place: Location, pointer: Pointer = ()) -> Any:
        """The value with its includes replaced; the given one is not changed.

        It recurses as deep as the readers let documents nest.
        """
        if isinstance(value, list):
            return [self.resolve(item, place, (*pointer, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if INCLUDE_KEY in value:
            return self._included(value, place, pointer)
        return {name: self.resolve(inner, place, (*pointer, name)) for name, inner in value.items()}

    def _included(self, value: Mapping[str, Any], place: Location, pointer: Pointer) -> str:
        inner = (*pointer, INCLUDE_KEY)
        try:
            return self._text(_reference(value))
        except IncludeRefused as refused:
            if len(self.findings) < self.limits.findings:
                self.findings.append(Finding(str(refused), *place.value(inner), inner))
            return ""

    def _text(self, reference: str) -> str:
        if reference in self.refused:
            raise IncludeRefused(self.refused[reference])
        try:
            text = self._read(resolve_path(self.document, reference))
        except IncludeRefused as refused:
            self.refused[reference] = str(refused)
            raise
        self.budget -= len(text)
        if self.budget < 0:
            raise IncludeRefused(f"the document and its includes exceed {self.limits.text} characters: split it")
        return text

    def _read(self, path: str) -> str:
        entry = _regular_file(self.tree, path)
        if entry.size > self.limits.file_bytes:
            raise IncludeRefused(f'"{path}" is larger than {self.limits.file_bytes} bytes: shorten it')
        included = self.texts[entry.blob_id]
        if included.fault:
            raise IncludeRefused(f'"{path}" cannot be included: {included.fault}')
        return included.text


def _reference(value: Mapping[str, Any]) -> str:
    reference = value[INCLUDE_KEY]
    if len(value) > 1:
        raise IncludeRefused(f'"{INCLUDE_KEY}" must be the only key of its mapping')
    if not isinstance(reference, str):
        raise IncludeRefused(f'"{INCLUDE_KEY}" takes the path of a file')
    return reference


def _regular_file(tree: Files, path: str) -> Entry:
    entry = tree.entry(path)
    if entry is None:
        raise IncludeRefused(_why_absent(tree, path))
    if not entry.is_regular:
        raise IncludeRefused(f'"{path}" is {entry.kind}: include a regular file')
    return entry


def _why_absent(tree: Files, path: str) -> str:
    parts = path.split("/")
    for length in range(1, len(parts)):
        above = tree.entry("/".join(parts[:length]))
        if above is not None and not above.is_regular:
            return f'"{path}" lies behind {above.kind}, "{above.path}": include a regular file'
    shown = shorten(path, 200)
    for difference, spelled in _SPELLINGS:
        other = spelled(path)
        if other != path and tree.entry(other) is not None:
            return f'there is no file "{shown}" at this revision, but one whose name differs only {difference}'
    return f'there is no file "{shown}" at this revision: add it or correct the path'
