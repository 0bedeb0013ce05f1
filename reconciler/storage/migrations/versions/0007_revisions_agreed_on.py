"""The revision at which a chatbot was last as its document says"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chatbots", sa.Column("synced_revision", sa.String(), nullable=True))
    # what is as its document says is so at the revision of that document; of the others nothing was written down
    op.execute("UPDATE chatbots SET synced_revision = revision WHERE sync = 'Synced' AND synced_at IS NOT NULL")
