"""The tables of plans, approvals, applies and suspensions, of the audit log, and of tokens, people and sessions."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from reconciler.domain.lifecycle import OPEN
from reconciler.storage.tables.columns import json, metadata, moment, number, text

plans = Table(
    "plans",
    metadata,
    text("id", key=True),
    text("tenant"),
    text("chatbot_id"),
    text("source"),
    text("path"),
    text("revision"),
    text("status"),
    text("reason"),
    text("message"),
    text("fingerprint"),
    json("body"),
    json("ops"),
    json("summary"),
    text("direction"),
    number("approvals_required"),
    text("delete_override", optional=True),
    moment("created_at"),
    moment("expires_at"),
    moment("closed_at", optional=True),
    text("apply_id", optional=True),
    text("change"),
    number("losses", optional=True),
    Column("stored_otherwise", Boolean, nullable=False),
    text("suspension_id", optional=True),
    number("version"),
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
    text("id", key=True),
    Column("plan_id", String, ForeignKey("plans.id"), nullable=False, index=True),
    text("tenant"),
    text("chatbot_id"),
    text("fingerprint"),
    text("status"),
    text("requested_by"),
    moment("created_at"),
    moment("started_at", optional=True),
    moment("intent_at", optional=True),
    moment("finished_at", optional=True),
    json("applied"),
    json("failed", optional=True),
    text("reason", optional=True),
    text("message", optional=True),
    number("window_ms", optional=True),
    number("version"),
)
Index(None, applies.c.status)
Index(None, applies.c.tenant, applies.c.chatbot_id, applies.c.fingerprint)

approvals = Table(
    "approvals",
    metadata,
    text("id", key=True),
    Column("plan_id", String, ForeignKey("plans.id"), nullable=False, index=True),
    text("fingerprint"),
    text("actor"),
    text("token_id", optional=True),
    moment("created_at"),
    moment("expires_at", optional=True),
    Column("automatic", Boolean, nullable=False),
    text("comment", optional=True),
    Column("deletes", Boolean, nullable=False),
    text("reason", optional=True),
    moment("revoked_at", optional=True),
    moment("spent_at", optional=True),
    Column("spent_by", String, ForeignKey("applies.id")),
    number("version"),
)

suspensions = Table(
    "suspensions",
    metadata,
    text("id", key=True),
    text("kind"),
    text("subject"),
    text("reason"),
    text("actor"),
    moment("created_at"),
    moment("until", optional=True),
    moment("ended_at", optional=True),
    text("ended_by", optional=True),
    moment("reminded_at", optional=True),
    number("version"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    moment("at"),
    text("actor"),
    text("action"),
    text("subject"),
    text("fingerprint", optional=True),
    json("detail"),
    text("prev_hash"),
    text("hash"),
)
Index(None, audit.c.subject, audit.c.seq)

tokens = Table(
    "tokens",
    metadata,
    text("id", key=True),
    text("name"),
    text("person"),
    text("role"),
    Column("hash", String, nullable=False, unique=True),
    moment("created_at"),
    moment("expires_at", optional=True),
    moment("revoked_at", optional=True),
    json("sources", optional=True),
    moment("last_used_at", optional=True),
    number("version"),
)

people = Table(
    "people",
    metadata,
    text("name", key=True),
    text("issuer"),
    text("subject"),
    json("groups"),
    moment("seen_at"),
    moment("barred_at", optional=True),
    number("version"),
    UniqueConstraint("issuer", "subject"),
)

sessions = Table(
    "sessions",
    metadata,
    text("id", key=True),
    Column("hash", String, nullable=False, unique=True),
    text("person"),
    text("token_id", optional=True),
    moment("created_at"),
    moment("expires_at"),
    moment("ended_at", optional=True),
    number("version"),
)
Index(None, sessions.c.person)

switches = Table(
    "switches",
    metadata,
    text("name", key=True),
    text("value"),
    moment("since"),
    number("version"),
)

leases = Table(
    "leases",
    metadata,
    text("tenant", key=True),
    text("chatbot_id", key=True),
    text("holder"),
    number("fence"),
    moment("expires_at"),
)

# large values of plans and runs: see storage/packing.py
contents = Table("contents", metadata, text("digest", key=True), Column("data", LargeBinary, nullable=False))

content_uses = Table(
    "content_uses",
    metadata,
    text("owner", key=True),
    Column("digest", String, ForeignKey("contents.digest"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
