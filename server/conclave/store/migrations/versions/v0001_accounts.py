"""Accounts, grants, sign-ins, revocations, failed log-ins, meetings and shares."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("user_id", sa.String(16), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(512), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("created_at_s", sa.Double, nullable=False),
        sa.CheckConstraint("role in ('admin', 'user', 'viewer', 'service')", name="ck_accounts_role"),
        sa.PrimaryKeyConstraint("user_id", name="pk_accounts"),
        sa.UniqueConstraint("username", name="uq_accounts_username"),
    )
    op.create_table(
        "grants",
        sa.Column("user_id", sa.String(16), nullable=False),
        sa.Column("permission", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_grants_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "permission", name="pk_grants"),
    )
    op.create_table(
        "sign_ins",
        sa.Column("sign_in_id", sa.String(16), nullable=False),
        sa.Column("user_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("created_at_s", sa.Double, nullable=False),
        sa.Column("used_at_s", sa.Double, nullable=False),
        sa.Column("valid_until_s", sa.Double, nullable=False),
        sa.Column("ends_at_s", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_sign_ins_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sign_in_id", name="pk_sign_ins"),
        sa.UniqueConstraint("proof", name="uq_sign_ins_proof"),
    )
    op.create_index("ix_sign_ins_user_id", "sign_ins", ["user_id"])
    op.create_table(
        "revocations",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires_at_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_revocations"),
    )
    op.create_index("ix_revocations_expires_at_s", "revocations", ["expires_at_s"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("since_s", sa.Double, nullable=False),
        sa.Column("locked_until_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    op.create_table(
        "meetings",
        sa.Column("meeting_id", sa.String(16), nullable=False),
        sa.Column("owner_id", sa.String(16), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("created_at_s", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.user_id"], name="fk_meetings_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("meeting_id", name="pk_meetings"),
    )
    op.create_index("ix_meetings_owner_id", "meetings", ["owner_id"])
    op.create_table(
        "shares",
        sa.Column("meeting_id", sa.String(16), nullable=False),
        sa.Column("user_id", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meetings.meeting_id"], name="fk_shares_meeting_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_shares_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("meeting_id", "user_id", name="pk_shares"),
    )
    op.create_index("ix_shares_user_id", "shares", ["user_id"])
