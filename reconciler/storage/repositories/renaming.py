"""Renames sources in every row that names them."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Update, case, update

from reconciler.domain.suspensions import ScopeKind
from reconciler.storage import tables
from reconciler.storage.transaction import Transaction

SOURCE_COLUMNS: Final[tuple[Column[Any], ...]] = (
    tables.sources.c.name,
    tables.runs.c.source,
    tables.documents.c.source,
    tables.chatbots.c.source,
    tables.plans.c.source,
    tables.transitions.c.source,
    tables.transitions.c.source_before,
    tables.baselines.c.source,
    *(table.c.source for table in tables.OF_A_SOURCE),
)
"""Where the name of a source is kept, besides suspensions and tokens."""

_ON_THE_WAY: Final = "/"
"""What no name begins with: names that are swapped must not meet half way."""


async def rename_sources(transaction: Transaction, names: Mapping[str, str]) -> None:
    """Replace names of sources, given as old → new, wherever they are kept but in tokens and the audit log."""
    if not names:
        return
    for step in (
        {old: _ON_THE_WAY + new for old, new in names.items()},
        {_ON_THE_WAY + new: new for new in names.values()},
    ):
        for column in SOURCE_COLUMNS:
            await transaction.write(_replace(column, step))
        subject = tables.suspensions.c.subject
        await transaction.write(_replace(subject, step).where(tables.suspensions.c.kind == ScopeKind.SOURCE.value))


def _replace(column: Column[Any], names: Mapping[str, str]) -> Update:
    renamed = case(dict(names), value=column)
    return update(column.table).where(column.in_(names)).values({column.name: renamed})
