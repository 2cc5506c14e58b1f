"""A connection to SQLite that may be told more than once to stop.

SQLAlchemy closes the connection of a task that is cancelled in the middle, and stops it beside that when the task is cancelled
once more. The thread of aiosqlite ends with the first word: who waits for an answer to the second waits for ever, and so does a
loop that ends.
"""

import sqlite3
from asyncio import Future
from functools import partial
from typing import Any

import aiosqlite

ROWS_AT_ONCE = 64


class Connection(aiosqlite.Connection):
    """Tells the thread to stop once; later calls have nothing to wait for."""

    _stopped = False

    def stop(self) -> Future[Any] | None:
        if self._stopped:
            return None
        self._stopped = True
        return super().stop()


def connect(database: str, **options: Any) -> Connection:
    """Return a connection to await, as `aiosqlite.connect` does; its thread keeps no process alive."""
    connection = Connection(partial(sqlite3.connect, database, **options), ROWS_AT_ONCE)
    connection._thread.daemon = True
    return connection
