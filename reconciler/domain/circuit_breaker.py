"""The circuit breaker of a fleet: how many of a source's chatbots may change without a person (guarantee 6).

What git changed is counted by revision: every plan of it counts, applied or not, so that a revision cannot pass the
limits in portions. What was edited live has no revision: the open plans that would undo it are counted together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.domain.policy import Policy
from reconciler.domain.status import Direction

FEW = 3
"""So many chatbots may always change: a share of a small source says nothing."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What a plan has at stake, as far as the brake counts it.

    Attributes:
        revision: Where its document last changed.
        losses: How much it takes away.
        is_open: Whether it waits for a decision, or is in an apply.
    """

    chatbot_id: str
    revision: str
    direction: Direction
    losses: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many chatbots a source has.

    Attributes:
        chatbots: Those that its documents claim.
        uncompared: Those of one revision that no dry run has seen since: nobody knows yet what it does to them.
    """

    chatbots: int
    uncompared: int = 0


def concerning(stakes: Iterable[Stake], revision: str, direction: Direction) -> Sequence[Stake]:
    """The plans that count together with a plan of this revision and direction."""
    if direction is Direction.LIVE_AHEAD:
        return [stake for stake in stakes if stake.is_open and stake.direction is Direction.LIVE_AHEAD]
    return [stake for stake in stakes if stake.revision == revision and stake.direction is not Direction.LIVE_AHEAD]


def breaker_reason(stakes: Sequence[Stake], fleet: Fleet, policy: Policy, place: str) -> str | None:
    """Why nothing of these plans is applied without a person, or None.

    Args:
        stakes: The plans that count together; one that is resolved by itself is not among them.
        fleet: The source's chatbots; those that are uncompared count as if they would lose something.
        policy: The limits.
        place: What the plans have in common, for the message.

    Returns:
        One clause: the setting, its value, where; after a colon the count.
    """
    losing = len({stake.chatbot_id for stake in stakes if stake.losses}) + fleet.uncompared
    changing = len({stake.chatbot_id for stake in stakes}) + fleet.uncompared
    unseen = f", {fleet.uncompared} of them not compared yet" if fleet.uncompared else ""
    if losing > policy.fleet_max_deletes:
        limit = f"policy.fleet_max_deletes = {policy.fleet_max_deletes}"
        return f"{limit} {place}: its plans take something away from {_chatbots(losing)}{unseen}"
    if changing > FEW and changing > policy.fleet_max_share * fleet.chatbots:
        limit = f"policy.fleet_max_share = {policy.fleet_max_share}"
        return f"{limit} {place}: its plans change {changing} of {_chatbots(fleet.chatbots)}{unseen}"
    return None


def place_of(revision: str, direction: Direction) -> str:
    """What the plans that count together have in common, in words."""
    return "for live edits" if direction is Direction.LIVE_AHEAD else f"at revision {revision[:12]}"


def cause_of(text: str) -> str:
    """Which limit is exceeded where, without the count, which grows while plans come in."""
    return text.partition(":")[0]


def _chatbots(count: int) -> str:
    return "1 chatbot" if count == 1 else f"{count} chatbots"
