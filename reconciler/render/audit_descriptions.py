"""Describes audit entries in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.domain.audit import AuditEntry
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus

REFUSED: Final = ".refused"

_DONE: Final[Mapping[str, tuple[str, str]]] = {
    "plan.approve": ("approved", "approve"),
    "plan.revoke": ("took back an approval of", "take back an approval of"),
    "plan.reject": ("rejected", "reject"),
    "plan.withdraw": ("took back the rejection of", "take back the rejection of"),
    "plan.apply": ("asked to apply", "apply"),
    "plan.link": ("made a read-only link to", "make a read-only link to"),
    "plan.decide": ("decided about", "decide about"),
    "plan.pending": ("offered", "offer"),
    "approval.expire": ("let an approval expire of", "let an approval expire of"),
    "apply.intent": ("spent the approvals, and began", "begin"),
    "source.configure": ("took the settings of", "take the settings of"),
    "source.rename": ("took the new name of", "take the new name of"),
    "source.refresh": ("asked to look at", "look at"),
    "source.revision": ("took a revision of", "take a revision of"),
    "source.accept": ("accepted a revision of", "accept a revision of"),
    "source.unknown": ("could no longer read or trust", "read"),
    "source.ready": ("could read and trust again", "read"),
    "source.brake": ("braked", "brake"),
    "source.brake_released": ("released the brake of", "release the brake of"),
    "chatbot.move": ("handed to another source", "hand to another source"),
    "tenant.shortcut_off": ("found that updatedAt does not tell of edits at", "look for such edits at"),
    "tenant.shortcut_on": ("trusted updatedAt again at", "trust updatedAt again at"),
    "tenant.release": ("found nearly all chatbots changed by WizChat itself at", "look for such changes at"),
    "source.forget": ("forgot", "forget"),
    "tenant.forget": ("forgot", "forget"),
    "chatbot.forget": ("forgot", "forget"),
    "suspend": ("suspended", "suspend"),
    "resume": ("resumed", "resume"),
    "suspension.remind": ("reminded of the suspension of", "remind of the suspension of"),
    "policy.switch": ("switched", "switch"),
    "token.create": ("made", "make"),
    "token.revoke": ("revoked", "revoke"),
    "person.bar": ("barred", "bar"),
    "person.unbar": ("let in again", "let in again"),
    "person.sign_out": ("signed out", "sign out"),
    "login": ("signed in as", "sign in as"),
    "logout": ("signed out", "sign out"),
    "audit.omitted": ("counted further entries of", "count further entries of"),
    "audit.prune": ("removed old entries of", "remove old entries of"),
}
"""Action → what somebody did, and what they wanted to do where they were refused."""

_STATES: Final = {status.value.lower(): status.value for status in (*PlanStatus, *ApplyStatus)}
_REASONS: Final = ("message", "comment", "reason", "cause", "brake")


@dataclass(frozen=True, slots=True)
class AuditDescription:
    """An entry in words: somebody ``before`` something ``after``: ``why``.

    Attributes:
        before: What comes before the thing that it is about, such as ``approved``.
        after: What comes after it, such as ``to Applied``; mostly empty.
        reason: What was said with it; may be empty.
        refused: Whether it was not let happen.
    """

    before: str
    after: str
    reason: str
    refused: bool


def describe_entry(entry: AuditEntry) -> AuditDescription:
    """Describe an entry in words."""
    refused = entry.action.endswith(REFUSED)
    action = entry.action.removesuffix(REFUSED)
    if refused:
        before, after = f"was refused to {_words_for(action)[1]}", ""
    elif (moved := _moved(action)) is not None and action not in _DONE:
        before, after = moved
    else:
        before, after = _words_for(action)[0], _change(entry.detail)
    reason = _reason(entry.detail)
    return AuditDescription(before, after, "" if after == f"to {reason}" else reason, refused)


def _words_for(action: str) -> tuple[str, str]:
    return _DONE.get(action, (f"{action}:", f"{action}:"))


def _moved(action: str) -> tuple[str, str] | None:
    """A plan or apply that came to another state."""
    kind, _, state = action.partition(".")
    if state not in _STATES:
        return None
    match kind:
        case "plan":
            return "moved", f"to {_STATES[state]}"
        case "apply":
            return "ended", f"as {_STATES[state]}"
        case _:
            return None


def _change(detail: Mapping[str, Any]) -> str:
    match detail:
        case {"from": before, "to": after}:
            return f"from {before} to {after}"
        case {"until": str(until)}:
            return f"until {_moment(until)}"
        case _:
            return ""


def _moment(text: str) -> str:
    """A moment as the pages write it; any other value unchanged."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M UTC}"
    except ValueError:
        return text


def _reason(detail: Mapping[str, Any]) -> str:
    return next((text for name in _REASONS if isinstance(text := detail.get(name), str) and text), "")
