"""Brings the schema up to the last version, step by step, or says which version a database has."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from conclave.store.database import Database, StoreError

DIRECTORY = Path(__file__).with_name("migrations")
LOCK = 0x636F6E63
"""Of pg_advisory_xact_lock: nodes that start together migrate one after the other."""


def newest() -> str:
    """Return the version that this code needs."""
    head = ScriptDirectory(str(DIRECTORY)).get_current_head()
    assert head is not None
    return head


async def upgrade(database: Database) -> None:
    """Run what is missing, all of it or nothing.

    Raises StoreError when the schema is newer than this code or a step fails, Unavailable.
    """
    async with database.writing() as connection:
        await connection.run_sync(_upgrade)


async def version(database: Database) -> str | None:
    """Return the version of the schema, None when there is none yet. Raises Unavailable."""
    async with database.reading() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    script = ScriptDirectory(str(DIRECTORY))
    context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
    current = context.get_current_revision()
    known = [step.revision for step in script.walk_revisions()]
    if current is not None and current not in known:
        raise StoreError(f"the database has version {current}, which this server does not know; run a newer one")
    missing = known[: known.index(current)] if current is not None else known
    for revision in reversed(missing):
        _run(script, context, revision)


def _run(script: ScriptDirectory, context: MigrationContext, revision: str) -> None:
    step = script.get_revision(revision)
    assert step is not None
    try:
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(script, revision)
    except SQLAlchemyError as error:
        raise StoreError(f"the step to version {revision} failed: {type(error).__name__}") from error
