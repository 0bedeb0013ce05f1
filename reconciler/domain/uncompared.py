"""The chatbots that a run could not compare, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.domain.status import Reason

MAX_NAMED: Final = 100
"""So many a run names: where WizChat cannot be asked there may be very many, at every run."""


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A chatbot whose document could not be compared with the live side.

    Attributes:
        path: Of its document.
        reason: The fault that the chatbot showed from then on.
        message: What went wrong and what to do.
    """

    chatbot_id: str
    path: str
    reason: Reason
    message: str


def named_uncompared(every: Iterable[Uncompared]) -> tuple[Uncompared, ...]:
    """Those that a run names; `Counts.uncompared` counts all of them."""
    return tuple(sorted(every, key=lambda item: item.chatbot_id)[:MAX_NAMED])
