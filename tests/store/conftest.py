"""One contract, both databases: every test here runs over SQLite and over a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support.postgresql import cluster, obstacle

from conclave.store.schema import METADATA
from conclave.store.stores import Stores


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    reason = obstacle()
    if reason is not None:
        pytest.skip(reason)
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'conclave.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def stores(store_url: str, tmp_path: Path) -> AsyncIterator[Stores]:
    opened = await Stores.open(store_url, tmp_path)
    try:
        if not opened.database.is_sqlite:
            async with opened.database.writing() as connection:
                await connection.execute(text(f"TRUNCATE {', '.join(METADATA.tables)} CASCADE"))
        yield opened
    finally:
        await opened.close()
