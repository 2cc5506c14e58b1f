"""Other WebRTC engines as full participants: they publish and receive beside each other through the real server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.support.aiortc_participant import AiortcParticipant
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer
from tests.support.signaling import JSON, MSGPACK
from tests.support.wait import until
from tests.support.wrtc_client import WrtcClient

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def _aiortc(server: ConclaveServer, stack: AsyncExitStack, role: str, name: str, **options: str) -> AiortcParticipant:
    token = await server.invite(MEETING, role)
    joined = await AiortcParticipant.join(server.websocket_url, server.tls, token, name, **options)
    stack.push_async_callback(joined.close)
    await joined.publish()
    return joined


async def _wrtc(server: ConclaveServer, stack: AsyncExitStack, role: str, name: str, create: str | None = None) -> WrtcClient:
    joined = await WrtcClient.join(server, await server.invite(MEETING, role), name, create=create)
    stack.push_async_callback(joined.close)
    await joined.publish()
    return joined


async def _aiortc_received(participant: AiortcParticipant) -> tuple[int, int]:
    return participant.received()


async def test_two_libwebrtc_clients_see_and_hear_each_other(server: ConclaveServer, stack: AsyncExitStack) -> None:
    clients = [await _wrtc(server, stack, "host", "one", create="Engines"), await _wrtc(server, stack, "participant", "two")]
    for client in clients:
        await until(client.received, lambda seen: seen[0] > 0.01 and seen[1] >= 20, "sound and pictures arrive")
    for client in clients:
        await client.leave()


@pytest.mark.parametrize("subprotocol", [JSON, MSGPACK])
async def test_two_aiortc_clients_see_and_hear_each_other(
    server: ConclaveServer, stack: AsyncExitStack, subprotocol: str
) -> None:
    clients = [
        await _aiortc(server, stack, "host", "one", create="Engines", subprotocol=subprotocol),
        await _aiortc(server, stack, "participant", "two", subprotocol=subprotocol),
    ]
    for client in clients:
        await until(lambda client=client: _aiortc_received(client), lambda seen: min(seen) >= 20, "sound and pictures arrive")


async def test_libwebrtc_and_aiortc_see_and_hear_each_other(server: ConclaveServer, stack: AsyncExitStack) -> None:
    libwebrtc = await _wrtc(server, stack, "host", "libwebrtc", create="Engines")
    aiortc = await _aiortc(server, stack, "participant", "aiortc")
    await until(libwebrtc.received, lambda seen: seen[0] > 0.01 and seen[1] >= 20, "libwebrtc gets sound and pictures")
    await until(lambda: _aiortc_received(aiortc), lambda seen: min(seen) >= 20, "aiortc gets sound and pictures")


@pytest.mark.parametrize(
    "profile", ["SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM"]
)  # fmt: skip
async def test_media_flows_with_each_srtp_profile(server: ConclaveServer, stack: AsyncExitStack, profile: str) -> None:
    clients = [
        await _aiortc(server, stack, "host", "one", create="Profiles", srtp_profile=profile),
        await _aiortc(server, stack, "participant", "two", srtp_profile=profile),
    ]
    for client in clients:
        await until(lambda client=client: _aiortc_received(client), lambda seen: min(seen) >= 10, "sound and pictures arrive")
        assert client.negotiated_profiles() == {profile}
