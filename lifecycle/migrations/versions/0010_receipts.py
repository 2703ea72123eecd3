"""Receipt of dockets."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Json

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("docket", sa.Column("receipt", Json, nullable=True))


def downgrade() -> None:
    """Take it away; the log keeps who received what."""
    op.drop_column("docket", "receipt")
