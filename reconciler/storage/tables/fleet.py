"""The tables of sources, tenants, runs, documents and chatbots, with their history and baselines."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table

from reconciler.domain.entities import RunStatus
from reconciler.storage.tables.columns import json, metadata, moment, number, text

sources = Table(
    "sources",
    metadata,
    text("name", key=True),
    text("tenant"),
    text("url"),
    text("branch", optional=True),
    text("state"),
    text("cause", optional=True),
    text("message", optional=True),
    text("good_revision", optional=True),
    text("seen_revision", optional=True),
    text("last_run_id", optional=True),
    moment("git_checked_at", optional=True),
    moment("drift_checked_at", optional=True),
    moment("compared_at", optional=True),
    moment("next_run_at", optional=True),
    text("brake", optional=True),
    moment("configured_at", optional=True),
    number("version"),
)

tenants = Table(
    "tenants",
    metadata,
    text("name", key=True),
    text("state", optional=True),
    text("cause", optional=True),
    moment("since", optional=True),
    json("write_key", optional=True),
    moment("shortcut_off_since", optional=True),
    text("shortcut_off_reason", optional=True),
    number("version"),
)

runs = Table(
    "runs",
    metadata,
    text("id", key=True),
    text("source"),
    text("trigger"),
    Column("full", Boolean, nullable=False),
    text("status"),
    moment("created_at"),
    text("revision", optional=True),
    moment("started_at", optional=True),
    moment("finished_at", optional=True),
    json("counts"),
    json("diagnostics"),
    text("message", optional=True),
    text("seen_revision", optional=True),
    json("uncompared"),
    Column("drift", Boolean, nullable=False),
    number("version"),
)
_waiting = runs.c.status == RunStatus.QUEUED.value
Index("uq_runs_one_queued", runs.c.source, unique=True, sqlite_where=_waiting, postgresql_where=_waiting)
Index(None, runs.c.created_at, runs.c.id)
Index(None, runs.c.source, runs.c.created_at, runs.c.id)
Index(None, runs.c.status)

documents = Table(
    "documents",
    metadata,
    text("source", key=True),
    text("chatbot_id", key=True),
    text("tenant"),
    text("path"),
    number("line"),
    json("labels"),
    text("name", optional=True),
    text("digest", optional=True),
    text("refusal", optional=True),
    text("refusal_message", optional=True),
    # whether its chatbot does not follow it, or that was not checked yet
    Column("unsettled", Boolean, nullable=False),
)
Index(None, documents.c.tenant, documents.c.chatbot_id)
Index("ix_documents_source_path", documents.c.source, documents.c.path)
Index("ix_documents_source_digest", documents.c.source, documents.c.digest)
_refused = documents.c.refusal.is_not(None)
Index("ix_documents_refused", documents.c.source, sqlite_where=_refused, postgresql_where=_refused)
_unsettled = documents.c.unsettled.is_(True)
Index("ix_documents_unsettled", documents.c.source, sqlite_where=_unsettled, postgresql_where=_unsettled)

# the bodies of documents, and of files that are known, by digest: see storage/bodies.py
document_bodies = Table(
    "document_bodies",
    metadata,
    text("source", key=True),
    text("digest", key=True),
    Column("data", LargeBinary, nullable=False),
)

chatbots = Table(
    "chatbots",
    metadata,
    text("tenant", key=True),
    text("id", key=True),
    text("name", optional=True),
    text("source", optional=True),
    text("path", optional=True),
    json("labels"),
    text("sync"),
    text("direction"),
    text("fault", optional=True),
    text("fault_message", optional=True),
    text("reason"),
    text("message"),
    text("suspension_id", optional=True),
    text("plan_id", optional=True),
    text("revision", optional=True),
    text("last_applied_revision", optional=True),
    moment("checked_at", optional=True),
    text("checked_digest", optional=True),
    moment("synced_at", optional=True),
    text("synced_revision", optional=True),
    moment("drifted_at", optional=True),
    moment("held_drift_at", optional=True),
    text("rejected_fingerprint", optional=True),
    text("unconverged_body", optional=True),
    number("unconverged_ends"),
    number("epoch"),
    moment("live_updated_at", optional=True),
    moment("compared_updated_at", optional=True),
    text("checked_by", optional=True),
    text("result_digest", optional=True),
    number("result_version", optional=True),
    text("answer_digest", optional=True),
    moment("unexplained_at", optional=True),
    moment("missing_since", optional=True),
    moment("missing_asked_at", optional=True),
    number("version"),
    # id, name and path, case folded: databases disagree about the case of letters beyond ASCII
    text("search"),
    # what it is called, case folded
    text("called"),
)
Index(None, chatbots.c.id)
Index(None, chatbots.c.called, chatbots.c.tenant, chatbots.c.id)
Index(None, chatbots.c.drifted_at, chatbots.c.tenant, chatbots.c.id)
# finds what is to be compared without reading the rest
_pending = chatbots.c.checked_digest.is_(None)
Index("ix_chatbots_pending", chatbots.c.source, chatbots.c.id, sqlite_where=_pending, postgresql_where=_pending)
_unexplained = chatbots.c.unexplained_at.is_not(None)
Index("ix_chatbots_unexplained", chatbots.c.source, sqlite_where=_unexplained, postgresql_where=_unexplained)
_compared = chatbots.c.checked_digest.is_not(None)
Index(
    "ix_chatbots_checked",
    chatbots.c.source,
    chatbots.c.checked_at,
    chatbots.c.checked_by,
    sqlite_where=_compared,
    postgresql_where=_compared,
)
# the fleet is counted from this index alone
Index(
    "ix_chatbots_standing",
    chatbots.c.source,
    chatbots.c.sync,
    chatbots.c.direction,
    chatbots.c.reason,
    chatbots.c.suspension_id,
)

transitions = Table(
    "transitions",
    metadata,
    # in the order of insertion: moments may be equal
    Column("id", Integer, primary_key=True),
    moment("at"),
    text("tenant"),
    text("chatbot_id"),
    text("source_before", optional=True),
    text("source", optional=True),
    text("sync_before", optional=True),
    text("sync", optional=True),
    text("direction_before", optional=True),
    text("direction", optional=True),
    text("reason"),
    text("revision", optional=True),
    text("cause"),
)
Index(None, transitions.c.tenant, transitions.c.chatbot_id, transitions.c.id)
# the curve is counted from this index alone
Index(
    "ix_transitions_drift",
    transitions.c.at,
    transitions.c.sync_before,
    transitions.c.sync,
    transitions.c.source_before,
    transitions.c.source,
)

baselines = Table(
    "baselines",
    metadata,
    text("tenant", key=True),
    text("chatbot_id", key=True),
    Column("data", LargeBinary, nullable=False),
    # the body of a document that it is packed against, because both are nearly equal
    text("source", optional=True),
    text("digest", optional=True),
)
Index("ix_baselines_body", baselines.c.source, baselines.c.digest)
