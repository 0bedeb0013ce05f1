"""Brakes, and the people behind tokens and logins"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def upgrade() -> None:
    op.add_column("sources", sa.Column("brake", sa.String(), nullable=True))
    op.add_column("chatbots", _moment("synced_at"))
    op.add_column("suspensions", _moment("reminded_at"))
    _approvals()
    _tokens()
    _people()
    op.create_table(
        "switches",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_index("ix_plans_source_revision", "plans", ["source", "revision"], unique=False)
    op.create_index(
        "ix_applies_tenant_chatbot_id_fingerprint", "applies", ["tenant", "chatbot_id", "fingerprint"], unique=False
    )


def _approvals() -> None:
    op.add_column("approvals", _moment("expires_at"))
    with op.batch_alter_table("approvals") as table:
        table.add_column(sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("approvals") as table:
        table.alter_column("automatic", server_default=None)


def _tokens() -> None:
    op.add_column("tokens", _moment("last_used_at"))
    op.add_column("tokens", sa.Column("person", sa.String(), nullable=True))
    op.execute("UPDATE tokens SET person = name")
    with op.batch_alter_table("tokens") as table:
        table.alter_column("person", existing_type=sa.String(), nullable=False)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("barred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_people_issuer_subject")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("token_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("hash", name=op.f("uq_sessions_hash")),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"], unique=False)
