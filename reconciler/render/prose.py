"""What changed within a text: only the lines concerned, with the words that left and came."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_ALIKE = 0.5
"""Lines less alike than this are shown as one that left and one that came."""
_LONGEST_COMPARED = 2_000
"""Words are compared within at most so many tokens; beyond, whole lines are, because comparing is quadratic."""


class Kind(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text within a line."""

    kind: Kind
    text: str


Line = tuple[Piece, ...]
"""A line of a comparison; a line without pieces stands for lines left out."""
GAP: Line = ()


def compare(before: str, after: str, *, context: int = 1) -> list[Line]:
    """The changed lines with a little context.

    Args:
        before: The text as it was.
        after: The text as it will be.
        context: How many unchanged lines to show around each change.
    """
    old, new = (text.split("\n") if text else [] for text in (before, after))
    lines: list[Line] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(context)):
        if number or group[0][1] > 0:
            lines.append(GAP)
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                lines.extend((Piece(Kind.SAME, line),) for line in old[old_from:old_to])
            else:
                lines.extend(_replaced(old[old_from:old_to], new[new_from:new_to]))
    return lines


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    if len(old) == len(new):
        for left, right in zip(old, new, strict=True):
            yield _words(left, right)
    else:
        yield from ((Piece(Kind.REMOVED, line),) for line in old)
        yield from ((Piece(Kind.ADDED, line),) for line in new)


def _words(old: str, new: str) -> Line:
    left, right = _TOKEN.findall(old), _TOKEN.findall(new)
    whole = (Piece(Kind.REMOVED, old), Piece(Kind.ADDED, new))
    if max(len(left), len(right)) > _LONGEST_COMPARED:
        return whole
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return whole
    runs = [
        (tag == "equal", "".join(left[left_from:left_to]), "".join(right[right_from:right_to]))
        for tag, left_from, left_to, right_from, right_to in matcher.get_opcodes()
    ]
    return tuple(piece for run in _merged(runs) for piece in _pieces(*run))


def _merged(runs: Sequence[tuple[bool, str, str]]) -> Iterator[tuple[bool, str, str]]:
    """Take changes with nothing but blanks between them as one: neighbouring words read better together."""
    old = new = ""
    for at, (same, left, right) in enumerate(runs):
        if same and not (0 < at < len(runs) - 1 and left.isspace()):
            yield False, old, new
            yield True, left, right
            old = new = ""
        else:
            old, new = old + left, new + right
    yield False, old, new


def _pieces(same: bool, old: str, new: str) -> Iterator[Piece]:  # noqa: FBT001 - spread from a run
    if same:
        yield Piece(Kind.SAME, old)
        return
    if old:
        yield Piece(Kind.REMOVED, old)
    if new:
        yield Piece(Kind.ADDED, new)
