"""Which side moved: a three-way comparison with the baseline, per field, op and chatbot.

The baseline of a place is what both sides last agreed on: the live value at the last noop. Update: desired moved
away from it → GitAhead, live did → LiveAhead, both → Diverged. Create: a place that was never agreed on is new in
git; one that was, was deleted live. Delete: the reverse. Without a baseline the answer is Unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from reconciler.domain import fields
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction


@dataclass(frozen=True, slots=True)
class SectionBaseline:
    """What both sides last agreed on in one section.

    Attributes:
        items: Key → the agreed value; the key of a singleton section is the empty string.
        unsettled: Keys that were not noop at the section's first dry run and have not been since.
        unsettled_fields: Key → its fields that both sides have never agreed on. A field that is neither here nor in
            the item was agreed to be absent.
    """

    items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unsettled: frozenset[str] = frozenset()
    unsettled_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)


Baseline = Mapping[str, SectionBaseline]
NO_BASELINE: Baseline = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DirectedOp:
    """An op, and which side moved for it and, in an update, for each of its fields."""

    op: Op
    direction: Direction
    fields: Mapping[str, Direction] = field(default_factory=dict)


def direct(op: Op, baseline: Baseline) -> DirectedOp:
    """Say which side moved for an op."""
    section = baseline.get(op.section)
    match op.action:
        case Action.NOOP:
            return DirectedOp(op, Direction.IN_SYNC)
        case Action.UPDATE:
            moved = {name: _of_field(op, name, section) for name in op.changed_fields}
            return DirectedOp(op, common(moved.values()) if moved else Direction.UNKNOWN, moved)
        case Action.CREATE:
            return DirectedOp(op, _of_item(op, section, agreed=Direction.LIVE_AHEAD, new=Direction.GIT_AHEAD))
        case Action.DELETE:
            return DirectedOp(op, _of_item(op, section, agreed=Direction.GIT_AHEAD, new=Direction.LIVE_AHEAD))


def common(directions: Iterable[Direction]) -> Direction:
    """The direction of a whole: Diverged if any part is, or if both sides moved in different parts."""
    moved = set(directions) - {Direction.IN_SYNC}
    if Direction.DIVERGED in moved or {Direction.GIT_AHEAD, Direction.LIVE_AHEAD} <= moved:
        return Direction.DIVERGED
    if Direction.UNKNOWN in moved:
        return Direction.UNKNOWN
    return moved.pop() if moved else Direction.IN_SYNC


def _of_field(op: Op, name: str, section: SectionBaseline | None) -> Direction:
    key = op.key or ""
    if section is None or key not in section.items or name in section.unsettled_fields.get(key, ()):
        return Direction.UNKNOWN
    baseline_value = fields.get(section.items[key], name)
    git_moved = not fields.are_same(fields.get(op.after, name), baseline_value)
    live_moved = not fields.are_same(fields.get(op.before, name), baseline_value)
    if git_moved and live_moved:
        return Direction.DIVERGED
    return Direction.GIT_AHEAD if git_moved else Direction.LIVE_AHEAD


def _of_item(op: Op, section: SectionBaseline | None, *, agreed: Direction, new: Direction) -> Direction:
    if section is None or (op.key or "") in section.unsettled:
        return Direction.UNKNOWN
    return agreed if (op.key or "") in section.items else new


def is_same_baseline(left: Baseline, right: Baseline) -> bool:
    """Whether two baselines agree on everything, also on whether a value is true or 1."""
    return left == right and all(fields.are_same(section.items, right[name].items) for name, section in left.items())


def advance(baseline: Baseline, ops: Iterable[Op], *, sections: Iterable[str], prune: bool, whole: bool) -> Baseline:
    """The baseline after a dry run.

    Args:
        baseline: The one before.
        ops: Every op of the dry run, noops included, unreduced.
        sections: The sections that the dry-run body states.
        prune: Whether that body lets the API delete: then a key that no op names is gone on both sides.
        whole: Whether the body was the whole document: then a section that it does not state is forgotten.

    Returns:
        A new baseline; the given one is not changed.
    """
    by_section: dict[str, list[Op]] = {name: [] for name in sections}
    for op in ops:
        by_section.setdefault(op.section, []).append(op)
    kept = {} if whole else dict(baseline)
    return kept | {
        name: _advance_section(baseline.get(name), section_ops, prune=prune) for name, section_ops in by_section.items()
    }


def settle(baseline: Baseline, sent: Iterable[Op], stored: Iterable[Op]) -> Baseline:
    """The baseline after WizChat stored something else than what was sent: what it stored is nobody's live edit.

    Args:
        baseline: The one after the dry run that proved it.
        sent: The ops that were applied.
        stored: The ops of that dry run, unreduced.

    Returns:
        A new baseline, in which the live values of the fields that were written are agreed on.
    """
    by_place = {op.place: op for op in sent}
    pairs: dict[str, list[tuple[Op, Op]]] = {}
    for op in stored:
        if op.action is Action.UPDATE and op.place in by_place:
            pairs.setdefault(op.section, []).append((by_place[op.place], op))
    empty = SectionBaseline()
    return {
        **baseline,
        **{name: _settle_section(baseline.get(name, empty), section_pairs) for name, section_pairs in pairs.items()},
    }


def _settle_section(section: SectionBaseline, pairs: Iterable[tuple[Op, Op]]) -> SectionBaseline:
    items, unsettled = dict(section.items), set(section.unsettled)
    unsettled_fields = dict(section.unsettled_fields)
    for sent, stored in pairs:
        key = stored.key or ""
        written = frozenset(stored.changed_fields if sent.action is Action.CREATE else sent.changed_fields)
        names = written & frozenset(stored.changed_fields)
        items[key] = fields.overlay(items.get(key, {}), fields.pick(stored.before, names))
        unsettled.discard(key)
        unsettled_fields[key] = unsettled_fields.get(key, frozenset()) - names
    return SectionBaseline(items, frozenset(unsettled), unsettled_fields)


def _advance_section(before: SectionBaseline | None, ops: list[Op], *, prune: bool) -> SectionBaseline:
    baseline = before or SectionBaseline(unsettled=frozenset(op.key or "" for op in ops if not op.is_noop))
    items, open_fields, unsettled = dict(baseline.items), dict(baseline.unsettled_fields), set(baseline.unsettled)
    for op in ops:
        key = op.key or ""
        if op.is_noop:
            items[key] = dict(op.before or op.after or {})
            unsettled.discard(key)
            open_fields.pop(key, None)
        elif op.action is Action.UPDATE:
            changed = frozenset(op.changed_fields)
            open_fields[key] = changed & open_fields.get(key, frozenset()) if key in items else changed
            items[key] = _agreeing_part(op, items.get(key))
    keys = {op.key or "" for op in ops} if prune else items.keys() | unsettled
    return SectionBaseline(
        {key: value for key, value in items.items() if key in keys},
        frozenset(unsettled & keys),
        {key: names for key, names in open_fields.items() if names and key in keys},
    )


def _agreeing_part(op: Op, agreed: Mapping[str, Any] | None) -> dict[str, Any]:
    """The live value where both sides agree, and what was agreed before where they do not."""
    return fields.overlay(
        fields.without(op.before or {}, op.changed_fields),
        fields.pick(agreed, op.changed_fields),
    )
