"""A run may have the list that it fills for itself: its lease says so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("leases", sa.Column("target", sa.Text(), nullable=True))
