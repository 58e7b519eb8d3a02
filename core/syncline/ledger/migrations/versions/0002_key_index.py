"""An index of keys for each finished run, so that a person is found without opening every batch.

Runs that ended before keep the hashes in their batches, which are read when a run has no index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table, and the column that says how a run's index is cut."""
    op.add_column("runs", sa.Column("key_parts", sa.Integer(), nullable=True))
    op.create_table(
        "key_index",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "part"),
    )
