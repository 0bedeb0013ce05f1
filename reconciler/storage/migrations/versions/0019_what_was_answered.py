"""What the last dry run of a chatbot was answered, as a digest"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chatbots", sa.Column("answer_digest", sa.String(), nullable=True))
