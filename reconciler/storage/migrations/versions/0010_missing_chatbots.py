"""Since when chatbots are missing, and when they were last asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("missing_since", "missing_asked_at"):
        op.add_column("chatbots", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
