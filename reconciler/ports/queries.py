"""What the web and the command line read: lists in parts, and counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.records import Apply, Approval, AuditEntry, Chatbot, Plan, Run, SourceRecord, Suspension
from reconciler.domain.status import Direction, Reason, Sync

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, newest first, and the cursor of the next part."""

    items: Sequence[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatbotFilter:
    """Which chatbots to list; everything given must hold.

    Attributes:
        label: ``name=value``, or a name alone.
        q: A part of the id, the name or the path, in any case.
        visible: The sources that the asker may see; None means all, the unmanaged chatbots included.
    """

    sync: Sync | None = None
    direction: Direction | None = None
    reason: Reason | None = None
    label: str | None = None
    source: str | None = None
    tenant: str | None = None
    q: str | None = None
    visible: Collection[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFilter:
    """Which plans to list; everything given must hold.

    Attributes:
        visible: The sources that the asker may see; None means all.
    """

    status: Collection[PlanStatus] | None = None
    tenant: str | None = None
    chatbot: str | None = None
    source: str | None = None
    visible: Collection[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which audit entries to list; everything given must hold.

    Attributes:
        action: What the action begins with.
        after: The ``seq`` after which to look.
    """

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """The fleet at a glance: every sync, direction and open status, zeros included; only the reasons that occur."""

    sync: Mapping[Sync, int]
    direction: Mapping[Direction, int]
    reason: Mapping[Reason, int]
    open_plans: Mapping[PlanStatus, int]


class Queries(Protocol):
    """What the web and the command line read. No transaction of theirs ever blocks a writer.

    A cursor that was not handed out here raises `ValueError`.
    """

    async def chatbots(self, wanted: ChatbotFilter, *, limit: int, cursor: str | None) -> Page[Chatbot]:
        """Chatbots, ordered by tenant and id."""

    async def chatbots_with_id(self, chatbot_id: str) -> Sequence[Chatbot]:
        """The chatbots of this id, one per tenant that has it."""

    async def plans(self, wanted: PlanFilter, *, limit: int, cursor: str | None) -> Page[Plan]: ...
    async def runs(self, sources: Collection[str] | None, *, limit: int, cursor: str | None) -> Page[Run]:
        """Runs of these sources; None means all."""

    async def audit(self, wanted: AuditFilter | None, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Audit entries; None means all."""

    async def applies_of(self, plan_ids: Collection[str]) -> Mapping[str, Apply]:
        """Plan id → its latest apply."""

    async def approvals_of(self, plan_ids: Collection[str]) -> Mapping[str, Sequence[Approval]]: ...
    async def counts(self, visible: Collection[str] | None = None) -> FleetCounts:
        """Chatbots and open plans counted, of these sources only; None means all, the unmanaged included."""

    async def plan(self, plan_id: str) -> Plan | None: ...
    async def run(self, run_id: str) -> Run | None: ...
    async def apply(self, apply_id: str) -> Apply | None: ...
    async def sources(self) -> Sequence[SourceRecord]:
        """Every source, by name."""

    async def suspensions(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not, newest first."""

    async def tokens(self) -> Sequence[Token]:
        """Every token, revoked and expired ones included."""

    async def people(self) -> Sequence[Person]:
        """Everybody who came by a login, by name."""

    async def sessions(self) -> Sequence[Session]:
        """The browsers that are signed in, expired ones included, newest first."""
