import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from conclave.store.database import Database, parse_url
from conclave.store.sqlite_connection import connect

WAIT_S = 10.0


async def test_a_connection_that_was_stopped_can_be_closed(tmp_path: Path) -> None:
    connection = await connect(str(tmp_path / "conclave.db"))
    stopped = connection.stop()
    assert stopped is not None
    await stopped
    async with asyncio.timeout(WAIT_S):
        with suppress(ValueError):
            await connection.close()
    assert connection.stop() is None


async def test_a_connection_that_is_being_closed_can_be_stopped(tmp_path: Path) -> None:
    connection = await connect(str(tmp_path / "conclave.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    stopped = connection.stop()
    assert stopped is not None
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(closing, stopped)


async def test_its_thread_keeps_no_process_alive(tmp_path: Path) -> None:
    connection = await connect(str(tmp_path / "conclave.db"))
    assert connection._thread.daemon
    await connection.close()
    connection._thread.join(WAIT_S)
    assert not connection._thread.is_alive()


@pytest.mark.parametrize("cancellations", [1, 2, 3])
async def test_a_task_that_is_cancelled_while_it_writes_leaves_nothing_behind_that_never_ends(
    tmp_path: Path, cancellations: int
) -> None:
    path = tmp_path / "conclave.db"
    database = Database(parse_url(f"sqlite:///{path}"))
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))

    async def write() -> None:
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))

    before = asyncio.all_tasks()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    for _ in range(cancellations):
        writing.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(writing, return_exceptions=True)
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 # tasks of a library, which nobody else tells of
            await asyncio.sleep(0.005)
    await write()
    await database.close()
