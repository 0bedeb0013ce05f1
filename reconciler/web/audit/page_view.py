"""View model of the audit page: each entry described, with its subject and details."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from reconciler.domain.access import Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.listing import AuditFilter, Page
from reconciler.render.audit_descriptions import AuditDescription, describe_entry
from reconciler.web.audit.schemas import AuditFilterQuery
from reconciler.web.ui.forms import FormQuery
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import chatbot_path

ACTIONS = (
    "plan.", "plan.approve", "plan.reject", "plan.withdraw", "plan.revoke", "plan.apply", "plan.link", "apply.",
    "source.", "source.accept", "suspend", "resume", "token.", "person.", "login", "login.refused", "policy.switch",
)  # fmt: skip
"""What the filter proposes; any other beginning of an action does as well."""

_PLACES = {
    "plan": "/plans/{}",
    "run": "/runs/{}",
    "source": "/sources#{}",
    "token": "/tokens",
    "person": "/tokens#people",
}
_OF_ADMINS = frozenset({"token", "person"})


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """Something that an entry is about.

    Attributes:
        path: Its page; None where it has none, or none for this person.
    """

    kind: str
    name: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry.

    Attributes:
        subject: What it is about.
        others: What else it names that has a page.
        facts: Everything else that it holds, as texts.
    """

    entry: AuditEntry
    description: AuditDescription
    subject: AuditSubject
    others: Sequence[AuditSubject]
    facts: Sequence[tuple[str, str]]


class AuditPageQuery(AuditFilterQuery, FormQuery):
    """Which decisions the page lists."""

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.filter() == AuditFilter()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A part of the audit log, newest first.

    Attributes:
        next_page: The path of the next part; None at the end.
        newest: The path of the first part; None on it.
    """

    frame: Layout
    rows: Sequence[AuditRow]
    query: AuditPageQuery
    next_page: str | None
    newest: str | None
    actions: Sequence[str] = ACTIONS


def audit_page(frame: Layout, part: Page[AuditEntry], query: AuditPageQuery) -> AuditPage:
    """The view model of the page."""
    admin = frame.actor is not None and frame.actor.role.includes(Role.ADMIN)
    return AuditPage(
        frame=frame,
        rows=[_row(entry, admin=admin) for entry in part.items],
        query=query,
        next_page=query.address("/audit", cursor=part.next_cursor) if part.next_cursor else None,
        newest=query.address("/audit") if query.cursor else None,
    )


def _row(entry: AuditEntry, *, admin: bool) -> AuditRow:
    kind, _, name = entry.subject.partition("/")
    return AuditRow(
        entry=entry,
        description=describe_entry(entry),
        subject=AuditSubject(kind, name, _place(kind, name, entry.detail, admin=admin)),
        others=list(_others(kind, entry.detail)),
        facts=list(_facts(entry)),
    )


def _place(kind: str, name: str, detail: Mapping[str, Any], *, admin: bool) -> str | None:
    if not name or (kind in _OF_ADMINS and not admin):
        return None
    if kind == "chatbot":
        return _chatbot(name, detail.get("tenant"))
    place = _PLACES.get(kind)
    return place.format(quote(name, safe="")) if place else None


def _chatbot(name: str, tenant: object) -> str:
    """The page of a chatbot; where the entry does not say of which tenant, the search for it."""
    if isinstance(tenant, str) and tenant:
        return chatbot_path(tenant, name)
    return f"/?{urlencode({'q': name})}"


def _others(subject: str, detail: Mapping[str, Any]) -> Iterator[AuditSubject]:
    for kind in ("plan", "chatbot", "run"):
        name = detail.get(kind)
        if kind != subject and isinstance(name, str) and name:
            yield AuditSubject(kind, name, _place(kind, name, detail, admin=False))


def _facts(entry: AuditEntry) -> Iterator[tuple[str, str]]:
    if entry.fingerprint is not None:
        yield "fingerprint", entry.fingerprint
    for name, value in sorted(entry.detail.items()):
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    yield "prev_hash", entry.prev_hash
    yield "hash", entry.hash
