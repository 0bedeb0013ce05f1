"""Reading what is kept apart from its rows."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.storage.packing import reference_in, unpack
from reconciler.storage.tables import content_uses, contents

T = TypeVar("T")

_AT_ONCE: Final = 500
"""Databases limit the variables of a statement."""


def owner_of(noun: str, row_id: str) -> str:
    """Under which name the contents of a row are kept."""
    return f"{noun}/{row_id}"


async def with_contents(
    connection: AsyncConnection, noun: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Rows with the whole values of those columns that may be kept apart.

    Args:
        connection: Where the rows were read.
        noun: What they are.
        columns: The names of such columns.
        rows: With their ``id``.
    """
    apart = [row for row in rows if any(reference_in(row[name]) for name in columns)]
    if not apart:
        return rows
    found = await _contents_of(connection, [owner_of(noun, row["id"]) for row in apart])
    return [{**row, **{name: unpack(row[name], found) for name in columns}} for row in rows]


def in_parts(items: Iterable[T]) -> Iterable[list[T]]:
    """Items in lists of a length that a statement takes."""
    iterator = iter(items)
    while part := list(islice(iterator, _AT_ONCE)):
        yield part


async def _contents_of(connection: AsyncConnection, owners: Sequence[str]) -> Mapping[str, bytes]:
    """Digest → content of everything that these rows use."""
    digests: set[str] = set()
    for part in in_parts(owners):
        digests.update(await connection.scalars(select(content_uses.c.digest).where(content_uses.c.owner.in_(part))))
    found: dict[str, bytes] = {}
    for part in in_parts(digests):
        kept = await connection.execute(select(contents.c.digest, contents.c.data).where(contents.c.digest.in_(part)))
        found |= {row.digest: zlib.decompress(row.data) for row in kept}
    return found
