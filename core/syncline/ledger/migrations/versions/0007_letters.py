"""Dead letters return by themselves and say why they were settled; runs tell how many returned."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; of letters that are settled already nothing is needed any more."""
    op.add_column("dead_letters", sa.Column("settled_why", sa.Text(), nullable=True))
    op.add_column("dead_letters", sa.Column("return_at", sa.BigInteger(), nullable=True))
    op.add_column("dead_letters", sa.Column("fingerprint", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("returned", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("returned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE dead_letters SET payload = NULL WHERE settled_by IS NOT NULL")
