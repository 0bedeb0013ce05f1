"""The tables of the cache of parsed files. They may be emptied at any time."""

from sqlalchemy import Boolean, Column, Index, Table

from reconciler.storage.tables.columns import json, metadata, number, text
from reconciler.storage.tables.fleet import document_bodies

parsed_files = Table(
    "parsed_files",
    metadata,
    text("source", key=True),
    text("path", key=True),
    text("blob_id"),
    # another version of the program parses files anew: its rules may differ
    text("program"),
    Column("has_findings", Boolean, nullable=False),
    json("file"),
)
_found = parsed_files.c.has_findings.is_(True)
Index("ix_parsed_files_findings", parsed_files.c.source, sqlite_where=_found, postgresql_where=_found)

file_claims = Table(
    "file_claims",
    metadata,
    text("source", key=True),
    text("path", key=True),
    number("number", key=True),
    text("chatbot_id", optional=True),
    text("digest", optional=True),
    sqlite_with_rowid=False,
)
Index(None, file_claims.c.source, file_claims.c.chatbot_id)
Index("ix_file_claims_source_digest", file_claims.c.source, file_claims.c.digest)

file_includes = Table(
    "file_includes",
    metadata,
    text("source", key=True),
    text("path", key=True),
    text("included", key=True),
    sqlite_with_rowid=False,
)
Index("ix_file_includes_source_included", file_includes.c.source, file_includes.c.included)

# which tree the known files of a source are, as a whole
known_trees = Table(
    "known_trees",
    metadata,
    text("source", key=True),
    text("program"),
    # changes with every write, which shows that another process has written meanwhile
    text("writer"),
    json("tree", optional=True),
    # whether the claims of the source are those of these files
    Column("is_promoted", Boolean, nullable=False),
)

OF_FILES = (parsed_files, file_claims, file_includes, known_trees)
"""What is known of a source's files: it may be deleted at any time."""
OF_A_SOURCE = (document_bodies, *OF_FILES)
"""What is kept of a source's files, besides its claims."""
