"""Dockets that two persons release: the first one's signature."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Json

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("docket", sa.Column("signed", Json, nullable=True))


def downgrade() -> None:
    """Take the column away; the log keeps who signed what."""
    op.drop_column("docket", "signed")
