"""Collects the changes of a transaction, for the events that it causes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.domain.access import Person, Token
from reconciler.domain.entities import Apply, Approval, Chatbot, Plan, Run, SourceRecord
from reconciler.domain.events import Change, ChangeKind
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.domain.tenant import TenantRecord

MAX_NAMED: Final = 50
"""More changes of a kind become one without an id: a reader reads its list again either way."""

_OF_NO_SOURCE: Final = {Person: ChangeKind.PERSON, TenantRecord: ChangeKind.TENANT}


@dataclass(slots=True)
class TransactionChanges:
    """What one transaction has touched.

    An approval and an apply do not say to which source they belong: that is their plan's, which the same transaction
    mostly saves too.
    """

    _changes: dict[Change, str | None] = field(default_factory=dict)
    _sources: dict[str, str] = field(default_factory=dict)

    def note(self, record: object) -> None:
        """Take note of a record that was made, changed or removed."""
        match record:
            case Plan():
                self._sources[record.id] = record.source
                self._add(ChangeKind.PLAN, record.id, record.source)
            case Approval():
                self._add(ChangeKind.PLAN, record.plan_id, None, plan=record.plan_id)
            case Apply():
                self._add(ChangeKind.APPLY, record.id, None, plan=record.plan_id)
            case Chatbot():
                self._add(ChangeKind.CHATBOT, record.id, record.source)
            case Run():
                self._add(ChangeKind.RUN, record.id, record.source)
            case SourceRecord():
                self._add(ChangeKind.SOURCE, record.name, record.name)
            case Suspension():
                source = record.subject if record.kind is ScopeKind.SOURCE else None
                self._add(ChangeKind.SUSPENSION, record.id, source)
            case Token():
                self._add(ChangeKind.TOKEN, record.id, None)
            case Person() | TenantRecord():
                self._add(_OF_NO_SOURCE[type(record)], record.name, None)
            case _:  # nothing that a page shows by itself
                return

    @property
    def plans_unknown(self) -> frozenset[str]:
        """The plans whose source is still to be read."""
        return frozenset(plan for plan in self._changes.values() if plan is not None) - self._sources.keys()

    def learn(self, sources: Mapping[str, str]) -> None:
        """Set the sources of plans, by plan id."""
        self._sources |= sources

    def changes(self) -> Sequence[Change]:
        """The changes to publish."""
        found = dict.fromkeys(
            change if plan is None else replace(change, source=self._sources.get(plan))
            for change, plan in self._changes.items()
        )
        counts = Counter((change.kind, change.source) for change in found)
        single = (change for change in found if counts[change.kind, change.source] <= MAX_NAMED)
        many = (Change(kind, None, source) for (kind, source), count in counts.items() if count > MAX_NAMED)
        return (*single, *many)

    def _add(self, kind: ChangeKind, id_: str, source: str | None, *, plan: str | None = None) -> None:
        self._changes[Change(kind, id_, source)] = plan
