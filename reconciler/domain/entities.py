"""The records of sources, runs, chatbots, plans and applies, as frozen values.

A `version` is compared and set on every save. Tokens and people are in `access`, suspensions in `suspensions`, audit
entries in `audit`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.direction import DirectedOp
from reconciler.domain.identity import same_person
from reconciler.domain.lifecycle import OPEN, ApplyStatus, PlanStatus
from reconciler.domain.plan import Op, Summary
from reconciler.domain.status import CheckedBy, Direction, Reason, Sync
from reconciler.domain.uncompared import Uncompared


class SourceState(StrEnum):
    """Whether a source can be read and acted on."""

    READY = "Ready"
    UNKNOWN = "Unknown"
    SUSPENDED = "Suspended"


class Trigger(StrEnum):
    """What requested a run."""

    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    MANUAL = "manual"
    STARTUP = "startup"


class RunStatus(StrEnum):
    """The status of a run."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One source as it was last seen.

    Attributes:
        url: Without credentials.
        state: Ready, or Unknown with a cause; views add whether it is suspended.
        cause: A `SourceCause` while the state is Unknown.
        good_revision: The last revision that was read and trusted.
        seen_revision: The last revision that the remote named.
        git_checked_at: When git was last asked.
        drift_checked_at: When the live side was last to be compared as a whole: the next time counts from there.
        compared_at: When that last gave anything.
        next_run_at: When the scheduler will look next, git or drift.
        brake: Why nothing of the good revision is applied without a person, or None.
        configured_at: When the settings first named it as it is; None for one that an older program knew already.
    """

    name: str
    tenant: str
    url: str
    branch: str | None
    state: SourceState = SourceState.READY
    cause: str | None = None
    message: str | None = None
    good_revision: str | None = None
    seen_revision: str | None = None
    last_run_id: str | None = None
    git_checked_at: datetime | None = None
    drift_checked_at: datetime | None = None
    compared_at: datetime | None = None
    next_run_at: datetime | None = None
    brake: str | None = None
    configured_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a run did.

    Attributes:
        dry_runs: How many were asked for.
        skipped: Documents that needed none, because nothing changed.
        errors: Chatbots that could not be compared, and lists that could not be read.
        uncompared: Chatbots that could not be compared.
    """

    documents: int = 0
    parsed: int = 0
    dry_runs: int = 0
    skipped: int = 0
    plans: int = 0
    errors: int = 0
    uncompared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass over a source.

    Attributes:
        full: Whether every document is dry-run, changed or not.
        drift: Whether WizChat's list is read, and what may have changed there is dry-run; a full run does that, too.
        revision: The good revision when it ended; of a failed run, the one of before.
        seen_revision: The revision that git named in this run; None while none was read.
        message: Why it failed, or what is worth knowing.
        uncompared: The chatbots that it could not compare, as far as it names them.
    """

    id: str
    source: str
    trigger: Trigger
    full: bool
    status: RunStatus
    created_at: datetime
    revision: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    diagnostics: tuple[Diagnostic, ...] = ()
    message: str | None = None
    seen_revision: str | None = None
    uncompared: tuple[Uncompared, ...] = ()
    drift: bool = False
    version: int = 0

    @property
    def looks_at_live(self) -> bool:
        """Whether it looks for changes at WizChat."""
        return self.full or self.drift

    def seen_by(self, sees: Callable[[str], bool]) -> Self:
        """The run as somebody is shown it who sees some sources and not others."""
        return replace(self, diagnostics=tuple(diagnostic.seen_by(sees) for diagnostic in self.diagnostics))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of a source at its last good revision: with a body, or refused but still known.

    Attributes:
        body: As the API takes it; None when the document is refused, and where it was not asked for.
        digest: Of the body; None when the document is refused.
        refusal: Why it is refused, or None.
        refusal_message: One sentence about it.
    """

    source: str
    tenant: str
    chatbot_id: str
    path: str
    line: int
    labels: Mapping[str, str]
    name: str | None
    body: Mapping[str, Any] | None
    digest: str | None
    refusal: Reason | None = None
    refusal_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chatbot:
    """The thing at WizChat, as far as it is known here.

    Attributes:
        source: The source whose document claims it; None while unmanaged.
        fault: Why it could not be compared; cleared by the next dry run that succeeds.
        reason: Derived from everything else by `domain.condition_rules`.
        suspension_id: The widest suspension that stops its applies, whatever the reason is.
        plan_id: The open plan.
        checked_digest: The document digest that was last dry-run; None where it is to be dry-run again.
        synced_at: When it was last seen as its document says.
        synced_revision: The revision of that document, where that was written down.
        drifted_at: Since when it is OutOfSync, whatever became of it meanwhile but Synced; None while it is not.
        held_drift_at: The `drifted_at` of before it became Unknown: it goes on when it turns out to be OutOfSync still.
        rejected_fingerprint: Not offered again until another fingerprint or a noop comes in between.
        unconverged_body: The digest of what the latest apply sent and WizChat stored differently; None once something
            else came in between.
        unconverged_ends: How many applies of it in a row ended so.
        epoch: Counts applies that reached intent or ended; a dry run begun in an older epoch is discarded.
        missing_since: Since when WizChat does not know it; None while it does.
        missing_asked_at: When it was last asked for since then, as the list alone may be narrower than the key.
        live_updated_at: The `updatedAt` that WizChat's list gave last; None where it gave none, or does not name it.
        compared_updated_at: The one that it had given before the last dry run: another one is a sign of an edit.
        checked_by: Why it was last compared; None where an older program did it.
        result_digest: What the last dry run gave, as a digest; None while nothing is known of it.
        result_version: The version of this record that was written with it.
        answer_digest: What that dry run was answered, as a digest; safe to lose, as the next answer then is read.
        unexplained_at: Since when it differs from before though its `updatedAt` did not move; None while nothing does.
    """

    tenant: str
    id: str
    name: str | None = None
    source: str | None = None
    path: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    sync: Sync = Sync.UNKNOWN
    direction: Direction = Direction.UNKNOWN
    fault: Reason | None = Reason.NOT_CHECKED
    fault_message: str | None = None
    reason: Reason = Reason.NOT_CHECKED
    message: str = ""
    suspension_id: str | None = None
    plan_id: str | None = None
    revision: str | None = None
    last_applied_revision: str | None = None
    checked_at: datetime | None = None
    checked_digest: str | None = None
    synced_at: datetime | None = None
    synced_revision: str | None = None
    drifted_at: datetime | None = None
    held_drift_at: datetime | None = None
    rejected_fingerprint: str | None = None
    unconverged_body: str | None = None
    unconverged_ends: int = 0
    epoch: int = 0
    live_updated_at: datetime | None = None
    compared_updated_at: datetime | None = None
    checked_by: CheckedBy | None = None
    result_digest: str | None = None
    result_version: int | None = None
    answer_digest: str | None = None
    unexplained_at: datetime | None = None
    missing_since: datetime | None = None
    missing_asked_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stored dry run waiting for a decision.

    Attributes:
        body: What an apply sends.
        ops: What that does, each op with the side that moved; noops are only counted.
        delete_override: Why the approval must carry ``overrides.deletes``, or None.
        apply_id: The apply that is queued or under way for it, or that ended it.
        change: What its ops do, as a digest: the same change on another chatbot has the same one. Empty for a plan of
            an older program.
        stored_otherwise: Whether it is what is left of an apply that WizChat stored differently, and nobody edited it.
        losses: How much it takes away; None for a plan of an older program, which counted deletes alone.
        suspension_id: The widest suspension that stops its apply, whatever the reason is; None once a request was sent
            or the plan is closed.
    """

    id: str
    tenant: str
    chatbot_id: str
    source: str
    path: str
    revision: str
    status: PlanStatus
    reason: Reason
    message: str
    fingerprint: str
    body: Mapping[str, Any]
    ops: tuple[DirectedOp, ...]
    summary: Summary
    direction: Direction
    approvals_required: int
    delete_override: str | None
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None
    apply_id: str | None = None
    change: str = ""
    losses: int | None = None
    stored_otherwise: bool = False
    suspension_id: str | None = None
    version: int = 0

    @property
    def prune(self) -> bool:
        """Whether the body lets the API delete."""
        return bool(self.body["prune"])

    @property
    def bare_ops(self) -> tuple[Op, ...]:
        """The ops as the API gave them, without the side that moved."""
        return tuple(directed.op for directed in self.ops)

    @property
    def is_open(self) -> bool:
        """Whether it can still come to an apply, or is in one."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's or a policy's yes to one plan.

    Attributes:
        actor: The person: who approves twice, with whatever credential, counts once.
        token_id: The token it came with: an approval falls with it. None for a login, whose person counts, and for
            the policy.
        expires_at: Until when it is valid; None means as long as the plan.
        automatic: Whether the policy gave it, and no person.
        deletes: Whether it carries the delete override.
        reason: Why, for an override.
        spent_at: When an apply's intent used it up.
        spent_by: That apply.
    """

    id: str
    plan_id: str
    fingerprint: str
    actor: str
    token_id: str | None
    created_at: datetime
    expires_at: datetime | None = None
    automatic: bool = False
    comment: str | None = None
    deletes: bool = False
    reason: str | None = None
    revoked_at: datetime | None = None
    spent_at: datetime | None = None
    spent_by: str | None = None
    version: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether it was neither revoked nor spent."""
        return self.revoked_at is None and self.spent_at is None

    def is_of(self, name: str) -> bool:
        """Whether this person gave it, however the name is written."""
        return not self.automatic and same_person(self.actor, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """One attempt to execute an approved plan.

    Attributes:
        intent_at: When the intent of the latest request was committed; None means that nothing can have been sent.
        window_ms: How long the last dry run was older than the request, in milliseconds: what the API cannot guard.
        applied: What WizChat says it executed, or of a lost answer what a read-back proved.
        failed: The op that stopped it, as WizChat says.
    """

    id: str
    plan_id: str
    tenant: str
    chatbot_id: str
    fingerprint: str
    status: ApplyStatus
    requested_by: str
    created_at: datetime
    started_at: datetime | None = None
    intent_at: datetime | None = None
    finished_at: datetime | None = None
    applied: tuple[Mapping[str, Any], ...] = ()
    failed: Mapping[str, Any] | None = None
    reason: Reason | None = None
    message: str | None = None
    window_ms: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one chatbot, with a fencing number that only grows."""

    tenant: str
    chatbot_id: str
    holder: str
    fence: int
    expires_at: datetime
