"""A hub with its real plane on loopback, and clients that speak the protocol without a socket between."""

from collections.abc import AsyncIterator

import pytest
from tests.support.hubs import HubInMemory


@pytest.fixture
async def house() -> AsyncIterator[HubInMemory]:
    """A running hub, closed afterwards."""
    hub = HubInMemory()
    hub.start()
    yield hub
    await hub.close()
