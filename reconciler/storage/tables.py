"""The tables. Columns are named as the fields of the records that they keep."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import OPEN

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
        moment: datetime = value
        # SQLite keeps no zone; what is in it went through process_bind_param
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(name: str, *, optional: bool = False, key: bool = False) -> Column[Any]:
    return Column(name, String, nullable=optional, primary_key=key)


def _moment(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=optional)


def _json(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=optional)


def _number(name: str, *, optional: bool = False, key: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=optional, primary_key=key, autoincrement=False)


sources = Table(
    "sources",
    metadata,
    _text("name", key=True),
    _text("tenant"),
    _text("url"),
    _text("branch", optional=True),
    _text("state"),
    _text("cause", optional=True),
    _text("message", optional=True),
    _text("good_revision", optional=True),
    _text("seen_revision", optional=True),
    _text("last_run_id", optional=True),
    _moment("git_checked_at", optional=True),
    _moment("drift_checked_at", optional=True),
    _moment("compared_at", optional=True),
    _moment("next_run_at", optional=True),
    _text("brake", optional=True),
    _moment("configured_at", optional=True),
    _number("version"),
)

tenants = Table(
    "tenants",
    metadata,
    _text("name", key=True),
    _text("state", optional=True),
    _text("cause", optional=True),
    _moment("since", optional=True),
    _json("write_key", optional=True),
    _moment("shortcut_off_since", optional=True),
    _text("shortcut_off_reason", optional=True),
    _number("version"),
)

runs = Table(
    "runs",
    metadata,
    _text("id", key=True),
    _text("source"),
    _text("trigger"),
    Column("full", Boolean, nullable=False),
    _text("status"),
    _moment("created_at"),
    _text("revision", optional=True),
    _moment("started_at", optional=True),
    _moment("finished_at", optional=True),
    _json("counts"),
    _json("diagnostics"),
    _text("message", optional=True),
    _text("seen_revision", optional=True),
    _json("uncompared"),
    Column("drift", Boolean, nullable=False),
    _number("version"),
)
_waiting = runs.c.status == RunStatus.QUEUED.value
Index("uq_runs_one_queued", runs.c.source, unique=True, sqlite_where=_waiting, postgresql_where=_waiting)
Index(None, runs.c.created_at, runs.c.id)
Index(None, runs.c.source, runs.c.created_at, runs.c.id)
Index(None, runs.c.status)

documents = Table(
    "documents",
    metadata,
    _text("source", key=True),
    _text("chatbot_id", key=True),
    _text("tenant"),
    _text("path"),
    _number("line"),
    _json("labels"),
    _text("name", optional=True),
    _text("digest", optional=True),
    _text("refusal", optional=True),
    _text("refusal_message", optional=True),
    # whether nobody has looked yet if its chatbot follows it, or it does not
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
    _text("source", key=True),
    _text("digest", key=True),
    Column("data", LargeBinary, nullable=False),
)

chatbots = Table(
    "chatbots",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("name", optional=True),
    _text("source", optional=True),
    _text("path", optional=True),
    _json("labels"),
    _text("sync"),
    _text("direction"),
    _text("fault", optional=True),
    _text("fault_message", optional=True),
    _text("reason"),
    _text("message"),
    _text("suspension_id", optional=True),
    _text("plan_id", optional=True),
    _text("revision", optional=True),
    _text("last_applied_revision", optional=True),
    _moment("checked_at", optional=True),
    _text("checked_digest", optional=True),
    _moment("synced_at", optional=True),
    _text("synced_revision", optional=True),
    _moment("drifted_at", optional=True),
    _moment("held_drift_at", optional=True),
    _text("rejected_fingerprint", optional=True),
    _text("unconverged_body", optional=True),
    _number("unconverged_ends"),
    _number("epoch"),
    _moment("live_updated_at", optional=True),
    _moment("compared_updated_at", optional=True),
    _text("checked_by", optional=True),
    _text("result_digest", optional=True),
    _number("result_version", optional=True),
    _moment("unexplained_at", optional=True),
    _moment("missing_since", optional=True),
    _moment("missing_asked_at", optional=True),
    _number("version"),
    # id, name and path, case folded: databases disagree about the case of letters beyond ASCII
    _text("search"),
    # what it is called, case folded
    _text("called"),
)
Index(None, chatbots.c.id)
Index(None, chatbots.c.called, chatbots.c.tenant, chatbots.c.id)
Index(None, chatbots.c.drifted_at, chatbots.c.tenant, chatbots.c.id)
# what is to be compared is found without looking at the rest
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
    # in the order in which they came to be: moments may be equal
    Column("id", Integer, primary_key=True),
    _moment("at"),
    _text("tenant"),
    _text("chatbot_id"),
    _text("source_before", optional=True),
    _text("source", optional=True),
    _text("sync_before", optional=True),
    _text("sync", optional=True),
    _text("direction_before", optional=True),
    _text("direction", optional=True),
    _text("reason"),
    _text("revision", optional=True),
    _text("cause"),
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
    _text("tenant", key=True),
    _text("chatbot_id", key=True),
    Column("data", LargeBinary, nullable=False),
    # the body of a document that it is packed by, because both say nearly the same
    _text("source", optional=True),
    _text("digest", optional=True),
)
Index("ix_baselines_body", baselines.c.source, baselines.c.digest)

plans = Table(
    "plans",
    metadata,
    _text("id", key=True),
    _text("tenant"),
    _text("chatbot_id"),
    _text("source"),
    _text("path"),
    _text("revision"),
    _text("status"),
    _text("reason"),
    _text("message"),
    _text("fingerprint"),
    _json("body"),
    _json("ops"),
    _json("summary"),
    _text("direction"),
    _number("approvals_required"),
    _text("delete_override", optional=True),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("closed_at", optional=True),
    _text("apply_id", optional=True),
    _text("change"),
    _number("losses", optional=True),
    Column("stored_otherwise", Boolean, nullable=False),
    _text("suspension_id", optional=True),
    _number("version"),
)
_open = plans.c.status.in_(sorted(status.value for status in OPEN))
Index("uq_plans_one_open", plans.c.tenant, plans.c.chatbot_id, unique=True, sqlite_where=_open, postgresql_where=_open)
Index(None, plans.c.created_at, plans.c.id)
Index(None, plans.c.status, plans.c.created_at, plans.c.id)
Index(None, plans.c.chatbot_id, plans.c.created_at, plans.c.id)
Index(None, plans.c.source, plans.c.created_at, plans.c.id)
Index(None, plans.c.source, plans.c.revision)
Index(None, plans.c.change, plans.c.created_at, plans.c.id)

applies = Table(
    "applies",
    metadata,
    _text("id", key=True),
    Column("plan_id", String, ForeignKey("plans.id"), nullable=False, index=True),
    _text("tenant"),
    _text("chatbot_id"),
    _text("fingerprint"),
    _text("status"),
    _text("requested_by"),
    _moment("created_at"),
    _moment("started_at", optional=True),
    _moment("intent_at", optional=True),
    _moment("finished_at", optional=True),
    _json("applied"),
    _json("failed", optional=True),
    _text("reason", optional=True),
    _text("message", optional=True),
    _number("window_ms", optional=True),
    _number("version"),
)
Index(None, applies.c.status)
Index(None, applies.c.tenant, applies.c.chatbot_id, applies.c.fingerprint)

approvals = Table(
    "approvals",
    metadata,
    _text("id", key=True),
    Column("plan_id", String, ForeignKey("plans.id"), nullable=False, index=True),
    _text("fingerprint"),
    _text("actor"),
    _text("token_id", optional=True),
    _moment("created_at"),
    _moment("expires_at", optional=True),
    Column("automatic", Boolean, nullable=False),
    _text("comment", optional=True),
    Column("deletes", Boolean, nullable=False),
    _text("reason", optional=True),
    _moment("revoked_at", optional=True),
    _moment("spent_at", optional=True),
    Column("spent_by", String, ForeignKey("applies.id")),
    _number("version"),
)

suspensions = Table(
    "suspensions",
    metadata,
    _text("id", key=True),
    _text("kind"),
    _text("subject"),
    _text("reason"),
    _text("actor"),
    _moment("created_at"),
    _moment("until", optional=True),
    _moment("ended_at", optional=True),
    _text("ended_by", optional=True),
    _moment("reminded_at", optional=True),
    _number("version"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _moment("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("fingerprint", optional=True),
    _json("detail"),
    _text("prev_hash"),
    _text("hash"),
)
Index(None, audit.c.subject, audit.c.seq)

tokens = Table(
    "tokens",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("person"),
    _text("role"),
    Column("hash", String, nullable=False, unique=True),
    _moment("created_at"),
    _moment("expires_at", optional=True),
    _moment("revoked_at", optional=True),
    _json("sources", optional=True),
    _moment("last_used_at", optional=True),
    _number("version"),
)

people = Table(
    "people",
    metadata,
    _text("name", key=True),
    _text("issuer"),
    _text("subject"),
    _json("groups"),
    _moment("seen_at"),
    _moment("barred_at", optional=True),
    _number("version"),
    UniqueConstraint("issuer", "subject"),
)

sessions = Table(
    "sessions",
    metadata,
    _text("id", key=True),
    Column("hash", String, nullable=False, unique=True),
    _text("person"),
    _text("token_id", optional=True),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("ended_at", optional=True),
    _number("version"),
)
Index(None, sessions.c.person)

switches = Table(
    "switches",
    metadata,
    _text("name", key=True),
    _text("value"),
    _moment("since"),
    _number("version"),
)

leases = Table(
    "leases",
    metadata,
    _text("tenant", key=True),
    _text("chatbot_id", key=True),
    _text("holder"),
    _number("fence"),
    _moment("expires_at"),
)

# what is known of the files of sources, so that none is read twice: it may be deleted at any time
parsed_files = Table(
    "parsed_files",
    metadata,
    _text("source", key=True),
    _text("path", key=True),
    _text("blob_id"),
    # what one version of the program parsed, another reads anew: its rules may differ
    _text("program"),
    Column("has_findings", Boolean, nullable=False),
    _json("file"),
)
_found = parsed_files.c.has_findings.is_(True)
Index("ix_parsed_files_findings", parsed_files.c.source, sqlite_where=_found, postgresql_where=_found)

file_claims = Table(
    "file_claims",
    metadata,
    _text("source", key=True),
    _text("path", key=True),
    _number("number", key=True),
    _text("chatbot_id", optional=True),
    _text("digest", optional=True),
    sqlite_with_rowid=False,
)
Index(None, file_claims.c.source, file_claims.c.chatbot_id)
Index("ix_file_claims_source_digest", file_claims.c.source, file_claims.c.digest)

file_includes = Table(
    "file_includes",
    metadata,
    _text("source", key=True),
    _text("path", key=True),
    _text("included", key=True),
    sqlite_with_rowid=False,
)
Index("ix_file_includes_source_included", file_includes.c.source, file_includes.c.included)

# which tree the known files of a source are, as a whole
known_trees = Table(
    "known_trees",
    metadata,
    _text("source", key=True),
    _text("program"),
    # changes with every write, so that nobody describes what another one changed meanwhile
    _text("writer"),
    _json("tree", optional=True),
    # whether the claims of the source are those of these files
    Column("is_promoted", Boolean, nullable=False),
)

OF_FILES = (parsed_files, file_claims, file_includes, known_trees)
"""What is known of a source's files: it may be deleted at any time."""
OF_A_SOURCE = (document_bodies, *OF_FILES)
"""What is kept of a source's files, besides its claims."""

# large values of plans and runs: see storage/packing.py
contents = Table("contents", metadata, _text("digest", key=True), Column("data", LargeBinary, nullable=False))

content_uses = Table(
    "content_uses",
    metadata,
    _text("owner", key=True),
    Column("digest", String, ForeignKey("contents.digest"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
