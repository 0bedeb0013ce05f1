"""Diffs texts by lines and words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, zip_longest

from reconciler.render.alignment import Effort, align

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
_ALIKE = 0.5
"""Lines less alike than this are shown as one that left and one that came."""
EFFORT = 1_500_000
"""How much work one rendering may take, however many texts it compares; beyond, whole lines are replaced."""
TOO_MUCH = "too much to compare word by word: whole lines are shown"
"""Shown for a text whose comparison would take too much work."""
_AROUND = 200
_EACH_LINE = 50
"""What it takes at least to compare the words of two lines, however short."""


class PieceKind(StrEnum):
    """The kind of a piece of text; SKIPPED replaces a long unchanged one, with a note."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """A run of text within a line."""

    kind: PieceKind
    text: str


Line = tuple[DiffPiece, ...]
"""A line of a comparison; a line without pieces stands for lines left out."""
GAP: Line = ()


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line as it was beside the line as it will be.

    Attributes:
        left: None where the line is new; `GAP` on both sides for lines left out.
        right: None where the line is gone.
    """

    left: Line | None
    right: Line | None


def compare(
    before: str, after: str, *, context: int = 1, effort: Effort | int = EFFORT, max_lines: int | None = None
) -> list[Line]:
    """The changed lines with a little context, in one column.

    Args:
        before: The text as it was.
        after: The text as it will be.
        context: How many unchanged lines to show around each change.
        effort: How much work it may take; an `Effort` shows afterwards whether that sufficed.
        max_lines: How many lines to give at most; None means all.
    """
    return list(islice(_compared(before, after, context, _as_effort(effort)), max_lines))


def _as_effort(effort: Effort | int) -> Effort:
    return effort if isinstance(effort, Effort) else Effort(effort)


def _compared(before: str, after: str, context: int, effort: Effort) -> Iterator[Line]:
    old, new = (text.split("\n") if text else [] for text in (before, after))
    runs = align(old, new, effort)
    for index, run in enumerate(runs):
        if not run.same:
            yield from _replaced(old[run.left], new[run.right], effort)
        elif len(runs) > 1:
            head, tail = context if index else 0, context if index < len(runs) - 1 else 0
            yield from _around(old[run.left], head, tail)


def share_kept_in_order(before: str, after: str, effort: Effort | int = EFFORT) -> float | None:
    """The share of the words of both texts that both hold in the same order, 0 to 1.

    Args:
        before: The text as it was.
        after: The text as it will be.
        effort: How much work it may take; None comes of more.
    """
    old, new, work = before.split("\n"), after.split("\n"), _as_effort(effort)
    kept = sum(_words_kept(old[run.left], new[run.right], work) for run in align(old, new, work))
    total = len(before.split()) + len(after.split())
    return None if work.was_refused else 2 * kept / total if total else 1.0


def _words_kept(old: Sequence[str], new: Sequence[str], effort: Effort) -> int:
    left, right = (" ".join(lines).split() for lines in (old, new))
    return sum(run.left.stop - run.left.start for run in align(left, right, effort) if run.same)


def side_by_side(lines: Iterable[Line]) -> list[DiffRow]:
    """The same comparison in two columns: what was beside what will be."""
    rows: list[DiffRow] = []
    removed: list[Line] = []
    added: list[Line] = []
    for line in lines:
        kinds = {piece.kind for piece in line}
        if kinds == {PieceKind.ADDED}:
            added.append(line)
            continue
        if added or kinds != {PieceKind.REMOVED}:
            rows += _beside(removed, added)
            removed, added = [], []
        if kinds == {PieceKind.REMOVED}:
            removed.append(line)
        else:
            rows.append(DiffRow(_without(line, PieceKind.ADDED), _without(line, PieceKind.REMOVED)))
    return rows + list(_beside(removed, added))


def abridged(line: Line, around: int = _AROUND) -> Line:
    """A line with the middle of every long piece that did not change left out.

    Args:
        line: The line.
        around: How many characters to keep next to a change.
    """
    return tuple(part for piece in line for part in _ends(piece, around))


def _ends(piece: DiffPiece, around: int) -> Iterator[DiffPiece]:
    left_out = len(piece.text) - 2 * around
    if piece.kind is not PieceKind.SAME or left_out < around:
        yield piece
        return
    yield DiffPiece(PieceKind.SAME, piece.text[:around])
    yield DiffPiece(PieceKind.SKIPPED, f"{left_out:,} unchanged characters")
    yield DiffPiece(PieceKind.SAME, piece.text[-around:])


def clipped(lines: Iterable[Line], limit: int) -> tuple[list[Line], int]:
    """As many lines as hold this many characters, and how many characters of the rest are not among them."""
    kept: list[Line] = []
    hidden = 0
    for line in lines:
        pieces: list[DiffPiece] = []
        for piece in line:
            shown = piece.text[:limit]
            limit, hidden = limit - len(shown), hidden + len(piece.text) - len(shown)
            if shown or (limit and not piece.text):
                pieces.append(DiffPiece(piece.kind, shown))
        if pieces or (not line and limit):
            kept.append(tuple(pieces))
    return kept, hidden


def _beside(removed: Sequence[Line], added: Sequence[Line]) -> Iterator[DiffRow]:
    yield from (DiffRow(left, right) for left, right in zip_longest(removed, added))


def _without(line: Line, kind: PieceKind) -> Line:
    return tuple(piece for piece in line if piece.kind is not kind)


def _around(lines: Sequence[str], head: int, tail: int) -> Iterator[Line]:
    """The ends of what did not change, next to what did."""
    if len(lines) <= head + tail:
        yield from ((DiffPiece(PieceKind.SAME, line),) for line in lines)
        return
    yield from ((DiffPiece(PieceKind.SAME, line),) for line in lines[:head])
    if tail or not head:
        yield GAP
    yield from ((DiffPiece(PieceKind.SAME, line),) for line in lines[len(lines) - tail :])


def _replaced(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[Line]:
    """Replaced lines, each beside the line that it most likely came from."""
    index, place = 0, 0
    for left, right in (*_alike(old, new, effort), (len(old), len(new))):
        yield from _unlike(old[index:left], new[place:right], effort)
        if left < len(old):
            yield _words(old[left], new[right], effort)
        index, place = left + 1, right + 1


def _unlike(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[Line]:
    if len(old) == len(new):
        for left, right in zip(old, new, strict=True):
            yield _words(left, right, effort)
    else:
        yield from ((DiffPiece(PieceKind.REMOVED, line),) for line in old)
        yield from ((DiffPiece(PieceKind.ADDED, line),) for line in new)


def _alike(old: Sequence[str], new: Sequence[str], effort: Effort) -> list[tuple[int, int]]:
    """The pairs of lines that say the most of the same, in order."""
    pairs = len(old) * len(new)
    if pairs == 1 or not effort.spend(pairs):
        return []
    left, right = ([frozenset(_WORD.findall(line)) for line in lines] for lines in (old, new))
    if not effort.spend(sum(map(len, left)) * len(right)):
        return []
    best: list[list[float]] = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for index in reversed(range(len(left))):
        for place in reversed(range(len(right))):
            paired = best[index + 1][place + 1] + _likeness(left[index], right[place])
            best[index][place] = max(best[index + 1][place], best[index][place + 1], paired)
    return list(_chosen(best))


def _chosen(best: Sequence[Sequence[float]]) -> Iterator[tuple[int, int]]:
    index, place = 0, 0
    while index < len(best) - 1 and place < len(best[0]) - 1:
        if best[index][place] == best[index + 1][place]:
            index += 1
        elif best[index][place] == best[index][place + 1]:
            place += 1
        else:
            yield index, place
            index, place = index + 1, place + 1


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """The share of words that both hold; nothing below `_ALIKE`, where lines are shown whole anyway."""
    share = 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
    return share if share >= _ALIKE else 0.0


def _words(old: str, new: str, effort: Effort) -> Line:
    if not effort.spend(_EACH_LINE):
        return (DiffPiece(PieceKind.REMOVED, old), DiffPiece(PieceKind.ADDED, new))
    left, right = _TOKEN.findall(old), _TOKEN.findall(new)
    runs = align(left, right, effort)
    texts = [(run.same, "".join(left[run.left]), "".join(right[run.right])) for run in runs]
    same = sum(len(text) for is_same, text, _ in texts if is_same)
    if 2 * same < _ALIKE * (len(old) + len(new)):
        return (DiffPiece(PieceKind.REMOVED, old), DiffPiece(PieceKind.ADDED, new))
    return tuple(piece for run in _merged(texts) for piece in _pieces(*run))


def _merged(runs: Sequence[tuple[bool, str, str]]) -> Iterator[tuple[bool, str, str]]:
    """Take changes as one with less between them than changes on either side: they read better together."""
    old = new = ""
    for index, (same, left, right) in enumerate(runs):
        if same and not (0 < index < len(runs) - 1 and _is_lost(left, (old, new), runs[index + 1][1:])):
            yield False, old, new
            yield True, left, right
            old = new = ""
        else:
            old, new = old + left, new + right
    yield False, old, new


def _is_lost(between: str, before: tuple[str, str], after: tuple[str, str]) -> bool:
    return between.isspace() or len(between) <= min(max(map(len, before)), max(map(len, after)))


def _pieces(same: bool, old: str, new: str) -> Iterator[DiffPiece]:  # noqa: FBT001 - spread from a run
    if same:
        yield DiffPiece(PieceKind.SAME, old)
        return
    if old:
        yield DiffPiece(PieceKind.REMOVED, old)
    if new:
        yield DiffPiece(PieceKind.ADDED, new)
