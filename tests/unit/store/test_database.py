import os
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from conclave.model.errors import Unavailable
from conclave.store.database import Database, StoreError, is_exposed, parse_url


def database_in(directory: Path) -> Database:
    return Database(parse_url(f"sqlite:///{directory / 'conclave.db'}"))


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("", "no database address"),
        ("conclave.db", "no database address"),
        ("mysql://u:secret@h/d", "mysql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://u:secret@h/d?connect_timeout=3", "connect_timeout"),
        ("postgresql://u:secret@h/d?ssl=require&sslmode=require", "both"),
        ("postgresql://u:secret@h/d?sslmode=sometimes", "verify-full"),
        ("sqlite:///x.db?mode=ro", "mode"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained_without_being_quoted(address: str, word: str) -> None:
    with pytest.raises(StoreError, match=word) as caught:
        parse_url(address)
    assert "secret" not in str(caught.value)


def test_the_driver_is_ours_whatever_the_address_says() -> None:
    assert parse_url("postgresql://u:p@h/d").drivername == "postgresql+asyncpg"
    assert parse_url("postgresql+psycopg2://u:p@h/d").drivername == "postgresql+asyncpg"
    assert parse_url("sqlite:///x.db").drivername == "sqlite+aiosqlite"


@pytest.mark.parametrize("name", ["ssl", "sslmode"])
def test_tls_to_the_database_is_asked_for_as_libpq_does(name: str) -> None:
    assert parse_url(f"postgresql://u@h/d?{name}=verify-full").query == {"ssl": "verify-full"}
    assert parse_url("postgresql://u@/d?host=/run/postgresql").query == {"host": "/run/postgresql"}


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("sqlite:///x.db", False), ("postgresql://u@/d", False), ("postgresql://u@/d?host=/run/postgresql", False),
        ("postgresql://u@localhost/d", False), ("postgresql://u@127.0.0.1/d", False), ("postgresql://u@[::1]/d", False),
        ("postgresql://u@db.example/d", True), ("postgresql://u@192.0.2.1/d?sslmode=prefer", True),
        ("postgresql://u@/d?host=db.example", True), ("postgresql://u@db.example/d?sslmode=require", True),
        ("postgresql://u@db.example/d?sslmode=verify-full", False), ("postgresql://u@db.example/d?ssl=verify-ca", False),
    ],
)  # fmt: skip
def test_a_server_elsewhere_whose_certificate_is_not_verified_is_exposed(address: str, exposed: bool) -> None:
    assert is_exposed(parse_url(address)) is exposed


async def test_the_file_and_its_companions_are_for_this_user_alone(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE t (a INTEGER)"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await database.close()
    assert set(modes) == {"conclave.db", "conclave.db-wal", "conclave.db-shm"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_file_open_to_others_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    (tmp_path / "conclave.db").touch()
    (tmp_path / "conclave.db").chmod(mode)
    with pytest.raises(StoreError, match="chmod 600"):
        database_in(tmp_path)


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch(mode=0o600)
    os.symlink(tmp_path / "elsewhere", tmp_path / "conclave.db")
    with pytest.raises(StoreError, match="cannot be opened"):
        database_in(tmp_path)


async def test_every_connection_has_the_pragmas(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    async with database.reading() as one, database.reading() as two:
        for connection in (one, two):
            values = [
                (await connection.execute(text(f"PRAGMA {name}"))).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert values == ["wal", 2, 1, 5_000]
    await database.close()


async def test_what_the_database_refuses_is_unavailable_and_names_no_statement(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    with pytest.raises(Unavailable) as caught:
        async with database.reading() as connection:
            await connection.execute(text("SELECT secret FROM nowhere"))
    await database.close()
    assert "secret" not in str(caught.value)


async def test_an_error_of_the_database_shows_no_values(tmp_path: Path) -> None:
    database = database_in(tmp_path)

    async def insert() -> None:
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO t VALUES (:x)"), {"x": "a hash of a password"})

    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE t (x TEXT PRIMARY KEY)"))
    await insert()
    with pytest.raises(IntegrityError) as caught:
        await insert()
    assert "a hash" not in str(caught.value)
    await database.close()


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database(parse_url(f"postgresql://u@/d?host={tmp_path}"))
    with pytest.raises(Unavailable):
        async with database.reading():
            pass
    await database.close()


async def test_a_closed_database_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = database_in(tmp_path)
    async with database.reading(), database.reading():
        assert len(set(threading.enumerate()) - before) == 2
    await database.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
