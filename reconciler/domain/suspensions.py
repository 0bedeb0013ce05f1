"""Suspensions of applies: what each covers, and how sources and messages show it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reconciler.domain.entities import SourceRecord, SourceState
from reconciler.domain.sentences import ended


class ScopeKind(StrEnum):
    """What a suspension stops."""

    CHATBOT = "chatbot"
    SOURCE = "source"
    TENANT = "tenant"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Applies stopped by a person, with a reason and perhaps an end.

    Attributes:
        reminded_at: When people were last reminded of it.
    """

    id: str
    kind: ScopeKind
    subject: str
    reason: str
    actor: str
    created_at: datetime
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reminded_at: datetime | None = None
    version: int = 0

    @property
    def scope(self) -> str:
        """As people write it: ``chatbot/ID``, ``source/NAME``, ``tenant/NAME`` or ``all``."""
        return self.kind.value if self.kind is ScopeKind.ALL else f"{self.kind}/{self.subject}"

    @property
    def subject_words(self) -> str:
        """As people say it: ``the chatbot ID``, ``the source NAME``, ``the tenant NAME`` or ``everything``."""
        return "everything" if self.kind is ScopeKind.ALL else f"the {self.kind} {self.subject}"

    def is_active(self, now: datetime) -> bool:
        """Whether it has neither ended nor expired."""
        return self.ended_at is None and (self.until is None or self.until > now)


def covers(suspension: Suspension, tenant: str, chatbot_id: str | None, source: str | None) -> bool:
    """Whether a suspension's scope takes in a chatbot; without an id, whether it takes in the whole source."""
    match suspension.kind:
        case ScopeKind.ALL:
            return True
        case ScopeKind.TENANT:
            return suspension.subject == tenant
        case ScopeKind.SOURCE:
            return suspension.subject == source
        case ScopeKind.CHATBOT:
            return suspension.subject == chatbot_id


def widest_suspension(
    suspensions: Iterable[Suspension], tenant: str, chatbot_id: str | None, source: str | None
) -> Suspension | None:
    """The one to name of all suspensions that cover a chatbot or, without an id, a whole source."""
    covering = [suspension for suspension in suspensions if covers(suspension, tenant, chatbot_id, source)]
    return max(covering, key=lambda item: list(ScopeKind).index(item.kind), default=None)


def suspended_sources(records: Iterable[SourceRecord], suspensions: Sequence[Suspension]) -> Mapping[str, Suspension]:
    """Source → the widest suspension that stops the applies of all of it."""
    found = {record.name: widest_suspension(suspensions, record.tenant, None, record.name) for record in records}
    return {name: suspension for name, suspension in found.items() if suspension is not None}


def shown_source(record: SourceRecord, suspension: Suspension | None) -> SourceRecord:
    """A source in the state that people are shown: a fault before a suspension, as somebody has to mend it."""
    if suspension is None or record.state is not SourceState.READY:
        return record
    return replace(record, state=SourceState.SUSPENDED, message=f"{suspension.subject_words}: {suspension.reason}")


def suspension_sentence(suspension: Suspension) -> str:
    """What a suspension stops, until when, and why."""
    until = f" until {suspension.until:%Y-%m-%dT%H:%M:%SZ}" if suspension.until else ""
    return ended(f"Applies of {suspension.subject_words} are suspended{until}: {suspension.reason}")
