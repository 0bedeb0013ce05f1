"""What the engine needs of the world, as Protocols. Adapters implement them; so do the fakes of the tests."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from reconciler.domain.direction import Baseline
from reconciler.domain.document import ParsedFile, Snapshot
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.outcome import Answer
from reconciler.domain.plan import Op
from reconciler.domain.records import (
    Apply,
    Approval,
    AuditEntry,
    Chatbot,
    GoodDocument,
    Lease,
    Plan,
    Run,
    ScopeKind,
    SourceRecord,
    Suspension,
    Token,
)
from reconciler.domain.status import Direction, Reason, Sync

T = TypeVar("T")

# --- time and identity ------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only way to learn the time, or to wait."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware UTC: for rows and for people."""

    def monotonic(self) -> float:
        """Seconds that never jump: for deadlines and durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


# --- git --------------------------------------------------------------------------------------------------------


class ParseCache(Protocol):
    """Keeps what files said, so that an unchanged file is never parsed twice."""

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        """What is known of files given as path → blob id; paths that are not known are left out."""

    async def keep(self, files: Sequence[ParsedFile], *, drop: Iterable[str] = ()) -> None:
        """Remember files, replacing older knowledge of the same paths, and forget the paths in ``drop``."""


class Source(Protocol):
    """One branch of one repository."""

    async def head(self) -> str:
        """The branch's commit id at the remote, by one ``ls-remote``.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        """Everything the source says at a revision, fetching it when it is not here.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def descends(self, revision: str, ancestor: str) -> bool:
        """Whether the ancestor is in the revision's history; false when it is no longer known here.

        Raises:
            SourceUnreadable: When git itself fails.
        """


# --- WizChat ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LiveChatbot:
    """A line of WizChat's list."""

    id: str
    name: str | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a tenant's call budget is left.

    Attributes:
        requests_per_minute: What the tenant may use.
        daily_budget: Calls a day, or None when not limited here.
        used_today: Calls made since midnight UTC, or since the start if that was later.
        blocked_until: When WizChat will listen again, while it does not.
    """

    requests_per_minute: int
    daily_budget: int | None
    used_today: int
    blocked_until: datetime | None


class Target(Protocol):
    """One tenant's side of WizChat, through its read key. Every call goes through the tenant's budget.

    Each method raises a `TargetError` that says what to change.
    """

    def budget(self) -> Budget:
        """What is left."""

    async def chatbots(self) -> Sequence[LiveChatbot]:
        """Every chatbot that the key may see."""

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        """Every op that an apply of the body would do now, noops included, in the API's order.

        Values hold only contract fields that are not server-owned.
        """

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        """The live configuration as a document body without server-owned fields."""


class Writer(Protocol):
    """One tenant's side of WizChat, through its write key. Only the apply path ever holds one."""

    async def apply(self, chatbot_id: str, body: bytes) -> Answer:
        """Send these bytes once, on a connection of their own, within the deadline; never raises `TargetError`."""


# --- the database -----------------------------------------------------------------------------------------------


class SourceRepository(Protocol):
    """Sources by name."""

    async def get(self, name: str) -> SourceRecord | None: ...
    async def all(self) -> Sequence[SourceRecord]: ...
    async def add(self, record: SourceRecord) -> None: ...
    async def save(self, record: SourceRecord) -> SourceRecord: ...


class RunRepository(Protocol):
    """Runs by id."""

    async def get(self, run_id: str) -> Run | None: ...
    async def add(self, record: Run) -> None: ...
    async def save(self, record: Run) -> Run: ...
    async def queued(self, source: str) -> Run | None:
        """The run of a source that waits to start; there is at most one."""

    async def running(self) -> Sequence[Run]:
        """Every run that is marked Running."""


class DocumentRepository(Protocol):
    """The claims of each source at its last good revision."""

    async def get(self, source: str, chatbot_id: str) -> GoodDocument | None: ...
    async def of_source(self, source: str) -> Sequence[GoodDocument]: ...
    async def replace(self, source: str, documents: Sequence[GoodDocument]) -> None: ...
    async def claims(self, tenant: str) -> Mapping[str, Sequence[GoodDocument]]:
        """Chatbot id → its claims, for the chatbots that more than one source of the tenant claims."""


class ChatbotRepository(Protocol):
    """Chatbots by tenant and id."""

    async def get(self, tenant: str, chatbot_id: str) -> Chatbot | None: ...
    async def of_tenant(self, tenant: str) -> Sequence[Chatbot]: ...
    async def of_source(self, source: str) -> Sequence[Chatbot]: ...
    async def in_scope(self, kind: ScopeKind, subject: str) -> Sequence[Chatbot]:
        """The chatbots that a suspension of this scope covers."""

    async def add(self, record: Chatbot) -> None: ...
    async def save(self, record: Chatbot) -> Chatbot: ...
    async def remove(self, record: Chatbot) -> None: ...


class BaselineRepository(Protocol):
    """What both sides of a chatbot last agreed on."""

    async def get(self, tenant: str, chatbot_id: str) -> Baseline: ...
    async def put(self, tenant: str, chatbot_id: str, baseline: Baseline) -> None: ...


class PlanRepository(Protocol):
    """Plans by id. The database itself refuses a second open plan for one chatbot."""

    async def get(self, plan_id: str) -> Plan | None: ...
    async def add(self, record: Plan) -> None: ...
    async def save(self, record: Plan) -> Plan: ...
    async def undecided_before(self, moment: datetime) -> Sequence[Plan]:
        """Pending and Approved plans without an apply whose ``expires_at`` is not after the moment."""


class ApprovalRepository(Protocol):
    """Approvals by plan."""

    async def of_plan(self, plan_id: str) -> Sequence[Approval]: ...
    async def add(self, record: Approval) -> None: ...
    async def save(self, record: Approval) -> Approval: ...


class ApplyRepository(Protocol):
    """Applies by id."""

    async def get(self, apply_id: str) -> Apply | None: ...
    async def add(self, record: Apply) -> None: ...
    async def save(self, record: Apply) -> Apply: ...
    async def unfinished(self) -> Sequence[Apply]:
        """Queued, Applying and OutcomeUnknown, oldest first."""


class SuspensionRepository(Protocol):
    """Suspensions."""

    async def active(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not."""

    async def add(self, record: Suspension) -> None: ...
    async def save(self, record: Suspension) -> Suspension: ...


class AuditRepository(Protocol):
    """The audit log: append-only, gapless, hash-chained."""

    async def append(
        self,
        *,
        at: datetime,
        actor: str,
        action: str,
        subject: str,
        fingerprint: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> AuditEntry: ...

    def entries(self, *, after: int = 0) -> AsyncIterator[AuditEntry]:
        """Every entry with a higher ``seq``, in order."""


class TokenRepository(Protocol):
    """Bearer tokens."""

    async def all(self) -> Sequence[Token]: ...
    async def get(self, token_id: str) -> Token | None: ...
    async def add(self, record: Token) -> None: ...
    async def save(self, record: Token) -> Token: ...


class LeaseRepository(Protocol):
    """The right to work on a chatbot."""

    async def take(self, tenant: str, chatbot_id: str, holder: str, ttl: timedelta) -> Lease | None:
        """A lease with a higher fence than any before, or None while another holder's still runs."""

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """The lease with a new end, or None when it was lost."""

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still the newest and has not run out."""

    async def live(self, tenant: str, chatbot_id: str) -> Lease | None:
        """The lease that runs now, whoever holds it."""

    async def drop(self, lease: Lease) -> None: ...
    async def void_all(self) -> None:
        """End every lease: for the start of the only process."""


class UnitOfWork(Protocol):
    """One transaction. It is committed when its block ends well, and rolled back when it does not.

    `save` compares and sets `version`, returns the record as it now is, and raises `Conflict("concurrent_change")`
    when somebody else was faster.
    """

    @property
    def sources(self) -> SourceRepository: ...
    @property
    def runs(self) -> RunRepository: ...
    @property
    def documents(self) -> DocumentRepository: ...
    @property
    def chatbots(self) -> ChatbotRepository: ...
    @property
    def baselines(self) -> BaselineRepository: ...
    @property
    def plans(self) -> PlanRepository: ...
    @property
    def approvals(self) -> ApprovalRepository: ...
    @property
    def applies(self) -> ApplyRepository: ...
    @property
    def suspensions(self) -> SuspensionRepository: ...
    @property
    def audit(self) -> AuditRepository: ...
    @property
    def tokens(self) -> TokenRepository: ...
    @property
    def leases(self) -> LeaseRepository: ...

    async def now(self) -> datetime:
        """The database's clock: what leases, settling and expiry are counted by."""


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

    async def audit(self, subject: str | None, *, limit: int, cursor: str | None) -> Page[AuditEntry]: ...
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


class Store(Protocol):
    """The database. It is the truth; everything else can be rebuilt from it and from git."""

    @property
    def generation(self) -> str:
        """Changes whenever anything that a list shows, or a token, has changed, and at every start.

        It changes after the commit, never before: whoever reads it first and the rows afterwards has rows that are
        at least as new.
        """

    @property
    def queries(self) -> Queries:
        """The reading side."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A writing transaction. Never begin one within another: it would wait for itself."""

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A reading transaction over one moment: it blocks nobody, and refuses to write."""

    def parse_cache(self, source: str) -> ParseCache:
        """The cache of a source's parsed files."""


# --- work -------------------------------------------------------------------------------------------------------


class JobKind(StrEnum):
    """What a job looks at."""

    REFRESH = "refresh"
    APPLY = "apply"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Job:
    """“Look at this”: it may run twice or not at all without harm, because truth and leases are rows."""

    kind: JobKind
    subject: str = ""


class Dispatcher(Protocol):
    """Runs jobs, each at most once at a time."""

    def submit(self, job: Job) -> None:
        """Have a job run soon. Submitted while it waits, it is the same job; while it runs, it runs once more."""
