"""A plan as text for a terminal or a file."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from reconciler.domain.direction import DirectedOp
from reconciler.domain.escaping import escaped
from reconciler.domain.plan import MCP_SERVERS, Action
from reconciler.domain.status import Direction
from reconciler.render.alignment import Effort
from reconciler.render.model import (
    IRREVERSIBLE,
    MAX_ALIKE,
    SIDES,
    FleetPlan,
    PlanView,
    Unplanned,
    compared_texts,
    errors_alike,
    headline,
)
from reconciler.render.plan_summary import taken_away
from reconciler.render.text_diff import EFFORT, GAP, TOO_MUCH, Line, PieceKind, compare
from reconciler.render.values import FieldChange, changes, characters, inline, prose

_NOTE = 65
_SIDE = 92
_WIDTH = 97
_MAX_NEW_LINES = 6
_MARKS: Mapping[Action, str] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_MOVED = {
    Direction.GIT_AHEAD: "git moved",
    Direction.LIVE_AHEAD: "live moved",
    Direction.DIVERGED: "both sides moved",
}


class Ink(Enum):
    """The colours, as ANSI codes."""

    ADDED = "32"
    REMOVED = "31"
    CHANGED = "33"
    BOLD = "1"
    DIM = "2"


Paint = Callable[[Ink, str], str]


def _plain(_ink: Ink, text: str) -> str:
    return text


def _ansi(ink: Ink, text: str) -> str:
    return f"\x1b[{ink.value}m{text}\x1b[0m" if text else text


def plan_text(fleet: FleetPlan, *, colour: bool = False, effort: Effort | None = None) -> str:
    """A fleet's plan as text.

    Args:
        fleet: What to show.
        colour: Whether to use ANSI colours. Control characters within values are shown as escapes either way.
        effort: How much work the comparison of all its texts may take together; None means `prose.EFFORT`.

    Returns:
        Text that ends with a line end.
    """
    paint = _ansi if colour else _plain
    efforts = (effort or Effort(EFFORT)).shares(compared_texts(fleet))
    blocks = [*(_plan(plan, paint, efforts) for plan in fleet.plans), *_unplanned(fleet, paint)]
    lines = [line for block in blocks for line in (*block, "")]
    return "\n".join(line.rstrip() for line in (*lines, *_closing(fleet, paint))) + "\n"


def _closing(fleet: FleetPlan, paint: Paint) -> Iterator[str]:
    yield paint(Ink.BOLD, headline(fleet))
    if any(Direction.LIVE_AHEAD in _directions(directed) for plan in fleet.plans for directed in plan.ops):
        yield '"live" marks edits made at WizChat since the last apply; applying overwrites them.'
    yield escaped(fleet.closing)


def _directions(directed: DirectedOp) -> set[Direction]:
    return {directed.direction, *directed.fields.values()}


def _unplanned(fleet: FleetPlan, paint: Paint) -> Iterator[list[str]]:
    for missing in fleet.missing:
        yield [_header("?", missing, paint), f"    {escaped(missing.message)}"]
    for message, failed in errors_alike(fleet).items():
        more = len(failed) - MAX_ALIKE
        yield [
            *(_header("!", item, paint) for item in failed[:MAX_ALIKE]),
            *([f"{paint(Ink.CHANGED, '!')} and {more} more"] if more > 0 else []),
            f"    {escaped(message)}",
        ]
    if fleet.refused:
        yield [f"{paint(Ink.REMOVED, '!')} {escaped(str(diagnostic))}" for diagnostic in fleet.refused]


def _header(mark: str, plan: PlanView | Unplanned, paint: Paint) -> str:
    name, *rest = (escaped(part) for part in (plan.name or "", plan.chatbot_id, plan.path) if part)
    return "   ".join((f"{paint(Ink.CHANGED, mark)} {paint(Ink.BOLD, name)}", *rest))


def _plan(plan: PlanView, paint: Paint, efforts: Iterator[Effort]) -> list[str]:
    moved = _MOVED.get(plan.direction, "")
    bare = _header("~", plan, _plain)
    room = max(3, _WIDTH - len(bare) - len(moved))
    lines = [_header("~", plan, paint) + " " * room + moved, ""]
    for directed in plan.ops:
        lines += [*_op(directed, paint, efforts), ""]
    lines += [paint(Ink.REMOVED, f"      loss: {loss}") for loss in taken_away(plan.ops)]
    tail = [f"      {plan.noops} unchanged"] if plan.noops else []
    tail += [f"      {escaped(note)}" for note in plan.notes]
    return [*lines, *(paint(Ink.DIM, line) for line in tail)] if lines[-1] or tail else lines[:-1]


def _op(directed: DirectedOp, paint: Paint, efforts: Iterator[Effort]) -> Iterator[str]:
    op, side = directed.op, SIDES[directed.direction]
    title = f"    {_MARKS[op.action]} {escaped(str(op.place))}"
    match op.action:
        case Action.CREATE:
            size = characters(op)
            yield _row(title, f"{size:,} characters" if size else "", side, paint, Ink.ADDED)
            yield from _created(changes(op), paint)
        case Action.DELETE:
            yield _row(title, "DELETED", side, paint, Ink.REMOVED)
            if op.section == MCP_SERVERS:
                yield paint(Ink.REMOVED, f"        {IRREVERSIBLE}")
        case Action.UPDATE | Action.NOOP:
            yield paint(Ink.CHANGED, title)
            yield from _updated(directed, paint, efforts)


def _row(left: str, note: str, side: str, paint: Paint, ink: Ink | None = None) -> str:
    """The three columns; what is too long for its column pushes the next one."""
    padded = left if not note and not side else f"{left:<{_NOTE - 3}}   "
    gap = "" if not side else " " * max(3, _SIDE - len(padded) - len(note))
    return (paint(ink, padded) if ink else padded) + note + gap + paint(Ink.BOLD, side)


def _created(fields: tuple[FieldChange, ...], paint: Paint) -> Iterator[str]:
    width = max((len(escaped(change.name)) for change in fields if change.is_short), default=0)
    for change in fields:
        name = escaped(change.name)
        if change.is_short:
            yield f"        {name:<{width}}   {paint(Ink.ADDED, escaped(inline(change.after)))}"
            continue
        yield _row(f"        {name}", change.size, "", paint)
        lines = prose(change.after).removesuffix("\n").split("\n")
        # one line more takes no more room than the words that say so
        shown = lines if len(lines) <= _MAX_NEW_LINES + 1 else lines[:_MAX_NEW_LINES]
        yield from (f"          {paint(Ink.ADDED, escaped(line))}" for line in shown)
        if len(shown) < len(lines):
            yield paint(Ink.DIM, f"          … {len(lines) - len(shown)} more lines")


def _updated(directed: DirectedOp, paint: Paint, efforts: Iterator[Effort]) -> Iterator[str]:
    changed = changes(directed.op)
    short = [change for change in changed if change.is_short]
    name_width = max((len(escaped(change.name)) for change in short), default=0)
    before_width = max((len(escaped(inline(change.before))) for change in short), default=0)
    for change in changed:
        name, side = escaped(change.name), SIDES[directed.fields.get(change.name, directed.direction)]
        if change.is_short:
            before, after = escaped(inline(change.before)), escaped(inline(change.after))
            yield _row(f"        {name:<{name_width}}   {before:<{before_width}} → {after}", "", side, paint)
        else:
            yield _row(f"        {name}", change.size, side, paint)
            yield from _compared(change, paint, next(efforts))


def _compared(change: FieldChange, paint: Paint, effort: Effort) -> Iterator[str]:
    lines = compare(prose(change.before), prose(change.after), effort=effort)
    if effort.was_refused:
        yield paint(Ink.DIM, f"          ({TOO_MUCH})")
    yield from (_prose_line(line, paint) for line in lines)


def _prose_line(line: Line, paint: Paint) -> str:
    if line == GAP:
        return paint(Ink.DIM, "          …")
    return "          " + "".join(_piece(piece.kind, piece.text, paint) for piece in line)


def _piece(kind: PieceKind, text: str, paint: Paint) -> str:
    shown = escaped(text)
    match kind:
        case PieceKind.SAME | PieceKind.SKIPPED:
            return shown
        case PieceKind.REMOVED:
            return paint(Ink.REMOVED, f"[-{shown or '⏎'}-]")
        case PieceKind.ADDED:
            return paint(Ink.ADDED, f"{{+{shown or '⏎'}+}}")
