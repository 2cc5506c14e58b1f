"""One source that wants everything, and one reader that takes nothing."""

import asyncio
import contextlib
import socket as sockets

import pytest
from aiohttp import WSServerHandshakeError
from tests.support.live import Live, Starter, ask, hello, open_meeting

from conclave.edge import listener
from conclave.edge.sources import TRANSPORTS_BESIDE

NAME = "\N{GRINNING FACE}" * 64


async def test_one_source_cannot_take_all_connections(start: Starter) -> None:
    live = await start({"security": {"max_connections_per_source": 5}})
    held = [await live.connect() for _ in range(5)]
    with pytest.raises(WSServerHandshakeError) as caught:
        await live.connect()
    assert caught.value.status == 429
    await held.pop().close()
    async with asyncio.timeout(5):
        while True:
            try:
                held.append(await live.connect())
                break
            except WSServerHandshakeError:
                await asyncio.sleep(0.01)
    for socket in held:
        await socket.close()


async def test_connecting_too_fast_is_rate_limited(start: Starter) -> None:
    live = await start({"security": {"connects_per_s_per_source": 1, "max_connections_per_source": 3}})
    for _ in range(3):
        await (await live.connect()).close()
    with pytest.raises(WSServerHandshakeError) as caught:
        await live.connect()
    assert caught.value.status == 429


async def test_silent_tls_connections_of_one_source_are_limited(start: Starter) -> None:
    live = await start({"security": {"max_connections_per_source": 1}})
    held = [await live.raw() for _ in range(TRANSPORTS_BESIDE + 1)]
    reader, writer = await live.raw()
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    for _, other in [*held, (reader, writer)]:
        other.close()


async def unread(live: Live) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection with small buffers on which nobody reads."""
    slow = sockets.socket()
    slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    slow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(slow, ("127.0.0.1", live.server.port))
    reader, writer = await asyncio.open_connection(sock=slow, ssl=live.tls, server_hostname="127.0.0.1", limit=64)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return reader, writer


async def test_who_asks_for_much_and_reads_nothing_is_cut(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "STALLED_S", 0.2)
    live = await start()
    _, writer = await unread(live)

    async def ask_on() -> None:
        while True:
            writer.write(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 32)
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on(), 20)
    writer.close()


async def test_a_reader_that_takes_nothing_is_cut_and_the_meeting_does_not_wait(start: Starter) -> None:
    live = await start({"signaling": {"outbox_messages": 32, "outbox_bytes": 65_536}})
    meeting = live.new_meeting()
    host = await open_meeting(live, meeting)
    slow = sockets.socket()
    slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    slow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(slow, ("127.0.0.1", live.server.port))
    reader, writer = await asyncio.open_connection(sock=slow, ssl=live.tls, server_hostname="127.0.0.1", limit=4_096)
    await live.upgrade(reader, writer)
    for text in (
        f'{{"type":"hello","id":1,"protocol":1,"token":"{live.invite(meeting)}"}}',
        '{"type":"join","id":2,"display_name":"S"}',
    ):
        data = text.encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        writer.write(b"\x81" + length + b"\0\0\0\0" + data)
    await writer.drain()

    async def chatter() -> None:
        socket = await live.connect()
        await hello(socket, live.invite(meeting))
        await ask(socket, 2, "join", display_name=NAME)
        for number in range(10):
            await ask(socket, 3 + number, "hand.raise", raised=number % 2 == 0)
        await ask(socket, 20, "leave")
        await socket.close()

    async def drain_host() -> None:
        async for _ in host:
            pass

    draining = asyncio.create_task(drain_host())
    async with asyncio.timeout(60):
        while 'conclave_hub_events_total{event="outbox_overflows"} 1.0' not in live.server.metrics.render().decode():
            await asyncio.gather(*(chatter() for _ in range(4)))
    draining.cancel()
    assert not host.closed
    writer.transport.abort()
    await host.close()
