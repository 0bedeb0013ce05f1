"""Describes what a plan needs before it is applied, and the outcome of its ops."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.domain.op_outcomes import OpOutcome
from reconciler.domain.policy import ProtectedItem, Requirements

OUTCOME_WORDS: Final[Mapping[OpOutcome, str]] = {
    OpOutcome.DONE: "done",
    OpOutcome.FAILED: "failed here",
    OpOutcome.NOT_TRIED: "not tried",
    OpOutcome.NOT_DONE: "not done",
}


def requirements_text(required: Requirements, protected: Iterable[ProtectedItem]) -> Iterator[str]:
    """What an approval of a plan needs, and what prevents it: a clause each.

    Args:
        required: What it takes.
        protected: What of the plan the policy protects.
    """
    yield "needs 1 approval" if required.approvals == 1 else f"needs {required.approvals} approvals"
    if required.delete_override is not None:
        yield f"needs overrides.deletes with a reason, because {required.delete_override}"
    for item in protected:
        yield f"cannot be approved: policy.protected covers {item}"
