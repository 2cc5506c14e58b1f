"""5 % random loss at 50 ms round trip: retransmission repairs it, upstream and downstream.

libwebrtc on both ends, so that real NACK, RTX and jitter buffer code judges the server. Loss is drawn from a seed.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.fixtures import failed
from tests.support.lossy import SERVER_ADDRESS, LossyLink, lossy_link
from tests.support.netns import obstacle
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until
from tests.support.wrtc_client import WrtcClient

pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(300),
    pytest.mark.skipif(obstacle() is not None, reason=str(obstacle())),
]

ROUND_TRIP_MS = 50
LOSS = 0.05
CLEAN_S = 8
LOSSY_S = 20
SETTLE_S = 1.5
"""Longer than several round trips: what is repaired at all is repaired by then."""

MIN_REPAIRED = 0.95
MIN_FRAME_RATE = 0.90
SEED = 20261124


class Scene(NamedTuple):
    """A publisher and a subscriber on the two sides of the link."""

    link: LossyLink
    publisher: WrtcClient
    subscriber: WrtcClient
    server: ConclaveServer


@pytest.fixture
async def link() -> AsyncIterator[LossyLink]:
    async with lossy_link(SEED) as opened:
        yield opened


@pytest.fixture
async def scene(link: LossyLink, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """`request.param` says who is behind the lossy link: "publisher" or "subscriber"."""
    await link.impair(round_trip_ms=ROUND_TRIP_MS)
    sides = {name: link.clients if name == request.param else link.server for name in ("publisher", "subscriber")}
    with link.server.entered():
        async with serving(tmp_path, SERVER_ADDRESS) as server:
            tokens = [await server.invite(MEETING, role) for role in ("host", "participant")]
            with sides["publisher"].entered():
                publisher = await WrtcClient.join(server, tokens[0], "publisher", create="Loss", subscribe=False)
            with sides["subscriber"].entered():
                subscriber = await WrtcClient.join(server, tokens[1], "subscriber")
            try:
                await publisher.publish(640, 360, 30)
                await until(subscriber.received, lambda seen: seen[1] > 30, "the subscriber decodes pictures")
                yield Scene(link, publisher, subscriber, server)
                if failed(request):
                    print(server.tail(), await publisher.stats(), await subscriber.stats(), sep="\n")
            finally:
                await publisher.close()
                await subscriber.close()


async def _video(client: WrtcClient, side: str, kind: str) -> dict[str, Any]:
    stats = await client.stats()
    entry = next(entry for entry in stats[side] if entry["type"] == kind and entry["kind"] == "video")
    return {**entry, "at": stats["at"]}


async def _decoded_per_second(subscriber: WrtcClient, seconds: float) -> float:
    before = await _video(subscriber, "subscriber", "inbound-rtp")
    await asyncio.sleep(seconds)
    after = await _video(subscriber, "subscriber", "inbound-rtp")
    return float((after["framesDecoded"] - before["framesDecoded"]) / (after["at"] - before["at"]))


@pytest.mark.parametrize("scene", ["publisher"], indirect=True)
async def test_losses_on_the_way_to_the_server_are_repaired(scene: Scene) -> None:
    ssrc = (await _video(scene.publisher, "publisher", "outbound-rtp"))["ssrc"]
    clean = await _decoded_per_second(scene.subscriber, CLEAN_S)
    lost_before = (await _video(scene.subscriber, "subscriber", "inbound-rtp"))["packetsLost"]
    await scene.link.impair(round_trip_ms=ROUND_TRIP_MS, upstream=LOSS)
    lossy = await _decoded_per_second(scene.subscriber, LOSSY_S)
    await scene.link.impair(round_trip_ms=ROUND_TRIP_MS)
    await asyncio.sleep(SETTLE_S)

    upstream, _ = await scene.link.traffic()
    dropped = upstream.dropped.get(ssrc, 0)
    after = await _video(scene.subscriber, "subscriber", "inbound-rtp")
    unrepaired = after["packetsLost"] - lost_before
    print(f"upstream: {dropped} of {dropped + upstream.passed[ssrc]} lost, {unrepaired} not repaired; ", end="")
    print(f"{clean:.1f} frames/s before, {lossy:.1f} with loss")
    assert dropped >= 50, "too few losses to judge"
    assert unrepaired <= dropped * (1 - MIN_REPAIRED)
    assert lossy >= clean * MIN_FRAME_RATE


@pytest.mark.parametrize("scene", ["subscriber"], indirect=True)
async def test_losses_on_the_way_to_a_subscriber_are_repaired(scene: Scene) -> None:
    clean = await _decoded_per_second(scene.subscriber, CLEAN_S)
    before = await _video(scene.subscriber, "subscriber", "inbound-rtp")
    await scene.link.impair(round_trip_ms=ROUND_TRIP_MS, downstream=LOSS)
    lossy = await _decoded_per_second(scene.subscriber, LOSSY_S)
    await scene.link.impair(round_trip_ms=ROUND_TRIP_MS)
    await asyncio.sleep(SETTLE_S)

    after = await _video(scene.subscriber, "subscriber", "inbound-rtp")
    _, downstream = await scene.link.traffic()
    dropped = downstream.dropped.get(after["ssrc"], 0)
    repaired = after.get("retransmittedPacketsReceived", 0) - before.get("retransmittedPacketsReceived", 0)
    print(
        f"downstream: {dropped} of {dropped + downstream.passed[after['ssrc']]} lost, {repaired} retransmissions received; ",
        end="",
    )
    print(f"{clean:.1f} frames/s before, {lossy:.1f} with loss, {after['pliCount'] - before['pliCount']} keyframes asked for")
    assert dropped >= 50, "too few losses to judge"
    assert repaired >= dropped * MIN_REPAIRED
    assert lossy >= clean * MIN_FRAME_RATE
