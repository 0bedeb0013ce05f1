"""Bodies of documents kept once and compressed, and what is known of files found by what they claim"""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_AT_ONCE = 100
_LEVEL = 6

_documents = sa.table(
    "documents", *map(sa.column, ("source", "chatbot_id", "digest", "refusal")), sa.column("body", sa.JSON)
)
_bodies = sa.table("document_bodies", *map(sa.column, ("source", "digest")), sa.column("data", sa.LargeBinary))
_baselines = sa.table(
    "baselines",
    *map(sa.column, ("tenant", "chatbot_id")),
    sa.column("sections", sa.JSON),
    sa.column("data", sa.LargeBinary),
)


def upgrade() -> None:
    _keep_bodies_apart()
    _pack_baselines()
    _know_files_anew()


def _keep_bodies_apart() -> None:
    op.create_table(
        "document_bodies",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "digest", name=op.f("pk_document_bodies")),
    )
    for rows in _in_parts(_documents, ("source", "chatbot_id")):
        bodies = {(row["source"], row["digest"]): row["body"] for row in rows if row["digest"] is not None}
        for (source, digest), body in bodies.items():
            same = (_bodies.c.source == source, _bodies.c.digest == digest)
            if op.get_bind().execute(sa.select(_bodies.c.digest).where(*same)).first() is None:
                values = {"source": source, "digest": digest, "data": _packed(body)}
                op.get_bind().execute(sa.insert(_bodies).values(values))
    op.drop_column("documents", "body")
    # the first start looks at all of them
    op.add_column("documents", sa.Column("unsettled", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("documents") as documents:
        documents.alter_column("unsettled", server_default=None)
    op.create_index("ix_documents_source_path", "documents", ["source", "path"])
    op.create_index("ix_documents_source_digest", "documents", ["source", "digest"])
    refused = sa.text("refusal IS NOT NULL")
    op.create_index("ix_documents_refused", "documents", ["source"], sqlite_where=refused, postgresql_where=refused)
    _index_those_that_are("ix_documents_unsettled", "documents", "unsettled")


def _pack_baselines() -> None:
    op.add_column("baselines", sa.Column("data", sa.LargeBinary(), nullable=True))
    for rows in _in_parts(_baselines, ("tenant", "chatbot_id")):
        for row in rows:
            mine = (_baselines.c.tenant == row["tenant"], _baselines.c.chatbot_id == row["chatbot_id"])
            packed = sa.update(_baselines).where(*mine).values(data=_packed(row["sections"]))
            op.get_bind().execute(packed)
    op.drop_column("baselines", "sections")
    with op.batch_alter_table("baselines") as baselines:
        baselines.alter_column("data", nullable=False)


def _know_files_anew() -> None:
    """What an older program knew of files is read anew: it did not say what they claim."""
    op.drop_table("parsed_files")
    op.create_table(
        "parsed_files",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("blob_id", sa.String(), nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("has_findings", sa.Boolean(), nullable=False),
        sa.Column("file", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "path", name=op.f("pk_parsed_files")),
    )
    _index_those_that_are("ix_parsed_files_findings", "parsed_files", "has_findings")
    op.create_table(
        "file_claims",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chatbot_id", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("source", "path", "number", name=op.f("pk_file_claims")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_file_claims_source_chatbot_id", "file_claims", ["source", "chatbot_id"])
    op.create_index("ix_file_claims_source_digest", "file_claims", ["source", "digest"])
    op.create_table(
        "file_includes",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("included", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source", "path", "included", name=op.f("pk_file_includes")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_file_includes_source_included", "file_includes", ["source", "included"])
    op.create_table(
        "known_trees",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("tree", sa.JSON(), nullable=True),
        sa.Column("is_promoted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_known_trees")),
    )


def _index_those_that_are(name: str, table: str, column: str) -> None:
    """By source; written as the program asks, or SQLite would not use the index."""
    sqlite, postgresql = sa.text(f"{column} IS 1"), sa.text(f"{column} IS true")
    op.create_index(name, table, ["source"], sqlite_where=sqlite, postgresql_where=postgresql)


def _in_parts(table: sa.TableClause, key: tuple[str, ...]) -> Iterator[list[Any]]:
    """The rows of a table, some at once: an old database may hold more than memory does."""
    columns, last = [table.c[name] for name in key], None
    while True:
        statement = sa.select(*table.c).order_by(*columns).limit(_AT_ONCE)
        if last is not None:
            statement = statement.where(sa.tuple_(*columns) > sa.tuple_(*map(sa.literal, last)))
        rows = list(op.get_bind().execute(statement).mappings())
        if not rows:
            return
        yield rows
        last = tuple(rows[-1][name] for name in key)


def _packed(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)
