"""What WizChat's list said when a chatbot was last compared, and what that comparison gave"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_PENDING = sa.text("checked_digest IS NULL")
_COMPARED = sa.text("checked_digest IS NOT NULL")
_UNEXPLAINED = sa.text("unexplained_at IS NOT NULL")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("chatbots") as changed:
        changed.add_column(sa.Column("compared_updated_at", moment, nullable=True))
        changed.add_column(sa.Column("checked_by", sa.String(), nullable=True))
        changed.add_column(sa.Column("result_digest", sa.String(), nullable=True))
        changed.add_column(sa.Column("result_version", sa.Integer(), nullable=True))
        changed.add_column(sa.Column("unexplained_at", moment, nullable=True))
    _index_what_is_to_be_compared()
    with op.batch_alter_table("tenants") as changed:
        changed.add_column(sa.Column("shortcut_off_since", moment, nullable=True))
        changed.add_column(sa.Column("shortcut_off_reason", sa.String(), nullable=True))
    # no run that is there looked for drift alone; the default is for them, the program states every value
    with op.batch_alter_table("runs") as changed:
        changed.add_column(sa.Column("drift", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("runs") as changed:
        changed.alter_column("drift", server_default=None)
    # until now a document that was not compared yet was told by its digest alone
    op.execute(
        "UPDATE chatbots SET checked_digest = NULL WHERE checked_digest IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM documents WHERE documents.source = chatbots.source AND documents.chatbot_id = chatbots.id "
        "AND (documents.digest IS NULL OR documents.digest <> chatbots.checked_digest))"
    )


def _index_what_is_to_be_compared() -> None:
    op.create_index(
        "ix_chatbots_pending", "chatbots", ["source", "id"], sqlite_where=_PENDING, postgresql_where=_PENDING
    )
    op.create_index(
        "ix_chatbots_unexplained", "chatbots", ["source"], sqlite_where=_UNEXPLAINED, postgresql_where=_UNEXPLAINED
    )
    op.create_index(
        "ix_chatbots_checked",
        "chatbots",
        ["source", "checked_at", "checked_by"],
        sqlite_where=_COMPARED,
        postgresql_where=_COMPARED,
    )
