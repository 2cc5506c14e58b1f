"""All stores over one database."""

from pathlib import Path
from typing import Self

from sqlalchemy.engine import URL

from conclave.store.accounts import SqlAccounts
from conclave.store.attempts import SqlAttempts
from conclave.store.database import DRIVERS, SQLITE, Database, parse_url
from conclave.store.meeting_memory import SqlMeetingMemory
from conclave.store.migrate import newest, upgrade, version
from conclave.store.owned_meetings import SqlOwnedMeetings
from conclave.store.sign_ins import SqlSignIns
from conclave.store.token_revocations import SqlTokenRevocations

FILE = "conclave.db"


class Stores:
    """The adapters of ports.accounts and ports.meeting_memory. `close` them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.accounts = SqlAccounts(database)
        self.sign_ins = SqlSignIns(database)
        self.token_revocations = SqlTokenRevocations(database)
        self.attempts = SqlAttempts(database)
        self.meetings = SqlOwnedMeetings(database)
        self.meeting_memory = SqlMeetingMemory(database)

    @classmethod
    async def open(cls, url: str, directory: Path) -> Self:
        """Connect and migrate. An empty `url` means a file in `directory`. Raises StoreError, Unavailable."""
        stores = cls(Database(url_of(url, directory)))
        try:
            await upgrade(stores.database)
        except BaseException:
            await stores.close()
            raise
        return stores

    async def close(self) -> None:
        await self.database.close()


def url_of(url: str, directory: Path) -> URL:
    """Return the address of the database. Raises StoreError."""
    return parse_url(url) if url else URL.create(DRIVERS[SQLITE], database=str(directory / FILE))


async def look(url: str, directory: Path) -> tuple[str | None, str]:
    """Return the version of the schema that is there and the one that is needed. Raises StoreError, Unavailable."""
    database = Database(url_of(url, directory))
    try:
        return await version(database), newest()
    finally:
        await database.close()
