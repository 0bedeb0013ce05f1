"""What is to be compared with the live side."""

from dataclasses import dataclass

from reconciler.domain.entities import Claim


@dataclass(frozen=True, slots=True)
class Comparison:
    """A document that is to be dry-run on its chatbot.

    Attributes:
        document: A good one, with a body.
        epoch: The chatbot's epoch when this was read: a dry run of an older one is discarded.
    """

    document: Claim
    epoch: int
