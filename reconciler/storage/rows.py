"""Converts records to rows and back."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import JSON, Column, Select, Table, select

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.audit import AuditEntry
from reconciler.domain.auto_apply_rules import Switch
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Apply, Approval, Chatbot, Claim, Lease, Plan, Run, SourceRecord
from reconciler.domain.history import Transition
from reconciler.domain.json_values import to_json
from reconciler.domain.suspensions import Suspension
from reconciler.domain.tenant import TenantRecord
from reconciler.storage import tables
from reconciler.storage.encoded import encoded

R = TypeVar("R")


class Codec(Generic[R]):
    """One kind of record and the table that keeps it.

    Attributes:
        noun: What people call it.
        table: Where it is kept.
        names: The names of the columns that make a record; the table may have more.
        columns: Those columns.
        selection: Of all rows: made once, because it takes longer to make than to narrow down.
        key: The primary key's columns.
        apart: The names of columns whose values may be large, and are then kept as contents.
        elsewhere: The names of fields that the table has no column for; they are left to whoever reads the rows.
        long: Columns that may be long lists, and what their items are. They are validated item by item: while one
            call validates, no other thread runs.
        is_large: Whether the row itself may be large.
    """

    def __init__(
        self,
        noun: str,
        record: type[R],
        table: Table,
        *,
        stored_apart: tuple[str, ...] = (),
        elsewhere: tuple[str, ...] = (),
        long: Mapping[str, type] | None = None,
        is_large: bool = False,
    ) -> None:
        self.noun = noun
        self.table = table
        self.stored_apart = stored_apart
        self.is_large = is_large
        names = [field.name for field in fields(record)]  # type: ignore[arg-type]  # every record is a dataclass
        self.names = [name for name in names if name not in elsewhere]
        self.columns: list[Column[Any]] = [table.c[name] for name in self.names]
        self.selection: Select[Any] = select(*self.columns)
        self.key: list[Column[Any]] = list(table.primary_key)
        self._absent = dict.fromkeys(elsewhere)
        self._adapter = TypeAdapter(record)
        self._items = {name: TypeAdapter[Any](kind) for name, kind in (long or {}).items()}

    def to_row(self, record: R, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The values of the record's columns, besides some."""
        return {name: self._value(name, getattr(record, name)) for name in self.names if name not in without}

    def to_encoded_row(self, record: R) -> dict[str, Any]:
        """The same with its JSON values as text."""
        row = self.to_row(record)
        filled = (name for name, value in row.items() if value is not None and self._is_json(name))
        return row | {name: encoded(row[name]) for name in filled}

    def from_row(self, row: Mapping[str, Any]) -> R:
        """The record that a row keeps."""
        read = {name: [items.validate_python(item) for item in row[name]] for name, items in self._items.items()}
        return self._adapter.validate_python({**self._absent, **row, **read})

    def _value(self, name: str, value: Any) -> Any:
        if self._is_json(name):
            return to_json(value)
        return value.value if isinstance(value, Enum) else value

    def _is_json(self, name: str) -> bool:
        return isinstance(self.table.c[name].type, JSON)


SOURCES = Codec("source", SourceRecord, tables.sources)
TENANTS = Codec("tenant", TenantRecord, tables.tenants)
RUNS = Codec("run", Run, tables.runs, stored_apart=("diagnostics", "uncompared"))
DOCUMENTS = Codec("document", Claim, tables.documents, elsewhere=("body",))
CHATBOTS = Codec("chatbot", Chatbot, tables.chatbots)
TRANSITIONS = Codec("transition", Transition, tables.transitions)
PLANS = Codec("plan", Plan, tables.plans, stored_apart=("body", "ops"), long={"ops": DirectedOp})
APPROVALS = Codec("approval", Approval, tables.approvals)
APPLIES = Codec("apply", Apply, tables.applies, is_large=True)
SUSPENSIONS = Codec("suspension", Suspension, tables.suspensions)
AUDIT = Codec("audit entry", AuditEntry, tables.audit)
TOKENS = Codec("token", Token, tables.tokens)
PEOPLE = Codec("person", Person, tables.people)
SESSIONS = Codec("session", Session, tables.sessions)
SWITCHES = Codec("switch", Switch, tables.switches)
LEASES = Codec("lease", Lease, tables.leases)
