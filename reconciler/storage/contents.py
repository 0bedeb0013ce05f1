"""Reads large values that are stored apart from their rows."""

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
_SMALL: Final = 1_024
"""Bytes of contents as they are kept; once unpacked, they may be a thousand times as many."""


def owner_of(noun: str, row_id: str) -> str:
    """Under which name the contents of a row are kept."""
    return f"{noun}/{row_id}"


async def contents_of(
    connection: AsyncConnection, noun: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Mapping[str, bytes]:
    """Digest → content, as it is kept, of everything that rows refer to.

    Args:
        connection: Where the rows were read.
        noun: What they are.
        columns: The names of columns whose values may be kept apart.
        rows: With their ``id``.
    """
    referring = [row for row in rows if any(reference_in(row[name]) for name in columns)]
    return await _contents_of(connection, [owner_of(noun, row["id"]) for row in referring]) if referring else {}


def may_be_large(contents: Mapping[str, bytes]) -> bool:
    """Whether contents, as they are kept, may take long to be put together."""
    return sum(map(len, contents.values())) > _SMALL


def with_contents(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], contents: Mapping[str, bytes]
) -> Sequence[Mapping[str, Any]]:
    """Rows with the whole values of those columns that may be kept apart; takes as long as the values are large.

    Args:
        columns: The names of such columns.
        rows: As they were read.
        contents: What `contents_of` found for them.
    """
    if not contents:
        return rows
    found = {digest: zlib.decompress(data) for digest, data in contents.items()}
    return [{**row, **{name: unpack(row[name], found) for name in columns}} for row in rows]


def in_parts(items: Iterable[T]) -> Iterable[list[T]]:
    """Items in lists of a length that a statement takes."""
    iterator = iter(items)
    while part := list(islice(iterator, _AT_ONCE)):
        yield part


async def _contents_of(connection: AsyncConnection, owners: Sequence[str]) -> Mapping[str, bytes]:
    """Digest → content, as it is kept, of everything that these rows use."""
    digests: set[str] = set()
    for part in in_parts(owners):
        digests.update(await connection.scalars(select(content_uses.c.digest).where(content_uses.c.owner.in_(part))))
    found: dict[str, bytes] = {}
    for part in in_parts(digests):
        kept = await connection.execute(select(contents.c.digest, contents.c.data).where(contents.c.digest.in_(part)))
        found |= {row.digest: row.data for row in kept}
    return found
