"""WHIP (RFC 9725) and WHEP with aiortc, and GStreamer's webrtcbin through both."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from tests.support.aiortc_participant import AiortcParticipant, Counter, Tone, new_connection
from tests.support.lines import LineProcess
from tests.support.netns import NetworkNamespace, join_by_veth, obstacle
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until

pytestmark = pytest.mark.timeout(180)

GSTREAMER_CLIENT = str(Path(__file__).parents[1] / "support" / "gstreamer_client.py")
SYSTEM_PYTHON = "/usr/bin/python3"
_NEEDS = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0');"
    "from gi.repository import Gst; Gst.init(None);"
    "assert all(map(Gst.ElementFactory.find, ('webrtcbin', 'nicesrc', 'dtlssrtpdec', 'vp8enc', 'opusenc')))"
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


class Resource:
    """A WHIP or WHEP resource: what POST made and DELETE ends."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, answer: str) -> None:
        self.url = url
        self.answer = answer
        self._session = session
        self._token = token

    @classmethod
    async def post(cls, session: aiohttp.ClientSession, endpoint: str, token: str, offer: str) -> "Resource":
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with session.post(endpoint, data=offer, headers=headers) as response:
            answer = await response.text()
            assert response.status == 201, answer
            assert response.headers["Content-Type"] == "application/sdp"
            return cls(session, urljoin(endpoint, response.headers["Location"]), token, answer)

    async def delete(self) -> int:
        async with self._session.delete(self.url, headers={"Authorization": f"Bearer {self._token}"}) as response:
            return response.status


async def _http(server: ConclaveServer, stack: AsyncExitStack) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=server.tls)
    return await stack.enter_async_context(aiohttp.ClientSession(connector=connector))


async def _host(server: ConclaveServer, stack: AsyncExitStack) -> AiortcParticipant:
    token = await server.invite(MEETING, "host")
    host = await AiortcParticipant.join(server.websocket_url, server.tls, token, "host", create="Studio")
    stack.push_async_callback(host.close)
    return host


async def _received(participant: AiortcParticipant) -> tuple[int, int]:
    return participant.received()


async def _negotiate(connection: RTCPeerConnection, session: aiohttp.ClientSession, endpoint: str, token: str) -> Resource:
    await connection.setLocalDescription(await connection.createOffer())
    resource = await Resource.post(session, endpoint, token, connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(sdp=resource.answer, type="answer"))
    return resource


async def test_what_aiortc_sends_by_whip_is_seen_in_the_meeting(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await _host(server, stack)
    session = await _http(server, stack)
    connection = new_connection()
    stack.push_async_callback(connection.close)
    connection.addTransceiver(Tone(), direction="sendonly")
    connection.addTransceiver(VideoStreamTrack(), direction="sendonly")
    token = await server.invite(MEETING, "participant")
    resource = await _negotiate(connection, session, f"{server.url}/whip/{MEETING}", token)

    await until(lambda: _received(host), lambda seen: min(seen) >= 10, "the host gets the sound and the picture")
    assert await resource.delete() == 200
    await host.signaling.event("participant.left")


async def test_aiortc_plays_the_meeting_by_whep(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await _host(server, stack)
    await host.publish()
    session = await _http(server, stack)
    connection = new_connection()
    stack.push_async_callback(connection.close)
    counters: dict[str, Counter] = {}
    connection.on("track", lambda track: counters.setdefault(track.kind, Counter(track)))
    for kind in ("audio", "video"):
        connection.addTransceiver(kind, direction="recvonly")
    token = await server.invite(MEETING, "viewer")
    resource = await _negotiate(connection, session, f"{server.url}/whep/{MEETING}", token)

    async def frames() -> dict[str, int]:
        return {kind: counter.frames for kind, counter in counters.items()}

    await until(frames, lambda seen: len(seen) == 2 and min(seen.values()) >= 10, "sound and picture play")
    assert await resource.delete() == 200
    for counter in counters.values():
        counter.stop()


def _gstreamer_obstacle() -> str | None:
    if obstacle() is not None:
        return obstacle()
    try:
        subprocess.run([SYSTEM_PYTHON, "-c", _NEEDS], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return "GStreamer with webrtcbin and its Python bindings is not installed"
    return None


@pytest.fixture(scope="module")
def gstreamer() -> None:
    reason = _gstreamer_obstacle()
    if reason is not None:
        pytest.skip(reason)


async def _gstreamer(
    namespace: NetworkNamespace, server: ConclaveServer, stack: AsyncExitStack, mode: str, token: str
) -> LineProcess:
    command = [SYSTEM_PYTHON, "-u", GSTREAMER_CLIENT, mode, f"{server.url}/{mode}/{MEETING}", str(server.certificate)]
    with namespace.entered():
        client = await LineProcess.start(f"gstreamer-{mode}", command)
    stack.push_async_callback(client.close)
    await client.ask({"token": token})
    return client


@pytest.mark.netns
async def test_gstreamer_sends_by_whip_and_plays_by_whep(gstreamer: None, tmp_path: Path, stack: AsyncExitStack) -> None:
    servers, clients = NetworkNamespace("conclave-gst-s"), NetworkNamespace("conclave-gst-c")
    stack.callback(servers.close)
    stack.callback(clients.close)
    address, _ = join_by_veth(servers, clients)
    stack.enter_context(servers.entered())
    server = await stack.enter_async_context(serving(tmp_path, address))
    host = await _host(server, stack)
    sender = await _gstreamer(clients, server, stack, "whip", await server.invite(MEETING, "participant"))
    try:
        await until(lambda: _received(host), lambda seen: min(seen) >= 10, "the host gets GStreamer's sound and picture")
        await host.publish()
        player = await _gstreamer(clients, server, stack, "whep", await server.invite(MEETING, "viewer"))
        await until(
            lambda: player.ask({"do": "stats"}),
            lambda seen: seen["state"] == "connected" and min(seen["audio"], seen["video"]) >= 10,
            "GStreamer decodes sound and picture of the meeting",
        )
        for client in (player, sender):
            assert (await client.ask({"do": "stop"}))["status"] == 200
    except BaseException:
        print(sender.tail(), server.tail(), sep="\n")
        raise
