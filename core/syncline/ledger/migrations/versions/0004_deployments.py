"""A sync knows the deployment that it was last taken in from, so that a folder ends only syncs of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("syncs", sa.Column("deployment", sa.Text(), nullable=True))
