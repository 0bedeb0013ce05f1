"""View model of a plan's ops: short fields as a table, texts as word diffs, the rest folded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from reconciler.domain import fields
from reconciler.domain.direction import NO_BASELINE, Baseline, DirectedOp
from reconciler.domain.entities import Apply
from reconciler.domain.escaping import escaped, escaped_distinct
from reconciler.domain.fields import MISSING
from reconciler.domain.op_outcomes import OpOutcome, op_outcomes
from reconciler.domain.plan import MCP_SERVERS, Action, Op
from reconciler.domain.status import Direction
from reconciler.render.alignment import Effort
from reconciler.render.field_clauses import side_of
from reconciler.render.model import IRREVERSIBLE
from reconciler.render.plan_summary import noun_of, overwritten, side_unknown, taken_away, title_of
from reconciler.render.sizes import differs_in_blanks_only, sizes
from reconciler.render.text_diff import EFFORT, DiffRow, Line, abridged, clipped, compare, side_by_side
from reconciler.render.values import FieldChange, inline, leaves, lost, prose

_NOT_KNOWN = "not known"
_CONTEXT = 2
_SHOWN = 300_000
_LEAST_SHOWN = 4_000
_MAX_LINES = 3_000
_MORE_SHOWN = 4_000_000
_MORE_LINES = 20_000
"""All texts of a page share what is shown and the work it takes: a page stays quick whatever it is about."""
MAX_OPS: Final = 200
"""Ops of one part of a page, so that it can be read and is made quickly, however many there are."""


class OpsForm(StrEnum):
    """How two texts are put beside each other."""

    SIDES = "sides"
    UNIFIED = "unified"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field whose values fit on a line each.

    Attributes:
        agreed: What both sides last agreed on, or that it is not known.
        live: The value now.
        after: The value after an apply.
        direction: Which side moved.
    """

    name: str
    agreed: str
    live: str
    after: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class TextComparison:
    """Two texts beside each other.

    Attributes:
        rows: In two columns; empty in the unified view.
        lines: In one column; empty in the view of two.
        is_cut: Whether they are too long to be shown to their end.
        by_lines: Whether it was too much work to compare them word by word.
    """

    rows: Sequence[DiffRow]
    lines: Sequence[Line]
    is_cut: bool
    by_lines: bool


@dataclass(frozen=True, slots=True)
class TextView:
    """A text, or a nested value as JSON, compared.

    Attributes:
        size: Its length and estimated tokens before and after; empty for what is no text.
        direction: Which side moved.
        blanks_only: Whether only blanks and line ends differ.
        change: What is live now, and what will be.
        moves: Where both sides moved: what was last agreed on, and what each made of it; live first.
    """

    name: str
    size: str
    direction: Direction
    blanks_only: bool
    change: TextComparison
    moves: Sequence[TextComparison] = ()


@dataclass(frozen=True, slots=True)
class OpView:
    """One op.

    Attributes:
        anchor: Its id within the page.
        title: The item, or how many fields of the section it is about.
        noun: Its name in plain words, such as ``skill refunds``.
        direction: Which side moved.
        rows: Its short fields.
        texts: Its other fields.
        note: A remark beside it.
        outcome: What became of it, of an apply that was stopped halfway.
    """

    anchor: str
    action: Action
    section: str
    title: str
    noun: str
    direction: Direction
    rows: Sequence[FieldRow]
    texts: Sequence[TextView]
    note: str | None
    outcome: OpOutcome | None = None


@dataclass(frozen=True, slots=True)
class OpSection:
    """The ops of a section, under a heading."""

    title: str
    ops: Sequence[OpView]


@dataclass(frozen=True, slots=True)
class _Share:
    """What one text of many may take.

    Attributes:
        view: How it is put beside the other.
        efforts: The work of comparing it: one for each text.
        shown: How many characters are shown.
        lines: How many lines are shown.
    """

    view: OpsForm
    efforts: Iterator[Effort]
    shown: int
    lines: int


def op_views(
    ops: Sequence[DirectedOp],
    baseline: Baseline = NO_BASELINE,
    view: OpsForm = OpsForm.SIDES,
    *,
    whole: bool = False,
    effort: Effort | None = None,
    apply: Apply | None = None,
    begin: int = 0,
) -> Sequence[OpView]:
    """A part of the ops that are not noop, those that delete first.

    Args:
        ops: The plan's.
        baseline: What both sides last agreed on.
        view: How texts are put beside each other.
        whole: Whether much more of long texts is shown.
        effort: How much work the comparison of all texts may take together; None means `prose.EFFORT`.
        apply: The plan's latest apply.
        begin: How many ops precede this part, which has `MAX_OPS` at most.
    """
    outcomes = op_outcomes([op.op for op in ops], apply)
    pairs = [pair for pair in zip(ops, outcomes, strict=True) if not pair[0].op.is_noop]
    pairs.sort(key=lambda pair: pair[0].op.action != Action.DELETE)
    part = pairs[begin : begin + MAX_OPS]
    changed = [lost(item.op) if item.op.action is Action.DELETE else leaves(item.op) for item, _ in part]
    texts = sum(not change.is_short for found in changed for change in found) or 1
    efforts = (effort or Effort(EFFORT)).shares(texts)
    most = _Share(view, efforts, max(_LEAST_SHOWN, _SHOWN // texts), _MAX_LINES)
    share = _Share(view, efforts, _MORE_SHOWN // texts, _MORE_LINES) if whole else most
    return [
        replace(_op(f"op-{number}", item, found, baseline, share), outcome=outcome)
        for number, ((item, outcome), found) in enumerate(zip(part, changed, strict=True), begin)
    ]


def in_sections(ops: Sequence[OpView]) -> Sequence[OpSection]:
    """The ops under headings: what is deleted, then each section."""
    deletes = [op for op in ops if op.action is Action.DELETE]
    others = [op for op in ops if op.action is not Action.DELETE]
    names = dict.fromkeys(op.section for op in others)
    sections = [OpSection(title_of(name), [op for op in others if op.section == name]) for name in names]
    return [OpSection("Deleted", deletes), *sections] if deletes else sections


def _op(anchor: str, directed: DirectedOp, changed: Sequence[FieldChange], baseline: Baseline, share: _Share) -> OpView:
    op = directed.op
    deleted = op.action is Action.DELETE
    return OpView(
        anchor=anchor,
        action=op.action,
        section=op.section,
        title=_title(op, len(changed)),
        noun=escaped(noun_of(op)),
        direction=directed.direction,
        rows=[_row(directed, change, baseline) for change in changed if change.is_short],
        texts=[
            _text(directed, change, baseline, share)
            for change in sorted(changed, key=_is_nested)
            if not change.is_short
        ],
        note=IRREVERSIBLE if deleted and op.section == MCP_SERVERS else None,
    )


def _is_nested(change: FieldChange) -> bool:
    """Whether it is no text: those come after the texts."""
    return not any(isinstance(value, str) for value in (change.before, change.after))


def _title(op: Op, fields: int) -> str:
    """Its heading, below that of its section; a delete is listed under another heading."""
    if op.action is Action.DELETE:
        return escaped(noun_of(op))
    return escaped_distinct(op.key) if op.key is not None else "1 field" if fields == 1 else f"{fields} fields"


def _row(directed: DirectedOp, change: FieldChange, baseline: Baseline) -> FieldRow:
    side = side_of(directed, change.name)
    return FieldRow(
        name=escaped_distinct(change.name),
        agreed=escaped(_agreed(directed.op, change, side, baseline)),
        live=escaped(inline(change.before)),
        after=escaped(inline(change.after)),
        direction=side,
    )


def _agreed(op: Op, change: FieldChange, side: Direction, baseline: Baseline) -> str:
    """What both sides last agreed on: the side that did not move still has it."""
    match side:
        case Direction.GIT_AHEAD | Direction.IN_SYNC:
            return inline(change.before)
        case Direction.LIVE_AHEAD:
            return inline(change.after)
        case Direction.UNKNOWN:
            return _NOT_KNOWN
        case Direction.DIVERGED:
            return _in_baseline(op, change.name, baseline)


def _in_baseline(op: Op, name: str, baseline: Baseline) -> str:
    item = _agreed_item(op, baseline)
    return _NOT_KNOWN if item is None else inline(fields.get(item, name))


def _agreed_item(op: Op, baseline: Baseline) -> Mapping[str, Any] | None:
    section = baseline.get(op.section)
    return section.items.get(op.key or "") if section else None


def _text(directed: DirectedOp, change: FieldChange, baseline: Baseline, share: _Share) -> TextView:
    before, after = prose(change.before), prose(change.after)
    side, item = side_of(directed, change.name), _agreed_item(directed.op, baseline)
    agreed_text = prose(fields.get(item, change.name)) if side is Direction.DIVERGED and item is not None else None
    pairs = [(before, after), *([] if agreed_text is None else [(agreed_text, before), (agreed_text, after)])]
    efforts = next(share.efforts).shares(len(pairs))
    compared = tuple(_compared(*pair, share, effort) for pair, effort in zip(pairs, efforts, strict=True))
    return TextView(
        name=escaped_distinct(change.name),
        size=_size(change),
        direction=side,
        blanks_only=differs_in_blanks_only(before, after),
        change=compared[0],
        moves=compared[1:],
    )


def _compared(before: str, after: str, share: _Share, effort: Effort) -> TextComparison:
    lines = compare(before, after, context=_CONTEXT, effort=effort, max_lines=share.lines + 1)
    shown, hidden = clipped(map(abridged, lines[: share.lines]), share.shown)
    return TextComparison(
        rows=side_by_side(shown) if share.view is OpsForm.SIDES else (),
        lines=shown if share.view is OpsForm.UNIFIED else (),
        is_cut=hidden > 0 or len(lines) > share.lines,
        by_lines=effort.was_refused,
    )


def _size(change: FieldChange) -> str:
    texts = [value for value in (change.before, change.after) if value is not MISSING]
    if not all(isinstance(value, str) for value in texts):
        return change.size
    return sizes(*(value if isinstance(value, str) else None for value in (change.before, change.after)))


T = TypeVar("T")

_MAX_LISTED: Final = MAX_OPS


@dataclass(frozen=True, slots=True)
class ClippedList(Generic[T]):
    """As much of a list as is shown.

    Attributes:
        shown: The part.
        total: How many there are in all.
    """

    shown: Sequence[T]
    total: int

    @property
    def others(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class Losses:
    """What a plan takes away.

    Attributes:
        deleted: The ops that delete; those that this part of the page has.
        taken_away: What updates empty or lift, such as ``empties the system prompt``.
        overwritten: The live edits that an apply takes back; none of a plan that is closed.
        side_unknown: Whether it is not known of something which side moved, so that it may be a live edit.
    """

    deleted: ClippedList[OpView]
    taken_away: ClippedList[str]
    overwritten: ClippedList[str]
    side_unknown: bool


def losses_of(ops: Sequence[DirectedOp], shown: Sequence[OpView], *, is_open: bool) -> Losses:
    """The losses of a plan.

    Args:
        ops: The plan's.
        shown: Those of them that this part of the page shows.
        is_open: Whether it can still be applied.
    """
    deletes = sum(op.op.action is Action.DELETE for op in ops)
    return Losses(
        deleted=ClippedList([op for op in shown if op.action is Action.DELETE], deletes),
        taken_away=_first(taken_away(ops)),
        overwritten=_first(overwritten(ops) if is_open else ()),
        side_unknown=is_open and side_unknown(ops),
    )


def _first(found: Sequence[str]) -> ClippedList[str]:
    return ClippedList(found[:_MAX_LISTED], len(found))
