"""Baselines packed by the bodies of documents, which say nearly the same"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # those that are there stay as they are until they change
    op.add_column("baselines", sa.Column("source", sa.String(), nullable=True))
    op.add_column("baselines", sa.Column("digest", sa.String(), nullable=True))
    op.create_index("ix_baselines_body", "baselines", ["source", "digest"])
