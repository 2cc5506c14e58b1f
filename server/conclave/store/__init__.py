"""What lasts, in SQL: accounts, sign-ins, revocations, failed log-ins, meetings, bans, invitations. SQLite, or PostgreSQL."""
