"""What the run loop remembers: firings, the processes that serve, and for each sync how it stands.

Revisions may say from which commit they came, and runs for which firing they were started.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables and add the columns."""
    op.add_column("syncs", sa.Column("zone", sa.Text(), nullable=True))
    op.add_column("syncs", sa.Column("due_after", sa.BigInteger(), nullable=True))
    op.add_column("syncs", sa.Column("fired", sa.BigInteger(), nullable=True))
    op.add_column("syncs", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("syncs", sa.Column("retry_at", sa.BigInteger(), nullable=True))
    op.add_column("syncs", sa.Column("stamp", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("syncs_by_stamp", "syncs", ["stamp"], unique=False)
    op.add_column("revisions", sa.Column("commit", sa.Text(), nullable=True))
    op.add_column("revisions", sa.Column("author", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("due", sa.BigInteger(), nullable=True))
    changes = op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(changes, [{"id": 1, "number": 0}])
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("born", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "firings",
        sa.Column("sync_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sync_id"], ["syncs.id"]),
        sa.PrimaryKeyConstraint("sync_id", "due"),
    )
    unfinished = sa.text("state IN ('claimed', 'waiting')")
    op.create_index(
        "firings_open", "firings", ["state", "sync_id"], sqlite_where=unfinished, postgresql_where=unfinished
    )
