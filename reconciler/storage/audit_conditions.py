"""Translates filters of audit entries to SQL."""

from collections.abc import Collection, Iterator
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select

from reconciler.domain.listing import AuditFilter
from reconciler.storage import tables
from reconciler.storage.dialect import Dialect

_NAMED: Final = frozenset({"chatbot", "plan", "apply", "run", "source", "person"})
"""What an entry about something else may name in its detail, each under its own name."""
_PERSON: Final = "person/"

_column = tables.audit.c


def person_names_in(filters: AuditFilter) -> Collection[str]:
    """The names of people that a filter writes."""
    subject = filters.subject or ""
    candidates = (filters.actor, subject.removeprefix(_PERSON) if subject.startswith(_PERSON) else None)
    return [name for name in candidates if name]


def audit_conditions(filters: AuditFilter, dialect: Dialect, spellings: Collection[str]) -> list[ColumnElement[bool]]:
    """What a filter asks for.

    Args:
        filters: The filter.
        dialect: The database's.
        spellings: The names of the people whom it means.
    """
    conditions: list[ColumnElement[bool]] = []
    if filters.subject is not None:
        conditions.append(or_(*_subject_condition(filters.subject, dialect, spellings)))
    if filters.actor is not None:
        conditions.append(or_(_column.actor.in_(spellings), func.lower(_column.actor) == filters.actor.lower()))
    if filters.action is not None:
        conditions.append(_column.action.startswith(filters.action, autoescape=True))
    if filters.after is not None:
        conditions.append(_column.seq > filters.after)
    return conditions


def _subject_condition(subject: str, dialect: Dialect, spellings: Collection[str]) -> Iterator[ColumnElement[bool]]:
    """Any of this: the entry is about it, names it, or is about a plan or apply of it."""
    yield _column.subject == subject
    kind, _, name = subject.partition("/")
    if name and kind in _NAMED:
        yield dialect.label(_column.detail, kind) == name
    if kind == "chatbot":
        for prefix, table in (("plan/", tables.plans), ("apply/", tables.applies)):
            yield _column.subject.in_(select(prefix + table.c.id).where(table.c.chatbot_id == name))
    if kind == "person":
        yield _column.subject.in_([_PERSON + spelling for spelling in spellings])
        yield func.lower(_column.subject) == subject.lower()
        yield dialect.label(_column.detail, kind).in_(spellings)
