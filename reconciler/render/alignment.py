"""Aligns two sequences by what they have in common, within a bounded amount of work.

What both begin and end with is taken off first. What is left is divided at the items that each side holds exactly
once, as people would (patience); a part without such an item is compared pair by pair. Comparing is quadratic, and
texts may be written to make it so: when the effort is used up, the rest counts as replaced.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple


class Effort:
    """How much work may still be done. It is shared by all comparisons of one rendering.

    Args:
        left: In pairs of items looked at.
        whole: The effort that this is a part of: what is spent here is spent there, too.
        checkpoint: Called before each piece of work; it raises when nobody wants the result any more.

    Attributes:
        left: In pairs of items looked at.
        was_refused: Whether there was more work to do than might be done.
    """

    def __init__(
        self, left: int, *, whole: "Effort | None" = None, checkpoint: Callable[[], None] = lambda: None
    ) -> None:
        self.left = left
        self.was_refused = False
        self._whole = whole
        self._checkpoint = checkpoint

    def spend(self, work: int) -> bool:
        """Whether this much work may be done; it counts as done."""
        self._checkpoint()
        if work > self.left or not (self._whole is None or self._whole.spend(work)):
            self.was_refused = True
            return False
        self.left -= work
        return True

    def at_most(self, limit: int) -> "Effort":
        """A part of this effort, of no more than `limit`."""
        return Effort(min(limit, self.left), whole=self, checkpoint=self._checkpoint)

    def shares(self, parts: int) -> Iterator["Effort"]:
        """An even share for each of so many parts, to be used one after the other: what is left over goes on."""
        for remaining in range(parts, 0, -1):
            yield self.at_most(self.left // remaining)


class MatchingRun(NamedTuple):
    """A part of both sequences: the same in both, or one in place of the other.

    Attributes:
        same: Which of the two.
        left: Where it lies in the left sequence.
        right: Where it lies in the right sequence.
    """

    same: bool
    left: slice
    right: slice


class _Range(NamedTuple):
    """A part of both sequences that is still to be compared."""

    left: int
    left_end: int
    right: int
    right_end: int


def align(left: Sequence[Hashable], right: Sequence[Hashable], effort: Effort) -> list[MatchingRun]:
    """The runs that make up both sequences, in order; runs that are the same alternate with replaced ones."""
    pairs: list[tuple[int, int]] = []
    todo = [_Range(0, len(left), 0, len(right))]
    while todo:
        part = _trimmed(left, right, todo.pop(), pairs)
        if part.left == part.left_end or part.right == part.right_end:
            continue
        size = part.left_end - part.left, part.right_end - part.right
        if not effort.spend(2 * sum(size)):  # counting and sorting unique lines
            continue
        anchors = _anchors(left, right, part)
        pairs += anchors
        if anchors:
            todo += _between(anchors, part)
        elif effort.spend(size[0] * size[1]):
            pairs += _longest_common(left, right, part)
    pairs.sort()
    return list(_runs(pairs, len(left), len(right)))


def _trimmed(left: Sequence[Hashable], right: Sequence[Hashable], part: _Range, pairs: list[tuple[int, int]]) -> _Range:
    """The part without what both begin and end with, which is noted as pairs."""
    begin, end, other_begin, other_end = part
    while begin < end and other_begin < other_end and left[begin] == right[other_begin]:
        pairs.append((begin, other_begin))
        begin, other_begin = begin + 1, other_begin + 1
    while begin < end and other_begin < other_end and left[end - 1] == right[other_end - 1]:
        end, other_end = end - 1, other_end - 1
        pairs.append((end, other_end))
    return _Range(begin, end, other_begin, other_end)


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable], part: _Range) -> list[tuple[int, int]]:
    """The items that both sides hold exactly once, as many as keep their order."""
    left_counts = Counter(left[part.left : part.left_end])
    right_counts = Counter(right[part.right : part.right_end])
    positions = {right[index]: index for index in range(part.right, part.right_end) if right_counts[right[index]] == 1}
    found = [
        (index, positions[left[index]])
        for index in range(part.left, part.left_end)
        if left_counts[left[index]] == 1 and left[index] in positions and not _is_blank(left[index])
    ]
    return _rising(found)


def _is_blank(item: Hashable) -> bool:
    """Whether it is a text that says nothing: the one blank of two lines is no reason to put them together."""
    return isinstance(item, str) and not item.strip()


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest choice of pairs, given in the order of the left, that is in the order of the right, too."""
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(tails, place)
        tails[length : length + 1] = [place]
        last[length : length + 1] = [index]
        before.append(last[length - 1] if length else -1)
    chosen, index = [], last[-1] if last else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]


def _between(anchors: Sequence[tuple[int, int]], part: _Range) -> Iterator[_Range]:
    next_left, next_right = part.left, part.right
    for left, right in anchors:
        yield _Range(next_left, left, next_right, right)
        next_left, next_right = left + 1, right + 1
    yield _Range(next_left, part.left_end, next_right, part.right_end)


def _longest_common(left: Sequence[Hashable], right: Sequence[Hashable], part: _Range) -> Iterator[tuple[int, int]]:
    """The pairs of a longest common subsequence."""
    left_part, right_part = left[part.left : part.left_end], right[part.right : part.right_end]
    table = [[0] * (len(right_part) + 1)]
    for item in reversed(left_part):
        below, row = table[-1], [0]
        for index, other in enumerate(reversed(right_part)):
            row.append(below[index] + 1 if item == other else max(below[index + 1], row[index]))
        table.append(row)
    index, place = 0, 0
    while index < len(left_part) and place < len(right_part):
        rest, room = len(left_part) - index, len(right_part) - place
        if left_part[index] == right_part[place]:
            yield part.left + index, part.right + place
            index, place = index + 1, place + 1
        elif table[rest - 1][room] >= table[rest][room - 1]:
            index += 1
        else:
            place += 1


def _runs(pairs: Sequence[tuple[int, int]], left_end: int, right_end: int) -> Iterator[MatchingRun]:
    next_left, next_right, start = 0, 0, 0
    for number, (left, right) in enumerate(pairs):
        follows = number + 1 < len(pairs) and pairs[number + 1] == (left + 1, right + 1)
        if number == start and (next_left, next_right) != (left, right):
            yield MatchingRun(same=False, left=slice(next_left, left), right=slice(next_right, right))
        if not follows:
            first_left, first_right = pairs[start]
            yield MatchingRun(same=True, left=slice(first_left, left + 1), right=slice(first_right, right + 1))
            next_left, next_right, start = left + 1, right + 1, number + 1
    if (next_left, next_right) != (left_end, right_end):
        yield MatchingRun(same=False, left=slice(next_left, left_end), right=slice(next_right, right_end))
