"""The status words: sync, direction, and the reason for everything that was done or not done."""

from collections.abc import Mapping
from enum import StrEnum


class Sync(StrEnum):
    """Whether a chatbot is as its document says. Unknown is neither clean nor drifted."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Direction(StrEnum):
    """Which side moved since both last agreed."""

    IN_SYNC = "InSync"
    GIT_AHEAD = "GitAhead"
    LIVE_AHEAD = "LiveAhead"
    DIVERGED = "Diverged"
    UNKNOWN = "Unknown"


class CheckedBy(StrEnum):
    """Why a chatbot was compared.

    Attributes:
        COMMIT: Its document changed, or it was never compared.
        RETRY: It could not be compared the last time.
        MOVED: WizChat's list says, or cannot say, that it changed there.
        ROTATION: Nothing says that it changed, and it was its turn.
        FULL: Everything was compared.
        APPLY: An apply of it ended.
    """

    COMMIT = "commit"
    RETRY = "retry"
    MOVED = "moved"
    ROTATION = "rotation"
    FULL = "full"
    APPLY = "apply"


class Reason(StrEnum):
    """Why a thing is as it is: a stable code. `EXPLANATIONS` says how to change it."""

    IN_SYNC = "InSync"
    AWAITING_APPROVAL = "AwaitingApproval"
    APPROVED = "Approved"
    APPLYING = "Applying"
    APPLIED = "Applied"
    READ_ONLY = "ReadOnly"
    WRITE_KEY_REFUSED = "WriteKeyRefused"
    SUSPENDED = "Suspended"
    CHATBOT_MISSING = "ChatbotMissing"
    DOCUMENT_INVALID = "DocumentInvalid"
    CLAIMED_TWICE = "ClaimedTwice"
    CLAIM_REFUSED = "ClaimRefused"
    SOURCE_UNKNOWN = "SourceUnknown"
    BLOCKED_BY_DELETE_GATE = "BlockedByDeleteGate"
    BLOCKED_BY_FLEET_BRAKE = "BlockedByFleetBrake"
    PROTECTED = "Protected"
    RATE_LIMITED = "RateLimited"
    QUOTA_EXCEEDED = "QuotaExceeded"
    UNAUTHORIZED = "Unauthorized"
    SCOPE_MISSING = "ScopeMissing"
    TARGET_UNREACHABLE = "TargetUnreachable"
    BAD_ANSWER = "BadAnswer"
    REFUSED_BY_API = "RefusedByApi"
    UNMANAGED = "Unmanaged"
    ORPHANED = "Orphaned"
    NOT_CHECKED = "NotChecked"
    REJECTED = "Rejected"
    SUPERSEDED = "Superseded"
    STALE = "Stale"
    RESOLVED = "Resolved"
    EXPIRED = "Expired"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    NOT_APPLIED = "NotApplied"
    PARTIALLY_APPLIED = "PartiallyApplied"
    UNDETERMINED = "Undetermined"
    NOT_CONVERGED = "NotConverged"
    INTERRUPTED = "Interrupted"


OF_DOCUMENTS = frozenset(
    {
        Reason.DOCUMENT_INVALID,
        Reason.CLAIMED_TWICE,
        Reason.CLAIM_REFUSED,
        Reason.ORPHANED,
        Reason.UNMANAGED,
    }
)
"""Faults that end when a good document claims the chatbot alone, and by nothing else."""

EXPLANATIONS: Mapping[Reason, str] = {
    Reason.IN_SYNC: "The chatbot is as its document says.",
    Reason.AWAITING_APPROVAL: "A plan waits for a decision: approve or reject it.",
    Reason.APPROVED: "The plan is approved: apply it.",
    Reason.APPLYING: "An apply is under way.",
    Reason.APPLIED: "The plan was applied and verified.",
    Reason.READ_ONLY: "The tenant has no write key: set write_api_key (or WIZCHAT_WRITE_API_KEY) to apply.",
    Reason.WRITE_KEY_REFUSED: (
        "WizChat refuses the write key, so nothing can be applied: put a valid one in write_api_key "
        "(WIZCHAT_WRITE_API_KEY)."
    ),
    Reason.SUSPENDED: "Applies are suspended: resume them to go on.",
    Reason.CHATBOT_MISSING: (
        "The chatbot was not found at WizChat: remove the document or correct metadata.chatbotId."
    ),
    Reason.DOCUMENT_INVALID: "The document is refused: correct what its diagnostics name.",
    Reason.CLAIMED_TWICE: "More than one document claims this chatbot: keep one of them.",
    Reason.CLAIM_REFUSED: "The source may not manage this chatbot: widen its `chatbots` setting or move it.",
    Reason.SOURCE_UNKNOWN: (
        "The source cannot be read, or what it says now is not trusted; the last good revision stands: its cause says "
        "which, and what to do."
    ),
    Reason.BLOCKED_BY_DELETE_GATE: (
        "The plan takes away more than the policy lets pass: approve that, too, with a reason."
    ),
    Reason.BLOCKED_BY_FLEET_BRAKE: (
        "More of the fleet would change than the policy lets pass without a person: approve each plan by hand."
    ),
    Reason.PROTECTED: (
        "The plan changes or deletes what policy.protected covers: change the document, or that setting on the server."
    ),
    Reason.RATE_LIMITED: "WizChat asked to slow down: it is tried again by itself.",
    Reason.QUOTA_EXCEEDED: "The key's daily quota is used up: it is tried again when the quota is renewed.",
    Reason.UNAUTHORIZED: "WizChat refused the API key: put a valid one in api_key.",
    Reason.SCOPE_MISSING: "The API key lacks a scope: add it to the key, or leave the section out.",
    Reason.TARGET_UNREACHABLE: "WizChat cannot be reached: check base_url and the network.",
    Reason.BAD_ANSWER: "WizChat answered with something that cannot be read: it is tried again by itself.",
    Reason.REFUSED_BY_API: "WizChat refused the request: correct what the message names.",
    Reason.UNMANAGED: "No document claims this chatbot: export it into a source to manage it.",
    Reason.ORPHANED: "Its document was removed; nothing is changed at WizChat: restore the document or let it be.",
    Reason.NOT_CHECKED: "It has not been compared yet: wait for the next run, or refresh its source.",
    Reason.REJECTED: "The plan was rejected: change the document or the chatbot to get another plan.",
    Reason.SUPERSEDED: "A newer dry run found something else: decide on the newer plan.",
    Reason.STALE: "What was approved no longer holds: decide on the newer plan.",
    Reason.RESOLVED: "The difference is gone by itself: nothing is left to do.",
    Reason.EXPIRED: "Nobody decided within plan_ttl: decide on the newer plan.",
    Reason.OUTCOME_UNKNOWN: "It is not known yet whether the apply took effect: it is being read back.",
    Reason.NOT_APPLIED: "The apply had no effect: decide on the newer plan.",
    Reason.PARTIALLY_APPLIED: "A part was applied: decide on the newer plan for the rest.",
    Reason.UNDETERMINED: "What the apply did cannot be told: look at the chatbot, then decide on the newer plan.",
    Reason.NOT_CONVERGED: (
        "WizChat accepted the apply but stored it differently from what was sent: look at the named paths."
    ),
    Reason.INTERRUPTED: "The service stopped meanwhile: it is tried again by itself.",
}
