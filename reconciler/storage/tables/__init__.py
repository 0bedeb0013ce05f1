"""The tables of the database. Columns are named as the fields of the records that they keep."""

from reconciler.storage.tables.columns import UtcDateTime, metadata
from reconciler.storage.tables.decisions import (
    applies,
    approvals,
    audit,
    content_uses,
    contents,
    leases,
    people,
    plans,
    sessions,
    suspensions,
    switches,
    tokens,
)
from reconciler.storage.tables.files import OF_A_SOURCE, OF_FILES, file_claims, file_includes, known_trees, parsed_files
from reconciler.storage.tables.fleet import (
    baselines,
    chatbots,
    document_bodies,
    documents,
    runs,
    sources,
    tenants,
    transitions,
)

__all__ = [
    "OF_A_SOURCE",
    "OF_FILES",
    "UtcDateTime",
    "applies",
    "approvals",
    "audit",
    "baselines",
    "chatbots",
    "content_uses",
    "contents",
    "document_bodies",
    "documents",
    "file_claims",
    "file_includes",
    "known_trees",
    "leases",
    "metadata",
    "parsed_files",
    "people",
    "plans",
    "runs",
    "sessions",
    "sources",
    "suspensions",
    "switches",
    "tenants",
    "tokens",
    "transitions",
]
