"""The view models that all renderings of a plan share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.plan import Action, Summary
from reconciler.domain.status import Direction
from reconciler.render.values import changes

NOTHING_WRITTEN = "Nothing was written."
MAX_ALIKE = 5
"""So many chatbots of which the same is said are named; JSON names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What would change at one chatbot.

    Attributes:
        chatbot_id: The chatbot.
        name: Its name, where the document states one.
        tenant: The tenant's name.
        path: The document.
        ops: The ops that are not noop, in the API's order.
        noops: How many are.
        prune: Whether the body lets the API delete.
        fingerprint: What an approval is for.
        notes: What it takes to approve it; of a stored plan also who did, and what became of it.
    """

    chatbot_id: str
    name: str | None
    tenant: str
    path: str
    ops: tuple[DirectedOp, ...]
    noops: int
    prune: bool
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> Summary:
        """All ops counted."""
        return Summary.of(directed.op for directed in self.ops)._replace(noop=self.noops)

    @property
    def direction(self) -> Direction:
        """The common direction of the ops."""
        return common(directed.direction for directed in self.ops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """A chatbot whose document could not be dry-run.

    Attributes:
        chatbot_id: The chatbot.
        name: Its name, where the document states one.
        path: The document.
        message: Why, and what to change.
    """

    chatbot_id: str
    name: str | None
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """What would change in a fleet.

    Attributes:
        plans: The chatbots with something to do.
        in_sync: How many have nothing to do.
        missing: Those that WizChat does not know.
        errors: Those that could not be asked.
        refused: What is wrong with the documents that are not planned.
        refused_documents: How many documents that are.
        closing: The last line: what became of it.
    """

    plans: tuple[PlanView, ...] = ()
    in_sync: int = 0
    missing: tuple[Unplanned, ...] = ()
    errors: tuple[Unplanned, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    refused_documents: int = 0
    closing: str = NOTHING_WRITTEN

    @property
    def summary(self) -> Summary:
        """All ops of all chatbots that have something to do, counted."""
        return _total(plan.summary for plan in self.plans)

    @property
    def chatbots(self) -> int:
        """How many chatbots were asked about."""
        return len(self.plans) + self.in_sync + len(self.missing) + len(self.errors)

    @property
    def is_complete(self) -> bool:
        """Whether every document could be dry-run."""
        return not (self.missing or self.errors or self.refused_documents)

    @property
    def shortfall(self) -> str:
        """What is missing from a plan that is not complete; else empty."""
        counts = (
            (len(self.missing), "not found"),
            (self.refused_documents, "document refused" if self.refused_documents == 1 else "documents refused"),
            (len(self.errors), "could not be asked"),
        )
        return ", ".join(f"{count} {words}" for count, words in counts if count)


def _total(summaries: Iterable[Summary]) -> Summary:
    return Summary(*(sum(counts) for counts in zip(Summary(), *summaries, strict=True)))


def headline(fleet: FleetPlan) -> str:
    """The plan in one sentence."""
    rest = ", ".join(part for part in (f"{fleet.in_sync} in sync" if fleet.in_sync else "", fleet.shortfall) if part)
    tail = f"; {rest}." if rest else "."
    if not fleet.plans:
        return f"Plan: {_nothing(fleet)}{tail}"
    create, update, delete, _ = fleet.summary
    acts = ", ".join(
        f"{count} to {verb}" for count, verb in ((create, "create"), (update, "update"), (delete, "delete")) if count
    )
    return f"Plan: {acts} on {len(fleet.plans)} of {_chatbots(fleet.chatbots)}{tail}"


def errors_alike(fleet: FleetPlan) -> Mapping[str, Sequence[Unplanned]]:
    """The chatbots that could not be asked about, by what was said of them: an outage says the same of each."""
    alike: defaultdict[str, list[Unplanned]] = defaultdict(list)
    for failed in fleet.errors:
        alike[failed.message].append(failed)
    return alike


def compared_texts(fleet: FleetPlan) -> int:
    """How many fields of its updates are too long for a line, and are compared word by word."""
    updates = (op.op for plan in fleet.plans for op in plan.ops if op.op.action in _COMPARED)
    return sum(not change.is_short for op in updates for change in changes(op))


def _nothing(fleet: FleetPlan) -> str:
    """That nothing is to be changed, of no more chatbots than were compared."""
    if fleet.is_complete:
        return f"nothing to change on {_chatbots(fleet.in_sync)}"
    if not fleet.in_sync:
        return "nothing could be compared"
    return f"nothing to change on {fleet.in_sync} of {_chatbots(fleet.chatbots)}"


def _chatbots(count: int) -> str:
    return "1 chatbot" if count == 1 else f"{count} chatbots"


_COMPARED = (Action.UPDATE, Action.NOOP)
SIDES = {
    Direction.GIT_AHEAD: "git",
    Direction.LIVE_AHEAD: "live",
    Direction.DIVERGED: "both",
    Direction.IN_SYNC: "",
    Direction.UNKNOWN: "",
}
"""Which side moved, in a word; nothing where it is not known."""
IRREVERSIBLE = "its credentials are not in git: deleting it cannot be undone"
