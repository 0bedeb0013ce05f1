"""What one transaction reads and writes, a repository for each kind of record."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.audit_verify import Unreadable
from reconciler.domain.circuit_breaker import Fleet, Stake
from reconciler.domain.direction import Baseline
from reconciler.domain.entities import (
    Apply,
    Approval,
    AuditEntry,
    Chatbot,
    Claim,
    Lease,
    Plan,
    Run,
    ScopeKind,
    SourceRecord,
    Suspension,
    Switch,
)
from reconciler.domain.tenant import TenantRecord


class SourceRepository(Protocol):
    """Sources by name."""

    async def get(self, name: str) -> SourceRecord | None: ...
    async def all(self) -> Sequence[SourceRecord]: ...
    async def add(self, record: SourceRecord) -> None: ...
    async def save(self, record: SourceRecord) -> SourceRecord: ...
    async def remove(self, record: SourceRecord) -> None:
        """Remove a source, and what was parsed of its files."""

    async def rename(self, names: Mapping[str, str]) -> None:
        """Have sources, and whatever is kept of them but tokens and the audit log, go by other names.

        Args:
            names: Old name → new name; names may be swapped.
        """


class TenantRepository(Protocol):
    """Tenants by name, those that were asked anything."""

    async def get(self, name: str) -> TenantRecord | None: ...
    async def all(self) -> Sequence[TenantRecord]: ...
    async def add(self, record: TenantRecord) -> None: ...
    async def save(self, record: TenantRecord) -> TenantRecord: ...
    async def remove(self, record: TenantRecord) -> None: ...


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

    async def get(self, source: str, chatbot_id: str) -> Claim | None: ...
    async def of_source(self, source: str) -> Sequence[Claim]: ...
    async def replace(self, source: str, documents: Sequence[Claim]) -> None: ...
    async def unfollowed(self, source: str) -> Sequence[Claim]:
        """The claims of a source that their chatbot does not show.

        It follows another source, or none, or is held up by a fault of documents that this document does not have.
        """

    async def held_elsewhere(self, source: str) -> Sequence[Claim]:
        """What other sources state of the chatbots that follow them, where this source claims those, too."""

    async def fleet(self, source: str, revision: str) -> Fleet:
        """How many chatbots the source has, and how many changed at a revision that no dry run has seen since."""


class ChatbotRepository(Protocol):
    """Chatbots by tenant and id."""

    async def get(self, tenant: str, chatbot_id: str) -> Chatbot | None: ...
    async def some(self, tenant: str, chatbot_ids: Collection[str]) -> Mapping[str, Chatbot]:
        """Those of these chatbots that there are, by id."""

    async def of_tenant(self, tenant: str) -> Sequence[Chatbot]: ...
    async def of_source(self, source: str) -> Sequence[Chatbot]: ...
    async def in_scope(self, kind: ScopeKind, subject: str) -> Sequence[Chatbot]:
        """The chatbots that a suspension of this scope covers."""

    async def add(self, record: Chatbot) -> None: ...
    async def save(self, record: Chatbot) -> Chatbot: ...
    async def save_all(self, records: Sequence[Chatbot]) -> None:
        """As `save` for each of them, at the price of about one."""

    async def remove(self, record: Chatbot) -> None: ...


class HistoryRepository(Protocol):
    """The transitions of chatbots. They are written when the transaction ends, for every chatbot that it changed."""

    def because(self, cause: str) -> None:
        """Say what the changes of chatbots that follow come from, as in `Transition.cause`."""

    async def forget_before(self, moment: datetime) -> int:
        """Remove what ended before a moment, and say how much.

        Episodes stay whole: what belongs to one that lasted until then, or lasts, is kept however old it is.
        """


class BaselineRepository(Protocol):
    """What both sides of a chatbot last agreed on."""

    async def get(self, tenant: str, chatbot_id: str) -> Baseline: ...
    async def some(self, tenant: str, chatbot_ids: Collection[str]) -> Mapping[str, Baseline]:
        """Chatbot id → its baseline; a chatbot without one is left out."""

    async def put(self, tenant: str, chatbot_id: str, baseline: Baseline) -> None: ...
    async def put_all(self, tenant: str, baselines: Mapping[str, Baseline]) -> None:
        """As `put` for each of them, given by chatbot id."""

    async def remove(self, tenant: str, chatbot_id: str) -> None: ...


class PlanRepository(Protocol):
    """Plans by id. The database itself refuses a second open plan for one chatbot."""

    async def get(self, plan_id: str) -> Plan | None: ...
    async def some(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Those of these plans that there are, by id."""

    async def add(self, record: Plan) -> None: ...
    async def save(self, record: Plan) -> Plan: ...
    async def undecided_before(self, moment: datetime) -> Sequence[Plan]:
        """Pending and Approved plans without an apply whose ``expires_at`` is not after the moment."""

    async def pending(self, source: str) -> Sequence[Plan]:
        """The Pending plans of a source."""

    async def approved(self) -> Sequence[Plan]:
        """Approved plans whose apply nobody asked for yet."""

    async def stakes(self, source: str, revision: str) -> Sequence[Stake]:
        """What the plans of a source have at stake: all of a revision but the Resolved ones, and every open one."""

    async def was_rejected(self, tenant: str, chatbot_id: str, fingerprint: str) -> bool:
        """Whether a plan of a chatbot with this fingerprint was ever rejected."""


class ApprovalRepository(Protocol):
    """Approvals by plan."""

    async def was_revoked(self, tenant: str, chatbot_id: str, fingerprint: str) -> bool:
        """Whether an approval of a chatbot's plan with this fingerprint was ever taken back."""

    async def of_plan(self, plan_id: str) -> Sequence[Approval]: ...
    async def unspent_by(self, actor: str) -> Sequence[Approval]:
        """A person's approvals that were neither revoked nor spent, however they write their name."""

    async def add(self, record: Approval) -> None: ...
    async def save(self, record: Approval) -> Approval: ...


class ApplyRepository(Protocol):
    """Applies by id."""

    async def get(self, apply_id: str) -> Apply | None: ...
    async def add(self, record: Apply) -> None: ...
    async def save(self, record: Apply) -> Apply: ...
    async def unfinished(self) -> Sequence[Apply]:
        """Queued, Applying and OutcomeUnknown, oldest first."""

    async def fell_short(self, tenant: str, chatbot_id: str, fingerprint: str, *, besides: str | None) -> bool:
        """Whether an apply of a chatbot and fingerprint, besides this one, did not end Applied, or not yet."""


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

    def rows(self, *, after: int | None = None) -> AsyncIterator[AuditEntry | Unreadable]:
        """Whatever is kept with a higher ``seq``, in order, also what is no entry; None means all of it."""

    async def first(self, count: int) -> Sequence[AuditEntry]:
        """The oldest entries, in order."""

    async def last(self) -> AuditEntry | None:
        """The newest entry."""

    async def begins(self) -> int | None:
        """The lowest ``seq``; None for an empty log."""

    async def hashes(self, seqs: Collection[int]) -> Mapping[int, str]:
        """``seq`` → hash, of those of these entries that there are."""

    async def remove_through(self, seq: int) -> int:
        """Remove every entry up to this one, and say how many; nobody appends meanwhile."""


class TokenRepository(Protocol):
    """Bearer tokens."""

    async def serialize(self) -> None:
        """Make every other transaction that makes tokens wait for this one: what is read from now on is still so."""

    async def all(self) -> Sequence[Token]: ...
    async def get(self, token_id: str) -> Token | None: ...
    async def add(self, record: Token) -> None: ...
    async def save(self, record: Token) -> Token: ...

    async def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when tokens, by id, were last used; nothing that was read before becomes too old by it."""


class PersonRepository(Protocol):
    """People who came by a login."""

    async def called(self, name: str) -> Sequence[Person]:
        """Those of this name, however it is written; more than one only where names differed to an older program."""

    async def known_as(self, issuer: str, subject: str) -> Person | None:
        """The person whom an issuer calls so."""

    async def all(self) -> Sequence[Person]: ...
    async def add(self, record: Person) -> None: ...
    async def save(self, record: Person) -> Person: ...


class SessionRepository(Protocol):
    """Browsers that are signed in."""

    async def by_hash(self, hash_: str) -> Session | None:
        """The session of this hash, ended or not."""

    async def open(self) -> Sequence[Session]:
        """Those that were not ended, expired or not, newest first."""

    async def add(self, record: Session) -> None: ...
    async def save(self, record: Session) -> Session: ...


class SwitchRepository(Protocol):
    """Settings of which it matters since when they have their value."""

    async def get(self, name: str) -> Switch | None: ...
    async def add(self, record: Switch) -> None: ...
    async def save(self, record: Switch) -> Switch: ...


class LeaseRepository(Protocol):
    """The right to work on a chatbot."""

    async def take(
        self, tenant: str, chatbot_id: str, holder: str, ttl: timedelta, *, abandoned: Lease | None = None
    ) -> Lease | None:
        """A lease with a higher fence than any before, or None while another holder's still runs.

        Args:
            tenant: Whose chatbot it is.
            chatbot_id: The chatbot.
            holder: Who asks.
            ttl: How long it stands without being renewed.
            abandoned: A lease that its holder has not renewed for its whole length, as the caller saw: should it be
                the newest still, it keeps nobody out, whatever the wall clock says.
        """

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """The lease with a new end, or None when it was lost."""

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still the newest and has not run out."""

    async def live(self, tenant: str, chatbot_id: str) -> Lease | None:
        """The lease that runs now, whoever holds it."""

    async def drop(self, lease: Lease) -> None: ...
    async def void_all(self) -> None:
        """End every lease: for the start of the only process."""


class Expiring(StrEnum):
    """What is removed some time after it ended.

    Attributes:
        RUNS: Finished runs. The newest of a source and the newest that succeeded stay.
        PLANS: Closed plans, with their approvals and applies. What stays: rejected ones, those of which an approval was
            taken back or an apply did not end Applied, the last Applied one of a chatbot, and what counts for the brake
            of a revision that a chatbot still has.
        SUSPENSIONS: Those that were ended.
        SESSIONS: Expired ones.
        TRANSITIONS: Episodes that are over.
    """

    RUNS = "runs"
    PLANS = "plans"
    SUSPENSIONS = "suspensions"
    SESSIONS = "sessions"
    TRANSITIONS = "transitions"


class RetentionRepository(Protocol):
    """What is old."""

    async def oldest(self, what: Expiring, before: datetime, *, spared: Collection[str] = ()) -> datetime | None:
        """When the oldest ended of what ended before a moment and may go; None without any."""

    async def remove(self, what: Expiring, before: datetime, *, most: int, spared: Collection[str] = ()) -> int:
        """Remove the oldest of what ended before a moment, and say how much.

        Args:
            what: The kind.
            before: The moment.
            most: How many at most; of transitions, which are small, all of them go.
            spared: Ids of runs that stay.
        """


class UnitOfWork(Protocol):
    """One transaction. It is committed when its block ends well, and rolled back when it does not.

    `save` compares and sets `version`, returns the record as it now is, and raises `Conflict("concurrent_change")`
    when somebody else was faster.
    """

    @property
    def sources(self) -> SourceRepository: ...
    @property
    def tenants(self) -> TenantRepository: ...
    @property
    def runs(self) -> RunRepository: ...
    @property
    def documents(self) -> DocumentRepository: ...
    @property
    def chatbots(self) -> ChatbotRepository: ...
    @property
    def history(self) -> HistoryRepository: ...
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
    def people(self) -> PersonRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def switches(self) -> SwitchRepository: ...
    @property
    def leases(self) -> LeaseRepository: ...
    @property
    def retention(self) -> RetentionRepository: ...

    async def now(self) -> datetime:
        """The database's clock: what leases, settling and expiry are counted by."""
