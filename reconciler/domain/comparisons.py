"""Which chatbots are compared with the live side and why, and the digest of a dry run's result."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reconciler.domain.canonical import EncodedBody, compact_text, digest
from reconciler.domain.clock_tolerance import TOLERANCE
from reconciler.domain.entities import Claim
from reconciler.domain.plan import Op
from reconciler.domain.status import CheckedBy, Direction

RESOLUTION: Final = timedelta(seconds=1)
"""Moments in a list without a part of a second may stand for any time in that second."""


class Scope(StrEnum):
    """Which chatbots of a source are compared.

    Attributes:
        PENDING: Those that were not compared as their documents are.
        MOVED: These, and those that WizChat's list does not say to be unchanged.
        ALL: Every chatbot.
    """

    PENDING = "pending"
    MOVED = "moved"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """How the chatbots of a source were last compared.

    Attributes:
        by: For which reason → how many; those that could not be compared are left out.
        oldest_at: When the one was compared that waits longest; None while there is none.
    """

    by: Mapping[CheckedBy, int] = field(default_factory=dict)
    oldest_at: datetime | None = None

    @property
    def total(self) -> int:
        """How many chatbots were compared."""
        return sum(self.by.values())


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What is stored of a chatbot's last dry run.

    Attributes:
        digest: As `result_digest` makes it; None while nothing is.
        version: The version of the chatbot's row that it was written with: in another one, something else changed it.
        answer: What it was answered, as `answer_digest` makes it; None while that is not known.
    """

    digest: str | None
    version: int | None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A document that is to be dry-run on its chatbot.

    Attributes:
        document: A good one, with a body.
        body: Its body as it is sent.
        epoch: The chatbot's epoch when this was read: a dry run of an older one is discarded.
        version: The version of the chatbot's row, likewise.
        checked_by: Why.
        listed: What WizChat's list said last as the chatbot's `updatedAt`; None where it says nothing.
        is_unmoved: Whether that is what it said when this document was last compared with the chatbot.
        result: What that comparison gave.
    """

    document: Claim
    body: EncodedBody
    epoch: int
    version: int
    checked_by: CheckedBy
    listed: datetime | None = None
    is_unmoved: bool = False
    result: StoredResult = StoredResult(None, None)

    def is_ambiguous(self, listed_at: datetime) -> bool:
        """Whether another edit may come with the same `updatedAt`, within the second in which the list was read."""
        if self.listed is None or self.is_unmoved or self.listed.microsecond:
            return False
        return abs(listed_at - self.listed) <= TOLERANCE

    def last_gave(self, digest: str) -> bool:
        """Whether the last dry run gave this, and nothing else changed the chatbot since."""
        return self.result.digest == digest and self.result.version == self.version

    def gave_by_answer(self, answer: str) -> str | None:
        """What the last dry run gave, where it was answered this, and nothing else changed the chatbot since."""
        return self.result.digest if self.result.answer == answer and self.result.version == self.version else None


RESULT_SCHEME: Final = 1
"""Bump when something else follows from the same dry run: then every chatbot is looked at as if it were new."""


def result_digest(policy: str, document_digest: str | None, ops: Sequence[Op]) -> str:
    """What a dry run gave, and what else its consequences depend on, as a digest.

    Args:
        policy: The digest of the policy, by which plans need more or less.
        document_digest: That of the document.
        ops: Every op, noops included.
    """
    op_values = [(op.section, op.action, op.key, op.before, op.after, op.changed_fields) for op in ops]
    return digest([RESULT_SCHEME, policy, document_digest, op_values])


def answer_digest(program: str, policy: str, document_digest: str | None, answer: bytes) -> str:
    """What a dry run was answered, and what else its result depends on, as a digest.

    Of equal ones the results are equal, without a look at the second answer. It says nothing of when that was, and a
    result that is kept holds until something changes its chatbot's row: as one that was found to be equal op by op.

    Args:
        program: The version of the program, which goes through answers in its own way.
        policy: The digest of the policy, as for `result_digest`.
        document_digest: That of the document.
        answer: As it came.
    """
    inputs = compact_text([RESULT_SCHEME, program, policy, document_digest]).encode()
    return hashlib.sha256(inputs + b"\n" + answer).hexdigest()


def is_unexplained(before: str | None, after: str | None, direction: Direction) -> bool:
    """Whether a chatbot shows that somebody edited it, when neither its document nor its `updatedAt` changed.

    Args:
        before: The fingerprint of what was known to differ; None where nothing did.
        after: That of what differs now, likewise.
        direction: The side that moved, by the baseline.
    """
    if before is None and after is not None:
        return direction in {Direction.LIVE_AHEAD, Direction.DIVERGED}
    return before != after


FEWEST_OF_A_RELEASE: Final = 10
SHARE_OF_A_RELEASE: Final = 0.8


def is_release(unexplained: int, compared: int) -> bool:
    """Whether WizChat itself changed, and not chatbots: then nearly all of them differ from before, at once.

    Such as a release that fills in another default: no edit was missed, and `updatedAt` is as good as before.

    Args:
        unexplained: How many chatbots differ from before though nothing says that they changed.
        compared: How many were compared of which nothing says that they changed.
    """
    return unexplained >= max(FEWEST_OF_A_RELEASE, SHARE_OF_A_RELEASE * compared)
