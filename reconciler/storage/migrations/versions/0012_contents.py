"""Large values apart from their rows, each kept once"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LARGE = {"plan": ("plans", ("body", "ops")), "run": ("runs", ("diagnostics",))}
_SMALLEST = 1024
_AT_ONCE = 50

_contents = sa.table("contents", sa.column("digest", sa.String), sa.column("data", sa.LargeBinary))
_uses = sa.table("content_uses", sa.column("owner", sa.String), sa.column("digest", sa.String))


def upgrade() -> None:
    op.create_table(
        "contents",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contents")),
    )
    op.create_table(
        "content_uses",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["contents.digest"], name=op.f("fk_content_uses_digest_contents")),
        sa.PrimaryKeyConstraint("owner", "digest", name=op.f("pk_content_uses")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_content_uses_digest"), "content_uses", ["digest"])
    for noun, (name, columns) in _LARGE.items():
        table = sa.table(name, sa.column("id", sa.String), *(sa.column(column, sa.JSON) for column in columns))
        _pack(noun, table, columns)


def _pack(noun: str, table: sa.TableClause, columns: tuple[str, ...]) -> None:
    for ids in _in_parts(op.get_bind().execute(sa.select(table.c.id)).scalars().all()):
        for row in op.get_bind().execute(sa.select(table).where(table.c.id.in_(ids))).mappings().all():
            digests: set[str] = set()
            values = {column: _apart(row[column], digests) for column in columns}
            if digests:
                op.get_bind().execute(sa.update(table).where(table.c.id == row["id"]).values(values))
                uses = [{"owner": f"{noun}/{row['id']}", "digest": digest} for digest in digests]
                op.get_bind().execute(sa.insert(_uses), uses)


def _apart(value: Any, digests: set[str]) -> Any:
    """What the row keeps of a value; the value is kept as one piece."""
    text = _dumped(value)
    if len(text) < _SMALLEST:
        return value
    content = _dumped([text]).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(content).hexdigest()
    digests.add(digest)
    known = op.get_bind().execute(sa.select(_contents.c.digest).where(_contents.c.digest == digest)).first()
    if known is None:
        op.get_bind().execute(sa.insert(_contents).values(digest=digest, data=zlib.compress(content)))
    return {"$content": digest}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _in_parts(ids: Any) -> Iterator[list[str]]:
    iterator = iter(ids)
    while part := list(islice(iterator, _AT_ONCE)):
        yield part
