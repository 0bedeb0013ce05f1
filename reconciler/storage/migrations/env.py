"""Runs the migrations over the connection that `storage.schema` gives."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from reconciler.storage.tables import UtcDateTime, metadata


def render(kind: str, item: Any, _: object) -> str | Literal[False]:
    """How a new migration spells our types: without importing code that moves on."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        return "sa.JSON()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table: it is rebuilt
    render_as_batch=True,
    transactional_ddl=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
