"""WebSocket frames that no client has reason to send. Each ends its own connection; the server and the others go on."""

import asyncio
import zlib

import pytest
from tests.support.live import Live, Starter, ask, closed_with, hello

from conclave.policy.limits import MAX_FRAME_BYTES

MASK = b"\0\0\0\0"
CLOSE = 0x88


def frame(payload: bytes = b"", *, first: int = 0x81, masked: bool = True) -> bytes:
    bit = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head = bytes([first, bit | length])
    elif length < 65_536:
        head = bytes([first, bit | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + length.to_bytes(8, "big")
    return head + (MASK if masked else b"") + payload


async def end_of(reader: asyncio.StreamReader) -> int | None:
    """Read server frames until the connection ends; return the close code, None when it was cut without one."""
    code = None
    try:
        async with asyncio.timeout(10):
            while True:
                first, length = await reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                payload = await reader.readexactly(length)
                if first == CLOSE:
                    code = int.from_bytes(payload[:2], "big")
    except (asyncio.IncompleteReadError, ConnectionError):
        return code


async def answers(live: Live) -> None:
    socket = await live.connect()
    assert (await hello(socket, live.invite(live.new_meeting())))["type"] == "response"
    await socket.close()


async def attack(live: Live, data: bytes) -> int | None:
    reader, writer = await live.raw()
    assert b" 101 " in await live.upgrade(reader, writer)
    writer.write(data)
    code = await end_of(reader)
    writer.close()
    await answers(live)
    return code


async def test_an_oversized_message_is_refused_as_too_big(start: Starter) -> None:
    live = await start()
    assert await attack(live, frame(b"x" * (MAX_FRAME_BYTES + 1))) == 1009


async def test_the_largest_message_is_still_read(start: Starter) -> None:
    live = await start()
    socket = await live.connect()
    await socket.send_str('{"type":"ping","id":1}'.ljust(MAX_FRAME_BYTES))
    assert (await socket.receive_json(timeout=5))["id"] == 1
    await socket.close()


async def test_a_huge_declared_length_is_refused_at_once(start: Starter) -> None:
    live = await start()
    assert await attack(live, b"\x82\xff" + (2**62).to_bytes(8, "big") + MASK) == 1009


async def test_endless_fragmentation_is_a_policy_violation(start: Starter) -> None:
    live = await start()
    assert await attack(live, frame(first=0x01) + frame(first=0x00) * 3_000) == 1008


async def test_fragments_that_add_up_to_too_much_are_refused(start: Starter) -> None:
    live = await start()
    half = b"x" * (MAX_FRAME_BYTES // 2 + 1)
    assert await attack(live, frame(half, first=0x01) + frame(half, first=0x80)) == 1009


async def test_a_message_that_drips_in_is_cut_after_its_time(start: Starter) -> None:
    live = await start({"signaling": {"message_assembly_s": 0.2}})
    assert await attack(live, frame(b"x" * 100)[:20]) == 1008


async def test_a_flood_of_pings_is_a_policy_violation(start: Starter) -> None:
    live = await start()
    assert await attack(live, frame(b"x", first=0x89) * 500) == 1008


async def test_an_unmasked_frame_is_a_protocol_error(start: Starter) -> None:
    live = await start()
    assert await attack(live, frame(b"{}", masked=False)) == 1002


async def test_a_decompression_bomb_is_refused_because_nothing_is_decompressed(start: Starter) -> None:
    live = await start()
    deflater = zlib.compressobj(wbits=-15)
    bomb = deflater.compress(b"\0" * 20_000_000) + deflater.flush()
    assert await attack(live, frame(bomb, first=0xC1)) == 1002


@pytest.mark.parametrize("data", [b"\xff" * 64, frame(first=0x83), frame(first=0x00), frame(b"\xff\xfe")])
async def test_malformed_frames_end_the_connection_and_nothing_else(start: Starter, data: bytes) -> None:
    live = await start()
    assert await attack(live, data) in (1002, 1003, 1007, 1009)


@pytest.mark.parametrize("message", [frame(b"x"), frame(), frame(first=0x01) + frame(first=0x00) * 8 + frame(first=0x80)])
async def test_a_read_full_of_tiny_frames_is_cut_before_they_are_parsed(start: Starter, message: bytes) -> None:
    live = await start()
    assert await attack(live, message * 20_000) == 1008
    assert live.server.hub.counts()["messages"] == 1, "only the hello of the bystander"


async def test_frames_sent_before_the_answer_are_metered_too(start: Starter) -> None:
    live = await start()
    reader, writer = await live.raw()
    assert b" 101 " in await live.upgrade(reader, writer, early=frame(first=0x01) + frame(first=0x00) * 3_000)
    assert await end_of(reader) == 1008
    writer.close()


async def test_more_messages_than_allowed_close_the_connection(start: Starter) -> None:
    live = await start({"signaling": {"messages_per_s": 1, "message_burst": 20}})
    socket = await live.connect()
    await hello(socket, live.invite(live.new_meeting()))
    for number in range(40):
        await socket.send_json({"type": "ping", "id": number})
    assert await closed_with(socket) == 4029
    await answers(live)


async def test_text_in_place_of_binary_breaks_the_protocol(start: Starter) -> None:
    live = await start()
    socket = await live.connect("conclave.v1.msgpack")
    await socket.send_str("{}")
    assert await closed_with(socket) == 1007


async def test_a_refused_message_leaves_the_sender_connected(start: Starter) -> None:
    live = await start()
    socket = await live.connect()
    await hello(socket, live.invite(live.new_meeting()))
    assert (await ask(socket, 2, "join", display_name="x" * 65))["code"] in ("invalid", "too_large")
    assert (await ask(socket, 3, "ping"))["type"] == "response"
    await socket.close()
