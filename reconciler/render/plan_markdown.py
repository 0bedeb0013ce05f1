"""A plan as markdown for pull requests. Values are in code spans, where forges read no markup, links or mentions."""

import re
from collections.abc import Iterator, Sequence
from itertools import repeat

from reconciler.domain.direction import DirectedOp
from reconciler.domain.escaping import escaped
from reconciler.domain.fields import MISSING
from reconciler.domain.plan import MCP_SERVERS, Action
from reconciler.domain.sentences import first_few
from reconciler.render.alignment import Effort
from reconciler.render.model import (
    IRREVERSIBLE,
    MAX_ALIKE,
    NOTHING_WRITTEN,
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
from reconciler.render.values import FieldChange, changes, inline, prose

_SHORTEST_FENCE = 3


def fleet_markdown(fleet: FleetPlan, effort: Effort | None = None) -> str:
    """A fleet's plan as markdown.

    Args:
        fleet: What to show.
        effort: How much work the comparison of all its texts may take together; None means `prose.EFFORT`.

    Returns:
        Text that ends with a line end.
    """
    efforts = (effort or Effort(EFFORT)).shares(compared_texts(fleet))
    blocks = [f"**{headline(fleet)}**", *(_plan(plan, efforts) for plan in fleet.plans), *_unplanned(fleet)]
    return "\n\n".join((*blocks, _closing(fleet.closing))) + "\n"


def _closing(text: str) -> str:
    """The last line. What a message quotes is in a code span, as every value is."""
    return f"_{text}_" if text == NOTHING_WRITTEN else _code(text)


def _unplanned(fleet: FleetPlan) -> Iterator[str]:
    shown = [([missing], missing.message) for missing in fleet.missing]
    shown += [([*failed], message) for message, failed in errors_alike(fleet).items()]
    items = [f"- {_places(those)}: {_code(message)}" for those, message in shown]
    items += [f"- {_code(str(diagnostic))}" for diagnostic in fleet.refused]
    if items:
        yield "### Not planned\n\n" + "\n".join(items)


def _places(those: Sequence[Unplanned]) -> str:
    return first_few([f"{_code(item.chatbot_id)} {_code(item.path)}" for item in those[:MAX_ALIKE]], len(those))


def _plan(plan: PlanView, efforts: Iterator[Effort]) -> str:
    side = SIDES[plan.direction]
    title = " ".join(_code(part) for part in (plan.name or plan.chatbot_id, plan.chatbot_id, plan.path))
    lines = [line for directed in plan.ops for line in _op(directed, efforts)]
    notes = [f"{plan.noops} unchanged", f"fingerprint {_code(plan.fingerprint)}"]
    items = [*(f"loss: {loss}" for loss in taken_away(plan.ops)), *plan.notes]
    more = ["\n".join(f"- {_code(item)}" for item in items)] if items else []
    return "\n\n".join((f"### {title}" + (f" ({side})" if side else ""), _fenced(lines), ", ".join(notes), *more))


def _op(directed: DirectedOp, efforts: Iterator[Effort]) -> Iterator[str]:
    op, side = directed.op, SIDES[directed.direction]
    place, mark = escaped(str(op.place)), f" ({side})" if side else ""
    match op.action:
        case Action.CREATE:
            yield f"+ {place}{mark}"
            # what is new is compared with nothing, which is no work
            for change in changes(op):
                yield from _field(change, "", repeat(Effort(0)))
        case Action.DELETE:
            yield f"- {place} DELETED{mark}"
            if op.section == MCP_SERVERS:
                yield f"-   {IRREVERSIBLE}"
        case Action.UPDATE | Action.NOOP:
            yield f"! {place}"
            for change in changes(op):
                yield from _field(change, SIDES[directed.fields.get(change.name, directed.direction)], efforts)


def _field(change: FieldChange, side: str, efforts: Iterator[Effort]) -> Iterator[str]:
    note = ", ".join(part for part in (change.size if not change.is_short else "", side) if part)
    yield f"    {escaped(change.name)}:" + (f" ({note})" if note else "")
    if change.is_short:
        if change.before is not MISSING:
            yield f"-     {escaped(inline(change.before))}"
        yield f"+     {escaped(inline(change.after))}"
        return
    effort = next(efforts)
    lines = compare(prose(change.before), prose(change.after), effort=effort)
    if effort.was_refused:
        yield f"      ({TOO_MUCH})"
    for line in lines:
        yield from _diff_lines(line)


def _diff_lines(line: Line) -> Iterator[str]:
    """A compared line as a diff shows it: as it was, and as it will be."""
    if line == GAP:
        yield "      …"
        return
    if all(piece.kind is PieceKind.SAME for piece in line):
        yield "      " + _joined(line, PieceKind.SAME)
        return
    kinds = {piece.kind for piece in line}
    if kinds != {PieceKind.ADDED}:
        yield "-     " + _joined(line, PieceKind.SAME, PieceKind.REMOVED)
    if kinds != {PieceKind.REMOVED}:
        yield "+     " + _joined(line, PieceKind.SAME, PieceKind.ADDED)


def _joined(line: Line, *kinds: PieceKind) -> str:
    return "".join(escaped(piece.text) for piece in line if piece.kind in kinds)


def _fenced(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines)
    fence = "`" * max(_SHORTEST_FENCE, _longest_run(text) + 1)
    return f"{fence}diff\n{text}\n{fence}"


def _code(text: str) -> str:
    """Text as a code span, whatever backticks it holds."""
    shown = escaped(text)
    fence = "`" * (_longest_run(shown) + 1)
    room = " " if "`" in shown else ""
    return f"{fence}{room}{shown}{room}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
