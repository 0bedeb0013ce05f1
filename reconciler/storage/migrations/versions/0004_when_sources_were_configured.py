"""When the settings first named each source"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("configured_at", sa.DateTime(timezone=True), nullable=True))
