"""What a case of the corpus is, and its form as JSON, in which the manifest keeps it.

A file's content is a list of pieces, so that a huge file stays a short recipe, and so that no file of this repository
holds anything that a leak scanner would have to take for a key.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

REGULAR: Final = "100644"
SYMLINK: Final = "120000"
SUBMODULE: Final = "160000"
HEAD: Final = "apiVersion: v1\nkind: ChatbotConfig\n"
BAD: Final = "chatbots/bad.yaml"
JSON: Final = "chatbots/bad.json"
GOOD: Final = "chatbots/good.yaml"

_LONG: Final = 1_000
_REPETITION: Final = re.compile(r"(.{1,8}?)\1{199,}", re.DOTALL)

Piece = str | bytes | tuple[str, int]
"""A text, bytes, or a text so many times; in the latter, ``{n}`` is the number of the repetition."""


@dataclass(frozen=True)
class File:
    """A file of a repository.

    Attributes:
        path: As git keeps it, which need not be UTF-8.
        pieces: Its content; of a submodule, the commit id.
        mode: As git keeps it.
        times: How many such files there are; ``{n}`` in the path is the number.
        shared: Whether each part of the path has its own ``{n}``: folders that are one object, so that a few bytes
            name ``times`` files to the power of the parts.
    """

    path: bytes
    pieces: tuple[Piece, ...]
    mode: str = REGULAR
    times: int = 1
    shared: bool = False

    def content(self) -> bytes:
        """The whole content."""
        return b"".join(_bytes(piece) for piece in self.pieces)

    def paths(self) -> list[bytes]:
        """The paths of all such files."""
        return self.numbered(self.path)

    def numbered(self, name: bytes) -> list[bytes]:
        """A path, or a part of one, with each number."""
        if self.times == 1:
            return [name]
        return [name.replace(b"{n}", b"%05d" % number) for number in range(self.times)]


@dataclass(frozen=True)
class Fault:
    """An error that must be reported.

    Attributes:
        path: The file, as it is shown.
        line: The line, or None where a file has no lines.
        part: A part of the message.
    """

    path: str
    line: int | None
    part: str


@dataclass(frozen=True)
class Case:
    """A repository that somebody made to do harm, and what must come of it.

    Attributes:
        name: Unique.
        files: What is in it besides the healthy document.
        faults: The errors that must be reported; no file that is not among them may have one.
        accepted: The chatbots that may be planned besides the healthy document's.
        cause: Why the whole source is refused, where it is.
        secrets: What must be found in nothing that is kept or shown.
    """

    name: str
    files: tuple[File, ...]
    faults: tuple[Fault, ...] = ()
    accepted: tuple[str, ...] = ()
    cause: str | None = None
    secrets: tuple[tuple[str, ...], ...] = ()


def text_file(path: str, *pieces: Piece, mode: str = REGULAR) -> File:
    """A file whose name is text."""
    return File(path.encode(), tuple(part for piece in pieces for part in _folded(piece)), mode)


def _folded(piece: Piece) -> Iterator[Piece]:
    """A text with what it repeats very often as a recipe."""
    if not isinstance(piece, str) or len(piece) < _LONG:
        yield piece
        return
    at = 0
    for found in _REPETITION.finditer(piece):
        if found.start() > at:
            yield piece[at : found.start()]
        yield found[1], len(found[0]) // len(found[1])
        at = found.end()
    if at < len(piece):
        yield piece[at:]


def refused(name: str, text: str | bytes | tuple[Piece, ...], line: int, part: str, path: str = BAD) -> Case:
    """A document that is refused with this error."""
    pieces = text if isinstance(text, tuple) else (text,)
    return Case(name, (text_file(path, *pieces),), (Fault(path, line, part),))


def accepted(name: str, text: str | bytes | tuple[Piece, ...], *others: File, path: str = BAD) -> Case:
    """A document that looks odd and is harmless."""
    pieces = text if isinstance(text, tuple) else (text,)
    return Case(name, (text_file(path, *pieces), *others), accepted=("bad",))


def to_json(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """The cases as JSON values."""
    return [
        {
            "name": case.name,
            "files": [_file_json(file) for file in case.files],
            "faults": [[fault.path, fault.line, fault.part] for fault in case.faults],
            "accepted": list(case.accepted),
            "cause": case.cause,
            "secrets": [list(parts) for parts in case.secrets],
        }
        for case in cases
    ]


def from_json(values: Iterable[Mapping[str, Any]]) -> list[Case]:
    """The cases that `to_json` was given."""
    return [
        Case(
            value["name"],
            tuple(_file(file) for file in value["files"]),
            tuple(Fault(*fault) for fault in value["faults"]),
            tuple(value["accepted"]),
            value["cause"],
            tuple(tuple(parts) for parts in value["secrets"]),
        )
        for value in values
    ]


def _bytes(piece: Piece) -> bytes:
    match piece:
        case bytes():
            return piece
        case str():
            return piece.encode()
        case (unit, times) if "{n}" in unit:
            return "".join(unit.replace("{n}", str(number)) for number in range(times)).encode()
        case (unit, times):
            return (unit * times).encode()


def _file_json(file: File) -> dict[str, Any]:
    path: Any = file.path.decode("latin-1") if not file.path.isascii() else file.path.decode()
    pieces = [_piece_json(piece) for piece in file.pieces]
    shared = {"shared": True} if file.shared else {}
    return {"path": path, "mode": file.mode, "times": file.times, "pieces": pieces, **shared}


def _piece_json(piece: Piece) -> Any:
    match piece:
        case bytes():
            return {"base64": base64.b64encode(piece).decode()}
        case str():
            return piece
        case (unit, times):
            return {"repeat": unit, "times": times}


def _file(value: Mapping[str, Any]) -> File:
    pieces = tuple(_piece(piece) for piece in value["pieces"])
    return File(value["path"].encode("latin-1"), pieces, value["mode"], value["times"], value.get("shared", False))


def _piece(value: Any) -> Piece:
    match value:
        case {"base64": data}:
            return base64.b64decode(data)
        case {"repeat": unit, "times": times}:
            return unit, times
        case _:
            return str(value)
