"""What a plan takes away. The policy, the circuit breaker and the plan's text and page all use this definition.

Guarantees 6 and 10: a loss is looked for in the values, not in the names of the ops. Deleting an item is one,
and so is an update that takes an entry out of a list or an object at any depth, leaves a value empty, lifts a
protection, opens a list of people or places to everybody, sends requests to another host, or leaves less than half of
a text. What only adds takes nothing away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from reconciler.domain import fields
from reconciler.domain.endpoints import is_redirected
from reconciler.domain.escaping import escaped_distinct
from reconciler.domain.fields import MISSING, is_nothing
from reconciler.domain.list_matching import label_of, matched
from reconciler.domain.open_allow_lists import is_wider, reach_of_entry, reach_of_pattern
from reconciler.domain.plan import Action, Op, OpTarget
from reconciler.domain.protections import deletes_records, lifts_protection

LEAST_WORDS = 10
LEAST_CHARACTERS = 40
"""A shorter text is a value like any other: another one in its place is a change."""

_LONGEST_WORD = 20
"""Where words are longer than this on average, blanks do not separate them: the text is weighed by its characters."""

_LONGEST_WEIGHED = 200_000
_LONGEST_LINE = 1_000
_MAX_NAMED = 6
_ACCESS_LISTS = "accessLists."


class LossKind(StrEnum):
    """In which way something is lost; the most severe first."""

    DELETED = "deleted"
    UNPROTECTED = "unprotected"
    OPENED = "opened"
    REDIRECTED = "redirected"
    SHORTENED = "shortened"
    EMPTIED = "emptied"
    REMOVED = "removed"
    REWRITTEN = "rewritten"


_CLAUSES = {
    LossKind.DELETED: "deletes {}",
    LossKind.UNPROTECTED: "lifts the protection {}",
    LossKind.OPENED: "opens {} to everybody",
    LossKind.REDIRECTED: "points {} elsewhere",
    LossKind.SHORTENED: "shortens {}",
    LossKind.EMPTIED: "empties {}",
    LossKind.REMOVED: "removes {}",
    LossKind.REWRITTEN: "leaves less than half of {}",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a plan takes away.

    Attributes:
        kind: In which way.
        place: The section, and in a list section the item.
        field: The path of the field within it, with the names of list entries in brackets, such as
            ``scopes[billing].requireAuth``; empty where the whole item is deleted.
        count: How much is lost: entries of a list, fields of an object, else 1.
        entries: What is gone from a list: identities, or short values.
        empties: Whether a list is left without any entry.
    """

    kind: LossKind
    place: OpTarget
    field: str = ""
    count: int = 1
    entries: tuple[str, ...] = ()
    empties: bool = False

    @property
    def where(self) -> str:
        """The item or field, as the API names it."""
        return f"{self.place}.{escaped_distinct(self.field)}" if self.field else str(self.place)

    def __str__(self) -> str:
        if self.kind is LossKind.REMOVED and self.entries and not self.empties:
            return f"removes {counted(self.count, 'entry', 'entries')} from {self.where}"
        return _CLAUSES[self.kind].format(self.where)


def losses(ops: Iterable[Op]) -> tuple[Loss, ...]:
    """Everything that these ops take away, in their order."""
    return tuple(loss for op in ops for loss in _of_op(op))


def total(losses: Iterable[Loss]) -> int:
    """How much is lost in all."""
    return sum(loss.count for loss in losses)


def summary(losses: Sequence[Loss]) -> str:
    """What is lost, as the rest of a sentence that begins with "it", such as ``deletes 2 items``; empty for nothing."""
    deleted = sum(loss.kind is LossKind.DELETED for loss in losses)
    others = sorted((loss for loss in losses if loss.kind is not LossKind.DELETED), key=_severity)
    clauses = [f"deletes {counted(deleted, 'item', 'items')}"] if deleted else []
    clauses += [str(loss) for loss in others[:_MAX_NAMED]]
    if more := total(others[_MAX_NAMED:]):
        clauses.append(f"takes away {more} more")
    *first, last = clauses or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _severity(loss: Loss) -> int:
    return list(LossKind).index(loss.kind)


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many}"


def field_losses(place: OpTarget, name: str, before: Any, after: Any) -> tuple[Loss, ...]:
    """What is lost by a change of one field.

    Args:
        place: The section and the item.
        name: The field, as the API names it.
        before: Its value, or `MISSING`.
        after: Likewise.
    """
    return tuple(_within(Loss(LossKind.REMOVED, place, name), f"{place.section}.{name}", before, after))


def _of_op(op: Op) -> Iterator[Loss]:
    if op.action is Action.DELETE:
        yield Loss(LossKind.DELETED, op.place)
    elif op.action is Action.UPDATE:
        for name in op.changed_fields:
            yield from field_losses(op.place, name, fields.get(op.before, name), fields.get(op.after, name))


def _within(parent: Loss, path: str, before: Any, after: Any) -> Iterator[Loss]:
    """The losses within a value.

    Args:
        parent: A loss that names the place.
        path: The same without the names of items, the section first.
        before: The value.
        after: Likewise.
    """
    for name, old, new in fields.taken_apart("", before, after):
        yield from _of_leaf(replace(parent, field=f"{parent.field}{name}"), f"{path}{name}", old, new)


def _of_leaf(parent: Loss, path: str, before: Any, after: Any) -> Iterator[Loss]:
    if lifts_protection(path, before, after):
        yield replace(parent, kind=LossKind.UNPROTECTED)
    elif deletes_records(path, before, after):
        yield replace(parent, kind=LossKind.SHORTENED)
    elif isinstance(before, list) or isinstance(after, list):
        yield from _of_list(parent, path, before, after)
    elif opened_by(path, [before], [after]):
        yield replace(parent, kind=LossKind.OPENED)
    elif is_redirected(path, before, after):
        yield replace(parent, kind=LossKind.REDIRECTED)
    elif not is_nothing(before):
        yield from _of_value(parent, before, after)


def _of_value(parent: Loss, before: Any, after: Any) -> Iterator[Loss]:
    if is_nothing(after):
        kind = LossKind.REMOVED if after is MISSING or after is None else LossKind.EMPTIED
        yield replace(parent, kind=kind, count=_size(before))
    elif isinstance(before, Mapping) or isinstance(after, Mapping):
        yield replace(parent, count=_size(before))
    elif isinstance(before, str) and is_rewritten(before, after if isinstance(after, str) else ""):
        yield replace(parent, kind=LossKind.REWRITTEN)


def _of_list(parent: Loss, path: str, before: Any, after: Any) -> Iterator[Loss]:
    old, new = (value if isinstance(value, list) else [] for value in (before, after))
    if not isinstance(before, list) and not is_nothing(before):
        yield from _of_value(parent, before, MISSING)
    pairs, gone = matched(old, new)
    paired = {id(right) for _, right in pairs}
    if opened_by(path, old, [entry for entry in new if id(entry) not in paired]):
        yield replace(parent, kind=LossKind.OPENED)
    if gone:
        kind = LossKind.EMPTIED if isinstance(after, list) and not new else LossKind.REMOVED
        yield replace(parent, kind=kind, count=len(gone), entries=tuple(map(label_of, gone)), empties=not new)
    for left, right in pairs:
        yield from _within(replace(parent, field=f"{parent.field}[{label_of(left)}]"), path, left, right)


def opened_by(path: str, before: Iterable[Any], after: Iterable[Any]) -> bool:
    """Whether values let everybody in that did not before, or everybody below a public suffix.

    Args:
        path: The field that holds them; what the access lists hold is no prose, which may hold an asterisk.
        before: The values.
        after: Likewise.
    """
    reach = _reach_of_entries if path.startswith(_ACCESS_LISTS) else _reach_of_patterns
    return is_wider(reach(after), reach(before))


def _reach_of_entries(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(reach for text in _strings(values) for reach in reach_of_entry(text))


def _reach_of_patterns(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(reach for text in _strings(values) if (reach := reach_of_pattern(text)) is not None)


def _strings(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _strings(value.values())
        elif isinstance(value, list):
            yield from _strings(value)


def is_rewritten(before: str, after: str) -> bool:
    """Whether less than half of a text is left in another, in any order of its words."""
    if before in after:
        return False
    weigh = _measure_of(before)
    old = Counter(weigh(before))
    least = LEAST_CHARACTERS if weigh is _characters else LEAST_WORDS
    return old.total() >= least and 2 * (old & Counter(weigh(after))).total() < old.total()


def _measure_of(text: str) -> Callable[[str], Iterable[str]]:
    """What a text is weighed by: its words, its characters, or its lines where words would take too long."""
    if len(text) > _LONGEST_WEIGHED and len(text.splitlines()) * _LONGEST_LINE >= len(text):
        return str.splitlines
    return str.split if len(text) <= _LONGEST_WORD * len(text.split()) else _characters


def _characters(text: str) -> Iterable[str]:
    return "".join(text.split())


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return len(value)
    return 0 if is_nothing(value) else 1
