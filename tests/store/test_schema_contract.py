from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from conclave.store.database import StoreError
from conclave.store.migrate import newest, upgrade, version
from conclave.store.schema import METADATA
from conclave.store.stores import Look, Stores, look


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, METADATA))


async def test_the_migrations_lead_to_the_schema_that_the_code_uses(stores: Stores) -> None:
    async with stores.database.reading() as connection:
        assert await connection.run_sync(differences) == []
    assert await version(stores.database) == newest()


async def test_a_second_start_changes_nothing(stores: Stores, store_url: str, tmp_path: Path) -> None:
    await upgrade(stores.database)
    assert await look(store_url, tmp_path) == Look(newest(), newest(), False)


async def test_a_schema_of_a_newer_server_refuses_the_start(stores: Stores) -> None:
    async with stores.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(StoreError, match="run a newer one"):
            await upgrade(stores.database)
    finally:
        async with stores.database.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": newest()})


async def test_a_transaction_that_fails_leaves_nothing(stores: Stores) -> None:
    async def fail() -> None:
        async with stores.database.writing() as connection:
            await connection.execute(text("INSERT INTO attempts VALUES ('k', 1, 0, 0)"))
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await fail()
    assert list(await stores.attempts.kept(0)) == []
