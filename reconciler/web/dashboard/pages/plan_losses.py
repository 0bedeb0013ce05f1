"""What is lost by a plan: it is said before what the plan does."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action
from reconciler.render.summary import overwritten, side_unknown, taken_away
from reconciler.web.dashboard.pages.plan_ops import OpView


@dataclass(frozen=True, slots=True)
class Losses:
    """What a plan takes away.

    Attributes:
        deleted: The ops that delete.
        taken_away: What updates empty or lift, such as ``empties the system prompt``.
        overwritten: The live edits that an apply takes back; none of a plan that is closed.
        side_unknown: Whether it is not known of something which side moved, so that it may be a live edit.
    """

    deleted: Sequence[OpView]
    taken_away: Sequence[str]
    overwritten: Sequence[str]
    side_unknown: bool


def losses_of(ops: Sequence[DirectedOp], shown: Sequence[OpView], *, is_open: bool) -> Losses:
    """The losses of a plan.

    Args:
        ops: The plan's.
        shown: The same as the page shows them.
        is_open: Whether it can still be applied.
    """
    return Losses(
        deleted=[op for op in shown if op.action is Action.DELETE],
        taken_away=taken_away(ops),
        overwritten=overwritten(ops) if is_open else (),
        side_unknown=is_open and side_unknown(ops),
    )
