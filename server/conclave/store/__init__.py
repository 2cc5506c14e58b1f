"""What lasts, in SQL: accounts, sign-ins, revocations, failed log-ins, owned meetings. SQLite by default, or PostgreSQL."""
