"""Compares a plan with the newer one that replaced it: what changed, and on which side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.entities import Plan
from reconciler.domain.escaping import escaped
from reconciler.domain.fields import are_same
from reconciler.domain.plan import Action, Op, OpTarget
from reconciler.domain.status import Direction
from reconciler.render.field_clauses import field_label, side_of
from reconciler.render.plan_summary import noun_of
from reconciler.render.values import FieldChange, leaves


@dataclass(frozen=True, slots=True)
class MovedField:
    """One op that is not as it was.

    Attributes:
        noun: The name of the section or item in plain words.
        action: What the newer plan does there; for one that is gone, what the older would have done.
        side: Which side moved since the older plan; Unknown where the two plans do not tell.
        fields: Of an update in both plans, what differs between them as people say it, each with the side that moved.
    """

    noun: str
    action: Action
    side: Direction
    fields: tuple[tuple[str, Direction], ...] = ()


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """The difference between an older plan of a chatbot and a newer one.

    Attributes:
        came: Only the newer one does these.
        left: Only the older one did these.
        differ: Both concern these, but not alike.
        new_revision: Whether the newer one is of another revision.
    """

    came: tuple[MovedField, ...]
    left: tuple[MovedField, ...]
    differ: tuple[MovedField, ...]
    new_revision: bool

    @property
    def is_nothing(self) -> bool:
        """Whether both plans do the same."""
        return not (self.came or self.left or self.differ)


def compare_plans(old: Plan, new: Plan) -> PlanComparison:
    """What changed between two plans of one chatbot."""
    before = {directed.op.place: directed for directed in old.ops}
    after = {directed.op.place: directed for directed in new.ops}
    git_still = old.revision == new.revision
    return PlanComparison(
        came=tuple(_moved(item.op, _side_of_new(item, git_still=git_still)) for item in _only(after, before)),
        left=tuple(_moved(item.op, _side_of_gone(git_still=git_still)) for item in _only(before, after)),
        differ=tuple(
            _between(before[place], item)
            for place, item in after.items()
            if place in before and not before[place].op.is_same_as(item.op)
        ),
        new_revision=not git_still,
    )


def _only(ops: dict[OpTarget, DirectedOp], others: dict[OpTarget, DirectedOp]) -> Iterator[DirectedOp]:
    return (directed for place, directed in ops.items() if place not in others)


def _moved(op: Op, side: Direction) -> MovedField:
    return MovedField(noun_of(op), op.action, side)


def _side_of_new(directed: DirectedOp, *, git_still: bool) -> Direction:
    """Both sides agreed there, so the side that differs has moved since."""
    return Direction.LIVE_AHEAD if git_still else directed.direction


def _side_of_gone(*, git_still: bool) -> Direction:
    """At one revision only the live side can have moved; else neither plan says what both agree on now."""
    return Direction.LIVE_AHEAD if git_still else Direction.UNKNOWN


def _between(old: DirectedOp, new: DirectedOp) -> MovedField:
    """The desired values are git's, the live ones WizChat's: which of them are others than before."""
    if (old.op.action, new.op.action) != (Action.UPDATE, Action.UPDATE):
        return _moved(new.op, _side_between(old.op, new.op))
    differing = tuple(_fields_between(old, new))
    named_fields = tuple((escaped(field_label(new.op.section, name)), side) for name, side in differing)
    return replace(_moved(new.op, common(side for _, side in differing)), fields=named_fields)


def _fields_between(old: DirectedOp, new: DirectedOp) -> Iterator[tuple[str, Direction]]:
    """Each field that two updates do not change alike; one that is only in the newer one was alike on both sides."""
    was, now = ({change.name: change for change in leaves(item.op)} for item in (old, new))
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            yield name, side_of(new, name)
        elif name not in now:
            yield name, Direction.UNKNOWN
        elif (side := _side_between(was[name], now[name])) is not Direction.IN_SYNC:
            yield name, side


def _side_between(was: FieldChange | Op, now: FieldChange | Op) -> Direction:
    return _side(git=not are_same(was.after, now.after), live=not are_same(was.before, now.before))


def _side(*, git: bool, live: bool) -> Direction:
    if git and live:
        return Direction.DIVERGED
    if git or live:
        return Direction.GIT_AHEAD if git else Direction.LIVE_AHEAD
    return Direction.IN_SYNC
