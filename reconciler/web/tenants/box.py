"""Describes how a tenant's chatbots are compared, with the form that trusts `updatedAt` again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from reconciler.domain.access import Role
from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.status import CheckedBy
from reconciler.domain.tenant import TenantRecord
from reconciler.engine.context import Actor
from reconciler.render.ages import Age, age

_WORDS: Final = {
    CheckedBy.COMMIT: "after a commit",
    CheckedBy.RETRY: "at another try",
    CheckedBy.MOVED: "as WizChat's list said",
    CheckedBy.ROTATION: "in rotation",
    CheckedBy.FULL: "with all others",
    CheckedBy.APPLY: "after an apply",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortcutBox:
    """A tenant whose `updatedAt` is not trusted, and whether a person may change that.

    Attributes:
        tenant: Its name.
        action: Where the form is sent.
        since: Since when.
        cause: What showed it.
        refusal: Why the person may not, or None.
        reason: What is in the field of that name.
        problem: Why what was just sent was refused, or None.
    """

    tenant: str
    action: str
    since: Age | None
    cause: str
    refusal: str | None
    reason: str = ""
    problem: str | None = None


def shortcut_box(actor: Actor, tenant: TenantRecord, now: datetime) -> ShortcutBox | None:
    """The form for a tenant whose `updatedAt` is not trusted; None for any other one."""
    if tenant.shortcut_off_since is None:
        return None
    return empty_shortcut_box(
        actor, tenant.name, since=age(tenant.shortcut_off_since, now), cause=tenant.shortcut_off_reason or ""
    )


def empty_shortcut_box(actor: Actor, tenant: str, *, since: Age | None = None, cause: str = "") -> ShortcutBox:
    """The form for a tenant, whatever is known of it."""
    return ShortcutBox(
        tenant=tenant,
        action=f"/tenants/{quote(tenant, safe='')}/shortcut",
        since=since,
        cause=cause,
        refusal=actor.refusal(Role.ADMIN),
    )


def checks_in_words(checks: CheckCounts) -> str:
    """Why chatbots were last compared, and how many for each reason, the most frequent first."""
    found = sorted(checks.by.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {_WORDS[reason]}" for reason, number in found)
