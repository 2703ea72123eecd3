"""Acceptance by panels: a result names the application that it judged; indicators of the application book."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Json

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("project", sa.Column("indicators", Json, nullable=True))
    op.add_column("panel_result", sa.Column("sent_back", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Take the columns away; the entries in the log keep what they held."""
    op.drop_column("project", "indicators")
    op.drop_column("panel_result", "sent_back")
