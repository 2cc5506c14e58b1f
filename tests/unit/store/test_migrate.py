from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from conclave.store import migrate
from conclave.store.database import Database, StoreError, parse_url


def test_the_steps_form_one_line_to_the_newest_version() -> None:
    script = ScriptDirectory(str(migrate.DIRECTORY))
    steps = [step.revision for step in script.walk_revisions()]
    assert steps[0] == migrate.newest()
    assert len(script.get_heads()) == 1


async def test_a_database_without_a_schema_has_no_version(tmp_path: Path) -> None:
    database = Database(parse_url(f"sqlite:///{tmp_path / 'new.db'}"))
    assert await migrate.version(database) is None
    await migrate.upgrade(database)
    assert await migrate.version(database) == migrate.newest()
    await database.close()


async def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "a.py").write_text(
        "from alembic import op\nrevision='a'\ndown_revision=None\n"
        "def upgrade():\n    op.execute('CREATE TABLE t (a INTEGER)')\n    op.execute('CREATE TABLE t (a INTEGER)')\n"
    )
    monkeypatch.setattr(migrate, "DIRECTORY", tmp_path / "migrations")
    database = Database(parse_url(f"sqlite:///{tmp_path / 'new.db'}"))
    with pytest.raises(StoreError, match="the step to version a failed"):
        await migrate.upgrade(database)
    assert await migrate.version(database) is None
    async with database.reading() as connection:
        tables = await connection.exec_driver_sql("SELECT name FROM sqlite_master")
        assert tables.all() == []
    await database.close()
