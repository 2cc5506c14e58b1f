"""Floods, slow readers and stolen sessions over a real WebSocket: the abuser goes, the meeting stays."""

import asyncio
import json
import socket
from contextlib import suppress

import pytest
from aiohttp import WSCloseCode
from tests.support.live import Live, Starter, closed_with, hello, open_meeting
from tests.support.offers import offer
from tests.support.signaling import RequestRefused, Signaling

from conclave.model.roles import Role


async def test_a_flood_of_messages_ends_its_own_connection_and_no_other(start: Starter) -> None:
    live = await start()
    meeting_id = live.new_meeting()
    host = await open_meeting(live, meeting_id)
    flooder = await live.connect()
    await hello(flooder, live.invite(meeting_id, Role.VIEWER))
    for number in range(1_000):
        await flooder.send_json({"type": "ping", "id": number})
    # The frame budget cuts it while it still sends: then the reset that follows may overtake the close frame (1006).
    assert await closed_with(flooder) in {4029, WSCloseCode.POLICY_VIOLATION, WSCloseCode.ABNORMAL_CLOSURE}
    await host.send_json({"type": "hand.raise", "id": 9, "raised": True})
    assert (await host.receive_json(timeout=5))["id"] == 9
    await host.close()


async def test_guessing_tokens_ends_the_connection(start: Starter) -> None:
    live = await start()
    guesser = await live.connect()
    for number in range(100):
        await guesser.send_json({"type": "hello", "id": number, "protocol": 1, "token": f"guess{number}"})
    assert await closed_with(guesser) == 4029


async def test_a_reader_that_never_reads_is_cut_and_the_meeting_does_not_wait(start: Starter) -> None:
    live = await start({"signaling": {"outbox_messages": 64, "outbox_bytes": 131_072}})
    meeting_id = live.new_meeting()
    host = await Signaling.connect(live.signaling, live.tls)
    await host.enter(live.invite(meeting_id), "Host", create="Weekly", auto_subscribe=False)
    reader, writer = await narrow_connection(live)
    await live.upgrade(reader, writer)
    token = live.invite(meeting_id, Role.VIEWER)
    await send(writer, {"type": "hello", "id": 1, "protocol": 1, "token": token})
    await send(writer, {"type": "join", "id": 2, "display_name": "Sloth"})
    await host.event("participant.joined")
    playback = {"type": "playback.offer", "id": 3, "sdp": offer(*["audio"] * 32, direction="recvonly")}
    with suppress(ConnectionError):
        for _ in range(50):
            await send(writer, playback)
    await host.event("participant.changed", lambda event: not event["participant"]["connected"], within_s=30)
    assert (await host.request("ping"))["server_ms"] > 0
    assert b'conclave_hub_events_total{event="outbox_overflows"} 1.0' in live.server.metrics.render()
    await host.close()
    writer.transport.abort()


async def narrow_connection(live: Live) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with the smallest receive buffers there are; nothing is read beyond them."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", live.server.port))
    return await asyncio.open_connection(sock=connection, ssl=live.tls, server_hostname="127.0.0.1", limit=2_048)


async def send(writer: asyncio.StreamWriter, message: dict[str, object]) -> None:
    writer.write(frame(json.dumps(message).encode()))
    await writer.drain()


def frame(text: bytes) -> bytes:
    """Return a masked text frame (RFC 6455, section 5.2) with the masking key zero."""
    length = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0x80 | 126]) + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


async def test_a_resume_token_that_was_used_cannot_be_used_by_a_thief(start: Starter) -> None:
    live = await start()
    meeting_id = live.new_meeting()
    owner = await Signaling.connect(live.signaling, live.tls)
    welcome = await owner.hello(live.invite(meeting_id))
    await owner.request("meeting.create", title="Weekly")
    await owner.request("join", display_name="Owner")
    resume = {"session_id": welcome["session_id"], "resume_token": welcome["resume_token"]}
    again = await Signaling.connect(live.signaling, live.tls)
    await again.request("hello", protocol=1, resume=resume)
    assert (await owner.event("closing"))["code"] == "replaced"
    thief = await Signaling.connect(live.signaling, live.tls)
    with pytest.raises(RequestRefused, match="unauthorized"):
        await thief.request("hello", protocol=1, resume=resume)
    assert (await again.request("ping"))["server_ms"] > 0
    for connection in (owner, again, thief):
        await connection.close()


async def test_a_message_that_breaks_the_protocol_shows_no_traceback(start: Starter) -> None:
    live = await start()
    socket = await live.connect()
    await socket.send_str('{"type": "hello", "id": 1, "protocol": 1, "token": ' + "[" * 20_000 + "]" * 20_000 + "}")
    seen = await socket.receive_json(timeout=5)
    assert seen["type"] == "error"
    assert "Traceback" not in str(seen)
    assert len(str(seen)) < 500
    await socket.close()
