"""What the web and the command line read: lists in parts, and counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.entities import Apply, Approval, AuditEntry, Chatbot, Plan, Run, SourceRecord, Suspension
from reconciler.domain.history import Point, Transition
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantRecord

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
        reason: The chatbot's own; Suspended finds what a suspension stops, whatever its reason is.
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


class ChatbotOrder(StrEnum):
    """By what chatbots are listed; what is alike comes by tenant and id.

    Attributes:
        ID: By tenant and id.
        NAME: By name, or the id of one without, in any case.
        STATE: What asks for attention first: OutOfSync, Unknown, Synced, and in each the direction.
        DRIFTED: What is OutOfSync for longest first. What is not OutOfSync comes last, also when descending.
    """

    ID = "id"
    NAME = "name"
    STATE = "state"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFilter:
    """Which plans to list; everything given must hold.

    Attributes:
        change: What the plans do, as in `Plan.change`.
        visible: The sources that the asker may see; None means all.
    """

    status: Collection[PlanStatus] | None = None
    tenant: str | None = None
    chatbot: str | None = None
    source: str | None = None
    change: str | None = None
    visible: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """Pending plans that do the same to several chatbots.

    Attributes:
        change: As in `Plan.change`; `PlanFilter.change` lists all of them.
        count: How many they are.
        plan_ids: The ids of the newest few.
    """

    change: str
    count: int
    plan_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which audit entries to list; everything given must hold.

    Attributes:
        subject: What the entry is about or names, such as ``chatbot/ID``; a chatbot's plans and applies are meant, too.
        actor: Who; as a subject ``person/NAME`` however the name is written.
        action: What the action begins with.
        after: The ``seq`` after which to look.
    """

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """The fleet at a glance: every sync, direction and open status, zeros included; only the reasons that occur.

    A suspended chatbot is counted at its reason, and at Suspended.
    """

    sync: Mapping[Sync, int]
    direction: Mapping[Direction, int]
    reason: Mapping[Reason, int]
    open_plans: Mapping[PlanStatus, int]


class Queries(Protocol):
    """What the web and the command line read. No transaction of theirs ever blocks a writer.

    A cursor that was not handed out here raises `ValueError`.
    """

    async def chatbots(
        self,
        wanted: ChatbotFilter,
        *,
        limit: int,
        cursor: str | None,
        order: ChatbotOrder = ChatbotOrder.ID,
        descending: bool = False,
    ) -> Page[Chatbot]:
        """Chatbots; a cursor holds for the order and the direction that it was handed out for."""

    async def chatbots_with(self, ids: Collection[str]) -> Sequence[Chatbot]:
        """The chatbots of these ids, one per tenant that has it, by id and tenant."""

    async def oldest_drift(self, visible: Collection[str] | None = None) -> Chatbot | None:
        """The chatbot of these sources that is OutOfSync for longest; None while none is."""

    async def transitions_of(self, tenant: str, chatbot_id: str, *, limit: int) -> Sequence[Transition]:
        """The last transitions of a chatbot, newest first."""

    async def audit_begins(self) -> datetime | None:
        """When the first audit entry was made that is kept: before it, nothing was looked at. None without any."""

    async def out_of_sync_curve(
        self, visible: Collection[str] | None, *, since: datetime, until: datetime, buckets: int
    ) -> Sequence[Point]:
        """How many chatbots of these sources were OutOfSync, at the edges of buckets of time and at most within them.

        Those with a document that were Unknown are counted beside them; see `domain.history.curve`.

        It is right as far back as the history is kept.
        """

    async def plans(self, wanted: PlanFilter, *, limit: int, cursor: str | None) -> Page[Plan]: ...
    async def plan_groups(self, visible: Collection[str] | None = None, *, limit: int = 100) -> Sequence[PlanGroup]:
        """Changes that at least two Pending plans of these sources make, the most frequent first."""

    async def runs(self, sources: Collection[str] | None, *, limit: int, cursor: str | None) -> Page[Run]:
        """Runs of these sources; None means all."""

    async def audit(self, wanted: AuditFilter | None, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Audit entries; None means all."""

    async def applies_of(self, plan_ids: Collection[str]) -> Mapping[str, Apply]:
        """Plan id → its latest apply."""

    async def approvals_of(self, plan_ids: Collection[str]) -> Mapping[str, Sequence[Approval]]: ...
    async def counts(self, visible: Collection[str] | None = None) -> FleetCounts:
        """Chatbots and open plans counted, of these sources only; None means all, the unmanaged included."""

    async def waiting(self, visible: Collection[str] | None = None) -> int:
        """How many plans of these sources wait for approval."""

    async def runs_with(self, ids: Collection[str]) -> Mapping[str, Run]:
        """Id → the run; those that are not kept any more are left out."""

    async def applies_with(self, ids: Collection[str]) -> Mapping[str, Apply]:
        """Id → the apply; those that are not kept any more are left out."""

    async def plan(self, plan_id: str) -> Plan | None: ...
    async def plan_after(self, plan: Plan, visible: Collection[str] | None = None) -> Plan | None:
        """The chatbot's plan that came directly after this one, of these sources; None when there is none."""

    async def run(self, run_id: str) -> Run | None: ...
    async def apply(self, apply_id: str) -> Apply | None: ...
    async def sources(self) -> Sequence[SourceRecord]:
        """Every source, by name."""

    async def tenants(self) -> Sequence[TenantRecord]:
        """The tenants that were asked anything, by name."""

    async def suspensions_with(self, ids: Collection[str]) -> Mapping[str, Suspension]:
        """Id → the suspension; those that are not kept any more are left out."""

    async def suspensions(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not, newest first."""

    async def tokens(self) -> Sequence[Token]:
        """Every token, revoked and expired ones included."""

    async def people(self) -> Sequence[Person]:
        """Everybody who came by a login, by name."""

    async def sessions(self) -> Sequence[Session]:
        """The browsers that are signed in, expired ones included, newest first."""
