"""Names that lists and their cursors can hold"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # as `domain.names.bounded_name` and `called` of the repository do it from now on
    for table in ("chatbots", "documents"):
        op.execute(f"UPDATE {table} SET name = substr(name, 1, 199) || '…' WHERE length(name) > 200")  # noqa: S608  a constant
    op.execute("UPDATE chatbots SET called = substr(called, 1, 100) WHERE length(called) > 100")
