"""Badges: the symbol, words and colour of each state."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.domain.entities import RunStatus, SourceState
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.op_outcomes import OpOutcome
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantState
from reconciler.render.requirements_text import OUTCOME_WORDS


class Badge(NamedTuple):
    """A state as it is shown.

    Attributes:
        kind: The class of its colour.
        symbol: Its shape.
        words: What people call it.
    """

    kind: str
    symbol: str
    words: str


SYNC_BADGES: Final[Mapping[str, Badge]] = {
    Sync.SYNCED: Badge("ok", "✓", "in sync"),
    Sync.OUT_OF_SYNC: Badge("wait", "≠", "out of sync"),
    Sync.UNKNOWN: Badge("unk", "?", "unknown"),
}
SIDE_BADGES: Final[Mapping[str, Badge]] = {
    Direction.IN_SYNC: Badge("ok", "✓", "in sync"),
    Direction.GIT_AHEAD: Badge("git", "⎇", "git ahead"),
    Direction.LIVE_AHEAD: Badge("live", "●", "edited live"),
    Direction.DIVERGED: Badge("both", "⇄", "both moved"),
    Direction.UNKNOWN: Badge("unk", "?", "side unknown"),
}
"""Of a chatbot or a plan: which side moved."""

STATUS_BADGES: Final[Mapping[str, Badge]] = {
    PlanStatus.PENDING: Badge("wait", "◷", "waiting for approval"),
    PlanStatus.APPROVED: Badge("git", "☑", "approved"),
    PlanStatus.APPLYING: Badge("live", "▶", "applying"),
    PlanStatus.APPLIED: Badge("ok", "✓", "applied"),
    PlanStatus.APPLIED_NOT_CONVERGED: Badge("both", "≠", "applied, not converged"),
    PlanStatus.PARTIALLY_APPLIED: Badge("both", "◐", "partially applied"),
    PlanStatus.FAILED: Badge("del", "✗", "failed"),
    PlanStatus.OUTCOME_UNKNOWN: Badge("both", "?", "outcome unknown"),
    PlanStatus.REJECTED: Badge("del", "⊘", "rejected"),
    PlanStatus.SUPERSEDED: Badge("unk", "↷", "superseded"),
    PlanStatus.STALE: Badge("both", "↺", "stale"),
    PlanStatus.RESOLVED: Badge("ok", "○", "resolved"),
    PlanStatus.EXPIRED: Badge("unk", "◌", "expired"),
    RunStatus.QUEUED: Badge("wait", "◷", "queued"),
    RunStatus.RUNNING: Badge("live", "▶", "running"),
    RunStatus.SUCCEEDED: Badge("ok", "✓", "succeeded"),
    SourceState.READY: Badge("ok", "✓", "ready"),
    SourceState.SUSPENDED: Badge("both", "‖", "suspended"),
    SourceState.UNKNOWN: Badge("unk", "?", "unknown"),
    TenantState.UNAUTHORIZED: Badge("del", "⊘", "unauthorized"),
    TenantState.UNREACHABLE: Badge("del", "✗", "unreachable"),
    TenantState.MISCONFIGURED: Badge("del", "≠", "misconfigured"),
}
"""Of a plan, an apply, a run, a source or a tenant: the same word means the same on all of them."""

OUTCOME_BADGES: Final[Mapping[str, Badge]] = {
    OpOutcome.DONE: Badge("ok", "✓", OUTCOME_WORDS[OpOutcome.DONE]),
    OpOutcome.FAILED: Badge("del", "✗", OUTCOME_WORDS[OpOutcome.FAILED]),
    OpOutcome.NOT_TRIED: Badge("unk", "○", OUTCOME_WORDS[OpOutcome.NOT_TRIED]),
    OpOutcome.NOT_DONE: Badge("unk", "○", OUTCOME_WORDS[OpOutcome.NOT_DONE]),
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


def sync_badge(sync: str, direction: str | None) -> Badge:
    """The badge of a chatbot: which side moved when it is out of sync and that is known, else its sync.

    Args:
        sync: Of the chatbot.
        direction: Of the chatbot; None where it was not written down.
    """
    shows_side = sync == Sync.OUT_OF_SYNC and direction not in (None, Direction.IN_SYNC)
    return SIDE_BADGES[direction or ""] if shows_side else SYNC_BADGES[sync]


def side_badge(action: str, direction: str) -> Badge:
    """Which side moved, in the words that fit what an op does.

    Args:
        action: ``create``, ``update`` or ``delete``.
        direction: Of the op or the field.
    """
    words = _CAME.get(action, {}).get(direction, _MOVED[direction])
    return SIDE_BADGES[direction]._replace(words=words)


NOTHING_TO_DO: Final = "nothing to do"


def reason_words(reason: Reason) -> str:
    """A reason's code as words; for InSync other words than those of the tile of all that are in sync."""
    if reason is Reason.IN_SYNC:
        return NOTHING_TO_DO
    return "".join(f" {char.lower()}" if char.isupper() else char for char in reason).strip()
