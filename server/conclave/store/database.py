"""The connection to the database: SQLite in a file of mode 0600 (WAL, foreign keys), or PostgreSQL.

SQLite waits for the disk at each commit (synchronous=FULL), because a revocation must survive a power failure.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from conclave.model.errors import ConclaveError, Unavailable
from conclave.store.sqlite_connection import connect

DOOR = "store"
FILE_MODE = 0o600
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
DRIVERS = {SQLITE: "sqlite+aiosqlite", POSTGRESQL: "postgresql+asyncpg"}
PARAMETERS = {SQLITE: frozenset[str](), POSTGRESQL: frozenset({"host", "port", "ssl", "sslmode", "passfile"})}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING = frozenset({"verify-ca", "verify-full"})
MAX_QUOTED = 100
BUSY_TIMEOUT_MS = 5_000
CONNECTIONS = 5
POOL_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}", "trusted_schema=OFF")


class StoreError(ConclaveError):
    """The store cannot be used as it is configured; the text says what to do and holds no password."""


def parse_url(text: str) -> URL:
    """Return the address with the driver that we use, libpq's `sslmode` under the driver's name. Raises StoreError.

    The error quotes no more than names of parameters: the address holds a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("store.url is no database address; write postgresql://USER:PASSWORD@HOST/DATABASE") from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise StoreError(f"store.url names {backend}; this server knows sqlite and postgresql")
    if backend == SQLITE and url.database in (None, "", ":memory:"):
        raise StoreError("store.url names no file; write sqlite:///PATH, or leave it empty")
    return url.set(drivername=DRIVERS[backend], query=_parameters(url, PARAMETERS[backend]))


def _parameters(url: URL, known: frozenset[str]) -> Mapping[str, str | tuple[str, ...]]:
    unknown = sorted(url.query.keys() - known)
    if unknown:
        raise StoreError(f"store.url has parameters that are not known: {', '.join(unknown)[:MAX_QUOTED]}")
    query = dict(url.query)
    if "sslmode" in query:
        if "ssl" in query:
            raise StoreError("store.url has both ssl and sslmode; one says it")
        query["ssl"] = query.pop("sslmode")
    if query.get("ssl", SSL_MODES[0]) not in SSL_MODES:
        raise StoreError(f"store.url: sslmode is one of {', '.join(SSL_MODES)}")
    return query


def is_exposed(url: URL) -> bool:
    """Return whether the way to the database leads over a network without a verified certificate at its end."""
    given = url.host or url.query.get("host") or ""
    host = given if isinstance(given, str) else given[0]
    if not host or host.startswith("/") or host == "localhost":
        return False
    try:
        if ip_address(host).is_loopback:
            return False
    except ValueError:
        pass
    return url.query.get("ssl") not in VERIFYING


class Database:
    """One pool of connections. `close` it: its threads would keep the process alive."""

    def __init__(self, url: URL) -> None:
        """Raises StoreError when the file of an SQLite database cannot be made or others may read it."""
        self._failure = ""
        self.is_sqlite = url.get_backend_name() == SQLITE
        options: dict[str, Any] = {
            "pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": POOL_TIMEOUT_S, "hide_parameters": True,
        }  # fmt: skip
        if self.is_sqlite:
            assert url.database is not None
            _prepare_file(url.database)
            options["connect_args"] = {"async_creator_fn": connect}
        else:
            options |= {
                "pool_pre_ping": True,
                "connect_args": {"command_timeout": COMMAND_TIMEOUT_S, "timeout": POOL_TIMEOUT_S},
            }
        self.engine: AsyncEngine = create_async_engine(url, **options)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _set_pragmas)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for questions. Raises Unavailable."""
        async with self._translated(), self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction, committed at the end of the block. Raises Unavailable.

        SQLite takes the lock to write at once: one that reads first could not get it later without failing.
        """
        async with self._translated(), self.engine.connect() as connection:
            if self.is_sqlite:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            await connection.commit()

    def check(self) -> None:
        """Raise Unavailable when the last use failed."""
        if self._failure:
            raise Unavailable(DOOR, self._failure)

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            self._failure = type(error).__name__
            raise Unavailable(DOOR, self._failure) from error
        self._failure = ""


def _prepare_file(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from None
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            raise StoreError(f"{path} is open to other users; close it with: chmod 600 {path}")
    finally:
        os.close(descriptor)


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()
