"""What is lost by a plan: it is said before what the plan does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action
from reconciler.render.summary import overwritten, side_unknown, taken_away
from reconciler.web.dashboard.pages.plan_ops import MOST_OPS, OpView

T = TypeVar("T")

_MOST_LISTED: Final = MOST_OPS


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
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

    deleted: Some[OpView]
    taken_away: Some[str]
    overwritten: Some[str]
    side_unknown: bool


def losses_of(ops: Sequence[DirectedOp], shown: Sequence[OpView], *, is_open: bool) -> Losses:
    """The losses of a plan.

    Args:
        ops: The plan's.
        shown: Those of them that this part of the page shows.
        is_open: Whether it can still be applied.
    """
    deletes = sum(each.op.action is Action.DELETE for each in ops)
    return Losses(
        deleted=Some([op for op in shown if op.action is Action.DELETE], deletes),
        taken_away=_first(taken_away(ops)),
        overwritten=_first(overwritten(ops) if is_open else ()),
        side_unknown=is_open and side_unknown(ops),
    )


def _first(found: Sequence[str]) -> Some[str]:
    return Some(found[:_MOST_LISTED], len(found))
