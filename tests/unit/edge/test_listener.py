import asyncio

import pytest
from tests.support.live import Live, Starter

from conclave.model.errors import Unavailable


async def test_the_port_asked_for_is_used_and_a_busy_one_is_named(start: Starter) -> None:
    live = await start()
    with pytest.raises(Unavailable, match=f"port {live.server.port}"):
        await start({"listen": {"port": live.server.port}})


async def test_several_requests_share_one_connection(start: Starter) -> None:
    live = await start()
    reader, writer = await live.raw()
    for _ in range(3):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b" 200 " in head
        assert await reader.readexactly(3) == b"ok\n"
    writer.close()


async def test_what_is_no_http_is_answered_without_being_quoted(start: Starter) -> None:
    live = await start()
    reader, writer = await live.raw()
    writer.write(b"quoted-nonsense\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert b" 400 " in answer
    assert b"quoted-nonsense" not in answer
    assert b"Content-Security-Policy" in answer
    writer.close()


async def test_after_the_stop_nobody_can_connect(start: Starter) -> None:
    live: Live = await start()
    port = live.server.port
    await live.server.stop()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)
