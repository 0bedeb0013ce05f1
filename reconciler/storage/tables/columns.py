"""The metadata and the column types that all tables share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Integer, MetaData, String, TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: naive values are refused, and what comes back is UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value.isoformat()}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        if value is None:
            return None
        stored: datetime = value
        # SQLite keeps no zone; what is in it went through process_bind_param
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


def text(name: str, *, optional: bool = False, key: bool = False) -> Column[Any]:
    """A column of text."""
    return Column(name, String, nullable=optional, primary_key=key)


def moment(name: str, *, optional: bool = False) -> Column[Any]:
    """A column of moments in UTC."""
    return Column(name, UtcDateTime, nullable=optional)


def json(name: str, *, optional: bool = False) -> Column[Any]:
    """A column of JSON, in which None is NULL."""
    return Column(name, JSON(none_as_null=True), nullable=optional)


def number(name: str, *, optional: bool = False, key: bool = False) -> Column[Any]:
    """A column of integers, none of which the database makes up."""
    return Column(name, Integer, nullable=optional, primary_key=key, autoincrement=False)
