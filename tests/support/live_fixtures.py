"""Fixtures of the tests with a whole server in their own process; each folder's conftest.py takes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from tests.support.live import Live, Starter, starting


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Starter]:
    async with starting(tmp_path) as starter:
        yield starter


@pytest.fixture
async def live(start: Starter) -> Live:
    """A server as it is by default."""
    return await start()


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}
