"""Base classes of request and response models, and the types of their fields.

Requests are strict: unknown names are refused rather than ignored. In answers absent values are null, never missing.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

T = TypeVar("T")


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
Object = Mapping[str, Any]


class ResponseModel(BaseModel):
    """The base of all answers. `model_validate` makes one from the record that it shows: by its attributes' names."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True)

    @classmethod
    def of(cls, record: object, **fields: object) -> Self:
        """Make an answer from a record that does not have all of it.

        Args:
            record: Has an attribute for every field but those that are given.
            fields: What the record does not have, or has in another form.

        Returns:
            The answer.
        """
        own = {name: getattr(record, name) for name in cls.model_fields if name not in fields}
        return cls.model_validate(own | fields)


class ListResponse(ResponseModel, Generic[T]):
    """A part of a list, and the cursor of the next part."""

    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next part; null at the end.")


class ProblemResponse(ResponseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Where the code is described.")
    title: str
    status: int
    detail: str = Field(description="What is wrong here, and what to do.")
    code: str = Field(description="Stable: what a program decides by.")


MAX_PAGE = 200
DEFAULT_PAGE = 50
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}")


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _moment(value: Any) -> Any:
    """JSON has no dates: strict would refuse every text, and lax would take numbers for seconds."""
    if value is None or (isinstance(value, str) and _RFC3339.match(value)):
        return value
    raise ValueError("must be a text such as 2026-12-31T18:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999, in UTC") from None


_LONGEST_WORD = 200
_LONGEST_CURSOR = 4000
"""More than the longest keys take, whatever they are written in; a whole request head may be longer."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_WORD), AfterValidator(_storable)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_WORD + 20), AfterValidator(_storable)]
"""A kind and the name of what it is: `chatbot/ID`."""
LabelWord = Annotated[str, StringConstraints(min_length=1, max_length=2 * _LONGEST_WORD + 1), AfterValidator(_storable)]
"""A label's name, or its name and value: `name=value`."""
Cursor = Annotated[str, Field(max_length=_LONGEST_CURSOR)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_storable)
]
Fingerprint = Annotated[Word, Field(description="What the person saw; another one is refused by 409.")]
Until = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_moment), AfterValidator(_in_utc)]
Name = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")]


class RequestModel(BaseModel):
    """The base of all bodies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """The base of all query strings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def as_filter(self, kind: type[T], **fields: object) -> T:
        """Make a filter as the store takes it.

        Args:
            kind: A dataclass.
            fields: What the query does not have, or has in another form.

        Returns:
            The filter, with every field that the query has by the same name.
        """
        own = {name: getattr(self, name) for name in type(self).model_fields.keys() & kind.__annotations__.keys()}
        return kind(**(own | fields))


class PageQuery(Query):
    """Which part of a list."""

    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=MAX_PAGE, description="Items, at most.")
    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the part before.")


class TenantQuery(Query):
    """Which of the chatbots that share an id."""

    tenant: Word | None = None
