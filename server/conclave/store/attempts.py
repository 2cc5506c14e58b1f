"""ports.accounts.AttemptStore in SQL."""

from collections.abc import Sequence

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, delete, select

from conclave.model.accounts import Attempts
from conclave.store.database import Database
from conclave.store.schema import ATTEMPTS
from conclave.store.upsert import put

_C = ATTEMPTS.c


class SqlAttempts:
    """Failed log-ins by the keyed hash of an identifier."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, attempts: Attempts) -> None:
        async with self._database.writing() as connection:
            await put(connection, ATTEMPTS, asdict(attempts))

    async def clear(self, key: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(ATTEMPTS).where(_C.key == key))

    async def kept(self, since_s: float) -> Sequence[Attempts]:
        async with self._database.reading() as connection:
            rows = await connection.execute(select(ATTEMPTS).where(~_over(since_s)))
            return [Attempts(row.key, row.failures, row.since_s, row.locked_until_s) for row in rows]

    async def forget(self, since_s: float) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(ATTEMPTS).where(_over(since_s)))


def _over(since_s: float) -> ColumnElement[bool]:
    return (_C.since_s < since_s) & (_C.locked_until_s < since_s)
