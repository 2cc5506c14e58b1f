"""A NAT that gives libwebrtc other ports in the middle of a meeting: the media follows, both ways, after a proof by libwebrtc."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.lossy import SERVER_ADDRESS, LossyLink, lossy_link
from tests.support.netns import obstacle
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until
from tests.support.wrtc_client import WrtcClient

pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(180),
    pytest.mark.skipif(obstacle() is not None, reason=str(obstacle())),
]

PORT_SHIFT = 1000


@pytest.fixture
async def link() -> AsyncIterator[LossyLink]:
    async with lossy_link(seed=3) as opened:
        await opened.impair(round_trip_ms=20)
        yield opened


@pytest.fixture
async def server(link: LossyLink, tmp_path: Path) -> AsyncIterator[ConclaveServer]:
    with link.server.entered():
        async with serving(tmp_path, SERVER_ADDRESS) as opened:
            yield opened


async def test_pictures_go_on_both_ways_behind_a_nat_that_changed_its_ports(link: LossyLink, server: ConclaveServer) -> None:
    tokens = [await server.invite(MEETING, role) for role in ("host", "participant")]
    with link.clients.entered():
        behind = await WrtcClient.join(server, tokens[0], "behind a NAT", create="Rebinding")
    with link.server.entered():
        beside = await WrtcClient.join(server, tokens[1], "beside the server")
    try:
        for client in (behind, beside):
            await client.publish(320, 240, 30)
        for client in (behind, beside):
            await until(client.received, lambda seen: seen[1] > 30, "pictures arrive")
        await link.rebind(PORT_SHIFT)
        for client in (behind, beside):
            before = (await client.received())[1]
            await until(client.received, lambda seen, before=before: seen[1] > before + 90, "pictures arrive again")
    finally:
        await behind.close()
        await beside.close()
