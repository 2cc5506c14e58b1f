"""All stores over one database."""

from pathlib import Path
from typing import Self

from msgspec import Struct
from sqlalchemy.engine import URL

from conclave.store.accounts import SqlAccounts
from conclave.store.attempts import SqlAttempts
from conclave.store.database import DRIVERS, SQLITE, Database, is_exposed, parse_url
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


def _is_there(address: URL) -> bool:
    return Path(str(address.database)).exists()


class Look(Struct, frozen=True):
    """What is there, without a change to it. `version` is that of the schema, None when there is none; `has_administrator`
    says whether an active one can log in, None where the schema is another one than `needed`; `exposed` as `is_exposed` does."""

    version: str | None
    needed: str
    has_administrator: bool | None
    exposed: bool = False


async def look(url: str, directory: Path) -> Look:
    """Look at the database and make no file. Raises StoreError, Unavailable."""
    address = url_of(url, directory)
    if address.get_backend_name() == SQLITE and not _is_there(address):
        return Look(None, newest(), False)
    database = Database(address)
    try:
        there = await version(database)
        has_administrator = None
        if there is None:
            has_administrator = False
        elif there == newest():
            has_administrator = await SqlAccounts(database).has_administrator()
        return Look(there, newest(), has_administrator, is_exposed(address))
    finally:
        await database.close()
