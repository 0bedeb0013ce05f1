"""The states of a plan and of an apply, and the moves allowed: the only place that knows them."""

from collections.abc import Mapping
from enum import StrEnum


class PlanStatus(StrEnum):
    """The status of a plan."""

    PENDING = "Pending"
    APPROVED = "Approved"
    APPLYING = "Applying"
    APPLIED = "Applied"
    PARTIALLY_APPLIED = "PartiallyApplied"
    FAILED = "Failed"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    APPLIED_NOT_CONVERGED = "AppliedNotConverged"
    REJECTED = "Rejected"
    SUPERSEDED = "Superseded"
    STALE = "Stale"
    RESOLVED = "Resolved"
    EXPIRED = "Expired"


class ApplyStatus(StrEnum):
    """The status of an apply."""

    QUEUED = "Queued"
    APPLYING = "Applying"
    APPLIED = "Applied"
    PARTIALLY_APPLIED = "PartiallyApplied"
    FAILED = "Failed"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    APPLIED_NOT_CONVERGED = "AppliedNotConverged"
    STALE = "Stale"


_CLOSED_WITHOUT_APPLY = frozenset(
    {PlanStatus.REJECTED, PlanStatus.SUPERSEDED, PlanStatus.STALE, PlanStatus.RESOLVED, PlanStatus.EXPIRED}
)
_OUTCOMES = frozenset(
    {PlanStatus.APPLIED, PlanStatus.PARTIALLY_APPLIED, PlanStatus.FAILED, PlanStatus.APPLIED_NOT_CONVERGED}
)

MOVES: Mapping[PlanStatus, frozenset[PlanStatus]] = {
    PlanStatus.PENDING: _CLOSED_WITHOUT_APPLY | {PlanStatus.APPROVED},
    # back to Pending when an approval is no longer valid: revoked, expired, or its person lost the role
    PlanStatus.APPROVED: _CLOSED_WITHOUT_APPLY | {PlanStatus.PENDING, PlanStatus.APPLYING},
    PlanStatus.APPLYING: _OUTCOMES | {PlanStatus.OUTCOME_UNKNOWN},
    PlanStatus.OUTCOME_UNKNOWN: _OUTCOMES,
    **{closed: frozenset() for closed in _CLOSED_WITHOUT_APPLY | _OUTCOMES},
}

OPEN = frozenset(status for status, moves in MOVES.items() if moves)
"""A chatbot has at most one open plan."""

DECIDABLE = frozenset({PlanStatus.PENDING, PlanStatus.APPROVED})
"""A plan that nothing has been sent for."""

APPLY_ENDED = frozenset(ApplyStatus) - {ApplyStatus.QUEUED, ApplyStatus.APPLYING, ApplyStatus.OUTCOME_UNKNOWN}


class IllegalMoveError(Exception):
    """A move that the lifecycle does not know: a defect of this program, never of its user."""


def check_move(current: PlanStatus, to: PlanStatus) -> None:
    """Refuse a move that is not allowed.

    Raises:
        IllegalMoveError: When it is not.
    """
    if to not in MOVES[current]:
        raise IllegalMoveError(f"a plan cannot go from {current} to {to}")
