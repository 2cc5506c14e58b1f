from pathlib import Path

from conclave.store.schema import ATTEMPTS
from conclave.store.stores import Stores
from conclave.store.upsert import put


async def test_a_row_is_made_first_and_replaced_afterwards(tmp_path: Path) -> None:
    stores = await Stores.open("", tmp_path)
    async with stores.database.writing() as connection:
        for failures in (1, 7):
            values = {"key": "k", "failures": failures, "since_s": 0.0, "locked_until_s": 0.0}
            await put(connection, ATTEMPTS, values)
        rows = (await connection.execute(ATTEMPTS.select())).all()
    await stores.close()
    assert [row.failures for row in rows] == [7]
