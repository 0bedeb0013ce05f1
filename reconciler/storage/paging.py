"""Lists in parts: a cursor says after which row the next part begins, so that new rows never shift the old."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, TypeAdapter
from sqlalchemy import Column, Select, literal, tuple_

from reconciler.ports import Page
from reconciler.storage import tables

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered, down to the last row.

    Attributes:
        columns: What it is ordered by; together they are unique.
        cursor: What a cursor holds: the list's name, then the columns' values.
        newest_first: Whether it descends.
    """

    columns: tuple[Column[Any], ...]
    cursor: TypeAdapter[Any]
    newest_first: bool = True

    def part(self, statement: Select[Any], limit: int, cursor: str | None) -> Select[Any]:
        """The statement for one part and one row more, which tells whether there is a next part.

        Raises:
            ValueError: When the cursor was not handed out by this list.
        """
        if cursor is not None:
            here = tuple_(*self.columns)
            last = tuple_(*map(literal, self._decode(cursor), (column.type for column in self.columns)))
            statement = statement.where(here < last if self.newest_first else here > last)
        order = [column.desc() if self.newest_first else column.asc() for column in self.columns]
        return statement.order_by(*order).limit(limit + 1)

    def page(self, found: Sequence[T], limit: int) -> Page[T]:
        """The part that a statement of `part` found."""
        items = found[:limit]
        return Page(items, self._encode(items[-1]) if len(found) > limit else None)

    def _encode(self, record: Any) -> str:
        values = [getattr(record, column.name) for column in self.columns]
        text = self.cursor.dump_json((self.columns[0].table.description, *values))
        return urlsafe_b64encode(text).rstrip(b"=").decode()

    def _decode(self, cursor: str) -> tuple[Any, ...]:
        try:
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            _, *values = self.cursor.validate_json(text)
        except ValueError as error:
            raise ValueError("this cursor was not handed out by this list: leave it out to begin anew") from error
        return tuple(values)


CHATBOTS = Order(
    (tables.chatbots.c.tenant, tables.chatbots.c.id),
    TypeAdapter(tuple[Literal["chatbots"], str, str]),
    newest_first=False,
)
PLANS = Order((tables.plans.c.created_at, tables.plans.c.id), TypeAdapter(tuple[Literal["plans"], AwareDatetime, str]))
RUNS = Order((tables.runs.c.created_at, tables.runs.c.id), TypeAdapter(tuple[Literal["runs"], AwareDatetime, str]))
AUDIT = Order((tables.audit.c.seq,), TypeAdapter(tuple[Literal["audit"], int]))
