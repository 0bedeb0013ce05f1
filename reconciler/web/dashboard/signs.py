"""How each state looks and reads, on every page the same: told by its shape and its word; the colour only helps."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.op_outcomes import OpOutcome
from reconciler.domain.records import RunStatus, SourceState
from reconciler.domain.status import Direction, Sync
from reconciler.domain.tenant import TenantState
from reconciler.render.terms import OUTCOME_WORDS


class Sign(NamedTuple):
    """A state as it is shown.

    Attributes:
        kind: The class of its colour.
        symbol: Its shape.
        words: What people call it.
    """

    kind: str
    symbol: str
    words: str


SYNC: Final[Mapping[str, Sign]] = {
    Sync.SYNCED: Sign("ok", "✓", "in sync"),
    Sync.OUT_OF_SYNC: Sign("wait", "≠", "out of sync"),
    Sync.UNKNOWN: Sign("unk", "?", "unknown"),
}
SIDE: Final[Mapping[str, Sign]] = {
    Direction.IN_SYNC: Sign("ok", "✓", "in sync"),
    Direction.GIT_AHEAD: Sign("git", "⎇", "git ahead"),
    Direction.LIVE_AHEAD: Sign("live", "●", "edited live"),
    Direction.DIVERGED: Sign("both", "⇄", "both moved"),
    Direction.UNKNOWN: Sign("unk", "?", "side unknown"),
}
"""Of a chatbot or a plan: which side moved."""

STATUS: Final[Mapping[str, Sign]] = {
    PlanStatus.PENDING: Sign("wait", "◷", "waiting for approval"),
    PlanStatus.APPROVED: Sign("git", "☑", "approved"),
    PlanStatus.APPLYING: Sign("live", "▶", "applying"),
    PlanStatus.APPLIED: Sign("ok", "✓", "applied"),
    PlanStatus.APPLIED_NOT_CONVERGED: Sign("both", "≠", "applied, not converged"),
    PlanStatus.PARTIALLY_APPLIED: Sign("both", "◐", "partially applied"),
    PlanStatus.FAILED: Sign("del", "✗", "failed"),
    PlanStatus.OUTCOME_UNKNOWN: Sign("both", "?", "outcome unknown"),
    PlanStatus.REJECTED: Sign("del", "⊘", "rejected"),
    PlanStatus.SUPERSEDED: Sign("unk", "↷", "superseded"),
    PlanStatus.STALE: Sign("both", "↺", "stale"),
    PlanStatus.RESOLVED: Sign("ok", "○", "resolved"),
    PlanStatus.EXPIRED: Sign("unk", "◌", "expired"),
    RunStatus.QUEUED: Sign("wait", "◷", "queued"),
    RunStatus.RUNNING: Sign("live", "▶", "running"),
    RunStatus.SUCCEEDED: Sign("ok", "✓", "succeeded"),
    SourceState.READY: Sign("ok", "✓", "ready"),
    SourceState.SUSPENDED: Sign("both", "‖", "suspended"),
    SourceState.UNKNOWN: Sign("unk", "?", "unknown"),
    TenantState.UNAUTHORIZED: Sign("del", "⊘", "unauthorized"),
    TenantState.UNREACHABLE: Sign("del", "✗", "unreachable"),
    TenantState.MISCONFIGURED: Sign("del", "≠", "misconfigured"),
}
"""Of a plan, an apply, a run, a source or a tenant: the same word means the same on all of them."""

OUTCOMES: Final[Mapping[str, Sign]] = {
    OpOutcome.DONE: Sign("ok", "✓", OUTCOME_WORDS[OpOutcome.DONE]),
    OpOutcome.FAILED: Sign("del", "✗", OUTCOME_WORDS[OpOutcome.FAILED]),
    OpOutcome.NOT_TRIED: Sign("unk", "○", OUTCOME_WORDS[OpOutcome.NOT_TRIED]),
    OpOutcome.NOT_DONE: Sign("unk", "○", OUTCOME_WORDS[OpOutcome.NOT_DONE]),
}
"""What became of an op of an apply that was stopped halfway."""

_MOVED: Final[Mapping[str, str]] = {
    Direction.IN_SYNC: "in sync",
    Direction.GIT_AHEAD: "changed in git",
    Direction.LIVE_AHEAD: "changed live",
    Direction.DIVERGED: "both sides moved",
    Direction.UNKNOWN: "side not known",
}
_CAME: Final[Mapping[str, Mapping[str, str]]] = {
    "create": {Direction.GIT_AHEAD: "added in git", Direction.LIVE_AHEAD: "was deleted live"},
    "delete": {Direction.GIT_AHEAD: "removed in git", Direction.LIVE_AHEAD: "was added live"},
}


def standing(sync: str, direction: str | None) -> Sign:
    """Where a chatbot stands: which side moved when it is out of sync and that is known, else its sync.

    Args:
        sync: Of the chatbot.
        direction: Of the chatbot; None where it was not written down.
    """
    told = sync == Sync.OUT_OF_SYNC and direction not in (None, Direction.IN_SYNC)
    return SIDE[direction or ""] if told else SYNC[sync]


def moved(action: str, direction: str) -> Sign:
    """Which side moved, in the words that fit what an op does.

    Args:
        action: ``create``, ``update`` or ``delete``.
        direction: Of the op or the field.
    """
    words = _CAME.get(action, {}).get(direction, _MOVED[direction])
    return SIDE[direction]._replace(words=words)
