from pathlib import Path

from sqlalchemy import inspect

from conclave.store import migrate
from conclave.store.database import Database, parse_url


async def test_the_third_step_makes_the_table_of_demotions(tmp_path: Path) -> None:
    database = Database(parse_url(f"sqlite:///{tmp_path / 'new.db'}"))
    await migrate.upgrade(database)
    async with database.reading() as connection:
        tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    await database.close()
    assert "demotions" in tables
