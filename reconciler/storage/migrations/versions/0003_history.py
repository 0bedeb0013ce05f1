"""The history of chatbots, and plans that do the same"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _transitions()
    _chatbots()
    with op.batch_alter_table("plans") as table:
        table.add_column(sa.Column("change", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("plans") as table:
        table.alter_column("change", server_default=None)
    op.create_index("ix_plans_change_created_at_id", "plans", ["change", "created_at", "id"], unique=False)


def _transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("chatbot_id", sa.String(), nullable=False),
        sa.Column("source_before", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("sync_before", sa.String(), nullable=True),
        sa.Column("sync", sa.String(), nullable=True),
        sa.Column("direction_before", sa.String(), nullable=True),
        sa.Column("direction", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
    )
    op.create_index("ix_transitions_tenant_chatbot_id_id", "transitions", ["tenant", "chatbot_id", "id"], unique=False)
    op.create_index(
        "ix_transitions_drift",
        "transitions",
        ["at", "sync_before", "sync", "source_before", "source"],
        unique=False,
    )


def _chatbots() -> None:
    op.add_column("chatbots", sa.Column("drifted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chatbots", sa.Column("held_drift_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chatbots", sa.Column("called", sa.String(), nullable=True))
    _call_them()
    _begin_their_history()
    with op.batch_alter_table("chatbots") as table:
        table.alter_column("called", existing_type=sa.String(), nullable=False)
    for column in ("called", "drifted_at"):
        op.create_index(f"ix_chatbots_{column}_tenant_id", "chatbots", [column, "tenant", "id"], unique=False)


def _call_them() -> None:
    """One by one, because databases disagree about the case of letters beyond ASCII."""
    connection = op.get_bind()
    chatbots = sa.table("chatbots", *(sa.column(name) for name in ("tenant", "id", "name", "called")))
    found = connection.execute(sa.select(chatbots.c.tenant, chatbots.c.id, chatbots.c.name)).all()
    mine = sa.and_(chatbots.c.tenant == sa.bindparam("of"), chatbots.c.id == sa.bindparam("key"))
    statement = sa.update(chatbots).where(mine).values(called=sa.bindparam("it"))
    names = [{"of": tenant, "key": id_, "it": (name or id_).casefold()} for tenant, id_, name in found]
    if names:
        connection.execute(statement, names)


def _begin_their_history() -> None:
    """What is OutOfSync has been at least since it was last compared, and at most since it was last Synced."""
    op.execute(
        "UPDATE chatbots SET drifted_at = coalesce(synced_at, checked_at, CURRENT_TIMESTAMP) WHERE sync = 'OutOfSync'"
    )
    op.execute(
        "INSERT INTO transitions (at, tenant, chatbot_id, source, sync, direction, reason, revision, cause) "
        "SELECT drifted_at, tenant, id, source, sync, direction, reason, revision, 'service' "
        "FROM chatbots WHERE sync = 'OutOfSync' ORDER BY drifted_at, tenant, id"
    )
