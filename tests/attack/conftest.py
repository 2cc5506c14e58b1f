from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.live import Starter, starting


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Starter]:
    async with starting(tmp_path) as starter:
        yield starter
