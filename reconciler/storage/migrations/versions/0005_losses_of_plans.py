"""How much each plan takes away; of older plans it is not known"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plans", sa.Column("losses", sa.Integer(), nullable=True))
