"""A viewer cannot publish by any route: not by signaling, not by SDP, not by WHIP, not with RTP on an open transport."""

import os
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiortc import RTCPeerConnection
from tests.support.aiortc_participant import AiortcParticipant, Tone, dtls_transports, new_connection
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer
from tests.support.signaling import RequestRefused, Signaling
from tests.support.wait import until

pytestmark = pytest.mark.timeout(180)

INJECTED = 100
OPUS = 111


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def _join(server: ConclaveServer, stack: AsyncExitStack, role: str, create: str | None = None) -> AiortcParticipant:
    token = await server.invite(MEETING, role)
    joined = await AiortcParticipant.join(server.websocket_url, server.tls, token, role, create=create)
    stack.push_async_callback(joined.close)
    return joined


async def _offer_to_send(stack: AsyncExitStack) -> str:
    connection: RTCPeerConnection = new_connection()
    stack.push_async_callback(connection.close)
    connection.addTransceiver(Tone(), direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    return str(connection.localDescription.sdp)


async def _code_of(signaling: Signaling, kind: str, **fields: object) -> str:
    with pytest.raises(RequestRefused) as refusal:
        await signaling.request(kind, **fields)
    return refusal.value.code


async def _received(participant: AiortcParticipant) -> tuple[int, int]:
    return participant.received()


async def test_a_viewers_declarations_and_offers_are_unauthorized(server: ConclaveServer, stack: AsyncExitStack) -> None:
    await _join(server, stack, "host", create="Views")
    viewer = await _join(server, stack, "viewer")
    offer = await _offer_to_send(stack)
    for kind, fields in (
        ("audio.publish", {"mid": "0"}),
        ("video.publish", {"mid": "0"}),
        ("screen.publish", {"mid": "0"}),
        ("publisher.offer", {"sdp": offer}),
    ):
        assert await _code_of(viewer.signaling, kind, **fields) == "unauthorized", kind


async def test_a_playback_offer_cannot_smuggle_a_sending_section(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await _join(server, stack, "host", create="Views")
    viewer = await Signaling.connect(server.websocket_url, server.tls)
    stack.push_async_callback(viewer.close)
    await viewer.enter(await server.invite(MEETING, "viewer"), "viewer", auto_subscribe=False)
    offer = await _offer_to_send(stack)
    assert await _code_of(viewer, "playback.offer", sdp=offer) in ("invalid", "forbidden")
    answered = await viewer.post("playback.offer", sdp=offer.replace("a=sendonly", "a=sendrecv"))
    if answered["type"] == "error":
        assert answered["code"] in ("invalid", "forbidden")
    else:
        assert "a=sendrecv" not in answered["result"]["sdp"]
        assert "a=recvonly" not in answered["result"]["sdp"]
    assert not [event for event in host.signaling.events if event["type"] == "track.published"]


async def test_a_participants_undeclared_section_is_forbidden(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await _join(server, stack, "host", create="Views")
    assert await _code_of(host.signaling, "publisher.offer", sdp=await _offer_to_send(stack)) == "forbidden"


async def test_a_viewer_cannot_publish_by_whip(server: ConclaveServer, stack: AsyncExitStack) -> None:
    await _join(server, stack, "host", create="Views")
    token = await server.invite(MEETING, "viewer")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=server.tls)) as session,
        session.post(f"{server.url}/whip/{MEETING}", data=await _offer_to_send(stack), headers=headers) as answer,
    ):
        assert answer.status == 403


def _rtp(ssrc: int, sequence: int) -> bytes:
    return struct.pack("!BBHII", 0x80, OPUS, sequence & 0xFFFF, sequence * 960, ssrc) + os.urandom(60)


async def test_rtp_on_a_viewers_open_transport_is_dropped_and_counted(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await _join(server, stack, "host", create="Views")
    await host.publish()
    witness = await _join(server, stack, "participant")
    viewer = await _join(server, stack, "viewer")
    await until(lambda: _received(viewer), lambda seen: min(seen) >= 5, "the viewer receives, so its transport is open")
    await until(lambda: _received(witness), lambda seen: min(seen) >= 5, "the witness receives")

    transport = next(found for found in dtls_transports(viewer.subscriber) if found.state == "connected")
    stolen = next(sender for sender in host.publisher.getSenders() if sender.kind == "audio")._ssrc
    drops_before = await _drops(server)
    for sequence in range(INJECTED):
        await transport._send_rtp(_rtp(0x0BADCAFE, sequence))
        await transport._send_rtp(_rtp(stolen, 30_000 + sequence))

    await until(
        lambda: _drops(server),
        lambda seen: seen - drops_before >= 2 * INJECTED,
        "every injected packet is a counted drop",
    )
    for receiver in (witness, viewer):
        assert sum(counter.frames > 0 for counter in receiver.counters) == 2, "nobody got a new stream"
    published = [event["track"] for event in witness.signaling.events if event["type"] == "track.published"]
    assert {track["participant_id"] for track in published} <= {host.participant_id}


async def _drops(server: ConclaveServer) -> float:
    """Return the drops for reasons that an unwanted sender causes."""
    samples = await server.metrics()
    return sum(value for name, value in samples.items() if name.startswith("conclave_plane_drops_total"))
