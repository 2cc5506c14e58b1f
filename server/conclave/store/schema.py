"""The tables as they are after the last migration. Times are Unix seconds; names and proofs are compared octet by octet."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(16)
NAME = String(64)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("user_id", ID, primary_key=True),
    Column("username", NAME, nullable=False, unique=True),
    Column("email", String(254), nullable=False),
    Column("password_hash", String(512), nullable=False),
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("created_at_s", Double, nullable=False),
    CheckConstraint("role in ('admin', 'user', 'viewer', 'service')", name="role"),
)

GRANTS = Table(
    "grants",
    METADATA,
    Column("user_id", ID, ForeignKey("accounts.user_id", ondelete="CASCADE"), primary_key=True),
    Column("permission", String(16), primary_key=True),
)

SIGN_INS = Table(
    "sign_ins",
    METADATA,
    Column("sign_in_id", ID, primary_key=True),
    Column("user_id", ID, ForeignKey("accounts.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("proof", NAME, nullable=False, unique=True),
    Column("created_at_s", Double, nullable=False),
    Column("used_at_s", Double, nullable=False),
    Column("valid_until_s", Double, nullable=False),
    Column("ends_at_s", Double, nullable=False),
)

REVOCATIONS = Table(
    "revocations",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("subject", ID, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at_s", Double, nullable=False, index=True),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("key", NAME, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("since_s", Double, nullable=False),
    Column("locked_until_s", Double, nullable=False),
)

MEETINGS = Table(
    "meetings",
    METADATA,
    Column("meeting_id", ID, primary_key=True),
    Column("owner_id", ID, ForeignKey("accounts.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("created_at_s", Double, nullable=False),
)

SHARES = Table(
    "shares",
    METADATA,
    Column("meeting_id", ID, ForeignKey("meetings.meeting_id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ID, ForeignKey("accounts.user_id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(16), nullable=False),
    Index(None, "user_id"),
)

BANS = Table(
    "bans",
    METADATA,
    Column("meeting_id", ID, primary_key=True),
    Column("jti", ID, primary_key=True),
    Column("device_id", NAME, primary_key=True),
    Column("personal", Boolean, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("until_s", Double, nullable=False, index=True),
)

DEMOTIONS = Table(
    "demotions",
    METADATA,
    Column("meeting_id", ID, primary_key=True),
    Column("jti", ID, primary_key=True),
    Column("device_id", NAME, primary_key=True),
    Column("personal", Boolean, nullable=False),
    Column("role", String(16), nullable=False),
    Column("until_s", Double, nullable=False, index=True),
)

INVITATIONS = Table(
    "invitations",
    METADATA,
    Column("jti", ID, primary_key=True),
    Column("meeting_id", ID, nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("seats", Integer, nullable=False),
    Column("max_uses", Integer, nullable=False),
    Column("issued_at_s", BigInteger, nullable=False),
    Column("expires_at_s", BigInteger, nullable=False, index=True),
    Column("label", NAME, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("device_id", NAME, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("made_by", NAME, nullable=False),
)
