"""What WizChat stored differently from what was sent"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chatbots", sa.Column("unconverged_body", sa.String(), nullable=True))
    _add("chatbots", sa.Column("unconverged_ends", sa.Integer(), nullable=False, server_default="0"))
    _add("plans", sa.Column("stored_otherwise", sa.Boolean(), nullable=False, server_default=sa.false()))


def _add(table: str, column: sa.Column[object]) -> None:
    """The default is for the rows that are there; the program states every value."""
    with op.batch_alter_table(table) as changed:
        changed.add_column(column)
    with op.batch_alter_table(table) as changed:
        changed.alter_column(column.name, server_default=None)
