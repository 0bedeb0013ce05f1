"""Which chatbots a run could not compare"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # of the runs that are there only the number is known; the default is for them, the program states every value
    column: sa.Column[object] = sa.Column("uncompared", sa.JSON(), nullable=False, server_default="[]")
    with op.batch_alter_table("runs") as changed:
        changed.add_column(column)
    with op.batch_alter_table("runs") as changed:
        changed.alter_column(column.name, server_default=None)
