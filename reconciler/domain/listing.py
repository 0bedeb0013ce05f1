"""Filters, orders, pages and counts of lists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from reconciler.domain.entities import Run, SourceRecord
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.suspensions import Suspension
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRecords:
    """What the overview of the fleet is made of, read at one moment.

    Attributes:
        counts: Of the chatbots and open plans that may be seen.
        sources: Every source, by name.
        tenants: The tenants that were asked anything, by name.
        suspensions: Those that have not ended, expired or not, newest first.
        runs: Id → run, of the sources' last runs.
    """

    counts: FleetCounts
    sources: Sequence[SourceRecord]
    tenants: Sequence[TenantRecord]
    suspensions: Sequence[Suspension]
    runs: Mapping[str, Run]
