"""Roles that hosts lowered."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "demotions",
        sa.Column("meeting_id", sa.String(16), nullable=False),
        sa.Column("jti", sa.String(16), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("until_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("meeting_id", "jti", "device_id", name="pk_demotions"),
    )
    op.create_index("ix_demotions_until_s", "demotions", ["until_s"])
