"""A run may be held by a guard and approved, and may undo another one; what updated leads held before is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
HOLDING = sa.text("hold_state IN ('waiting', 'approved', 'used', 'empty')")
UNDOING = sa.text("undoes IS NOT NULL")


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("hold", "hold_state", "hold_by", "undoes", "action"):
        op.add_column("runs", sa.Column(name, sa.Text(), nullable=True))
    op.create_index("runs_holding", "runs", ["sync_id"], sqlite_where=HOLDING, postgresql_where=HOLDING)
    op.create_index("runs_undoing", "runs", ["undoes"], sqlite_where=UNDOING, postgresql_where=UNDOING)
    op.add_column("batches", sa.Column("former", sa.LargeBinary(), nullable=True))
    op.create_table(
        "held_leads",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("mark", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("run_id", "kind", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("held_leads_of_key", "held_leads", ["key"])
