"""Pagination by cursors: each names the last row of its page, so that new rows shift nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter
from sqlalchemy import Column, ColumnElement, Select, literal, tuple_

from reconciler.domain.listing import Page
from reconciler.storage import tables

T = TypeVar("T")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this is no moment in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Number = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""What a cursor may hold: what each database takes, whoever wrote the cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a list is ordered, down to the last row.

    Attributes:
        name: The list's; a cursor holds for the list and the order of its name alone.
        by: What it is ordered by; together they are unique.
        values: The values of ``by`` for a record.
        cursor: What a cursor holds: the name, then these values.
        descending: Whether the last comes first.
    """

    name: str
    by: tuple[ColumnElement[Any], ...]
    values: Callable[[Any], tuple[Any, ...]]
    cursor: TypeAdapter[tuple[Any, ...]]
    descending: bool = True

    def part(self, statement: Select[Any], limit: int, cursor: str | None) -> Select[Any]:
        """The statement for one part and one row more, which shows whether there is a next part.

        Raises:
            ValueError: When the cursor was not handed out by this list.
        """
        if cursor is not None:
            position = tuple_(*self.by)
            last = tuple_(*map(literal, self._decode(cursor), (item.type for item in self.by)))
            statement = statement.where(position < last if self.descending else position > last)
        order = [item.desc() if self.descending else item.asc() for item in self.by]
        return statement.order_by(*order).limit(limit + 1)

    def page(self, rows: Sequence[T], limit: int) -> Page[T]:
        """The part that a statement of `part` found."""
        items = rows[:limit]
        return Page(items, self._encode(items[-1]) if len(rows) > limit else None)

    def _encode(self, record: Any) -> str:
        text = self.cursor.dump_json((self.name, *self.values(record)))
        return urlsafe_b64encode(text).rstrip(b"=").decode()

    def _decode(self, cursor: str) -> tuple[Any, ...]:
        try:
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            name, *values = self.cursor.validate_json(text)
        except ValueError as error:
            raise ValueError("this cursor was not handed out by this list: leave it out to begin anew") from error
        if name != self.name:
            raise ValueError("this cursor was not handed out by this list: leave it out to begin anew")
        return tuple(values)


def _newest_first(name: str, cursor: TypeAdapter[Any], *columns: Column[Any]) -> Order:
    names = [column.name for column in columns]
    return Order(name=name, by=columns, values=lambda record: _fields(record, names), cursor=cursor)


def _fields(record: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(attrgetter(name)(record) for name in names)


_MOMENT_AND_ID: Final[TypeAdapter[Any]] = TypeAdapter(tuple[str, Moment, Text])
PLANS = _newest_first("plans", _MOMENT_AND_ID, tables.plans.c.created_at, tables.plans.c.id)
RUNS = _newest_first("runs", _MOMENT_AND_ID, tables.runs.c.created_at, tables.runs.c.id)
AUDIT = _newest_first("audit", TypeAdapter(tuple[str, Number]), tables.audit.c.seq)
