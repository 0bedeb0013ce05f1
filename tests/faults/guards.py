"""Whether a service acted without its lease: a lost guard, also where no harm came of it.

Every rule compares moments that cannot be later than what they stand for: the beginning of a transaction, the end of a
standstill. However slow the machine is, a service that keeps its guards is never objected to.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.history import Standstill
from tests.faults.ledger import Change
from tests.faults.order import APPLY_DEADLINE


@dataclass(slots=True)
class _Taken:
    """A lease as it was taken once.

    Attributes:
        works_since: When its taker wrote something else: by then the take was committed. None as long as nothing came.
    """

    service: str
    fence: int
    transaction: int
    ends: float
    works_since: float | None = None


def unfenced_changes(changes: Iterable[Change]) -> Iterator[str]:
    """Every state, intent and end of an apply that was written without the chatbot's lease."""
    taken: dict[str, list[_Taken]] = defaultdict(list)
    for change in changes:
        for lease in (lease for leases in taken.values() for lease in leases):
            if (lease.service, lease.works_since) == (change.service, None) and lease.transaction != change.transaction:
                lease.works_since = change.at
        of_chatbot = taken[change.chatbot]
        if change.relation == "leases":
            _note_lease(of_chatbot, change)
        elif change.moves_apply and (why := _why_unfenced(of_chatbot, change)):
            status = change.after["status"]
            yield f"{change.service} wrote {status} to apply {change.after['id']} {why}"


def _note_lease(leases: list[_Taken], change: Change) -> None:
    fence = int(change.after["fence"])
    same = next((lease for lease in leases if lease.fence == fence), None)
    if same is None:
        leases.append(_Taken(change.service, fence, change.transaction, change.lease_ends))
    else:
        same.ends = change.lease_ends


def _why_unfenced(leases: Sequence[_Taken], change: Change) -> str | None:
    mine = next((lease for lease in reversed(leases) if lease.service == change.service), None)
    if mine is None:
        return "without ever having taken the lease"
    for lease in leases:
        if lease.fence > mine.fence and lease.works_since is not None and lease.works_since < change.began:
            return f"after {lease.service} had taken its lease over"
    return "after its lease had run out" if mine.ends < change.began else None


def overlong_requests(
    changes: Sequence[Change], standstills: Iterable[Standstill], arrived: Iterable[tuple[str, float]]
) -> Iterator[str]:
    """Every request that its sender had too little of the lease left for when it went on after a standstill.

    Args:
        changes: What was written, in order.
        standstills: Who stood still, and where.
        arrived: Chatbot and time of each request that would write.
    """
    stood = tuple(standstills)
    for chatbot, at in arrived:
        written = [change for change in changes if change.chatbot == chatbot and change.at <= at]
        sender = next((change.service for change in reversed(written) if _is_intent(change)), None)
        for standstill in stood:
            if standstill.service != sender or standstill.ended > at:
                continue
            needed = 0.0 if standstill.begun else APPLY_DEADLINE.total_seconds()
            left = _lease_end(written, sender) - standstill.ended
            if left < needed:
                yield f"{sender} sent a request to {chatbot} with {left:.1f} s of its lease left, and not {needed:.1f}"


def _is_intent(change: Change) -> bool:
    before: Mapping[str, object] = change.before or {}
    return change.moves_apply and before["intent_at"] != change.after["intent_at"]


def _lease_end(changes: Sequence[Change], service: str) -> float:
    """Until when the service's newest lease ran; giving it back is no end of what it was taken for."""
    return max(
        (
            change.lease_ends
            for change in changes
            if change.relation == "leases" and change.service == service and change.lease_ends > change.at
        ),
        default=0.0,
    )
