import asyncio

import msgspec
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError
from tests.support.live import JSON, MSGPACK, Starter, ask, closed_with, hello, open_meeting

from conclave.edge.wss import cut


async def test_a_greeting_over_json_is_answered_with_welcome(start: Starter) -> None:
    live = await start()
    socket = await live.connect(JSON)
    answer = await hello(socket, live.invite(live.new_meeting()))
    assert answer["type"] == "response"
    assert answer["result"]["role"] == "host"
    assert socket.protocol == JSON
    await socket.close()


async def test_a_greeting_over_msgpack_comes_back_in_binary_frames(start: Starter) -> None:
    live = await start()
    socket = await live.connect(MSGPACK)
    token = live.invite(live.new_meeting())
    await socket.send_bytes(msgspec.msgpack.encode({"type": "hello", "id": 1, "protocol": 1, "token": token}))
    message = await socket.receive(5)
    assert message.type is WSMsgType.BINARY
    assert msgspec.msgpack.decode(message.data)["id"] == 1
    await socket.close()


async def test_an_unknown_message_is_refused_and_the_connection_stays(start: Starter) -> None:
    live = await start()
    socket = await live.connect()
    await hello(socket, live.invite(live.new_meeting()))
    assert (await ask(socket, 2, "no.such.thing"))["code"] == "invalid"
    assert (await ask(socket, 3, "ping"))["type"] == "response"
    await socket.close()


async def test_no_compression_is_negotiated_even_when_offered(start: Starter) -> None:
    live = await start()
    socket = await live.connect(compress=15)
    assert socket.compress == 0
    await socket.close()


async def test_our_own_and_allowed_origins_may_connect(start: Starter) -> None:
    live = await start({"security": {"allowed_origins": ["https://meet.example"]}})
    for origin in (live.url, "https://meet.example"):
        socket = await live.connect(origin=origin)
        await socket.close()


async def test_a_plain_request_is_told_to_upgrade(start: Starter) -> None:
    live = await start()
    async with live.http.get(f"{live.url}/api/v1/signaling") as response:
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"
        assert (await response.json(content_type="application/problem+json"))["code"] == "invalid"


async def test_a_full_server_refuses_before_the_upgrade(start: Starter) -> None:
    live = await start({"security": {"max_connections": 1}})
    first = await live.connect()
    with pytest.raises(WSServerHandshakeError) as caught:
        await live.connect()
    assert caught.value.status == 503
    await first.close()


async def test_a_connection_without_a_greeting_is_closed_in_time(start: Starter) -> None:
    live = await start({"signaling": {"hello_timeout_s": 0.2}})
    socket = await live.connect()
    assert await closed_with(socket) == 4008


async def test_the_count_of_connections_returns_to_zero(start: Starter) -> None:
    live = await start()
    sockets = [await live.connect() for _ in range(5)]
    for socket in sockets:
        await socket.close()
    async with asyncio.timeout(5):
        while "conclave_edge_sources 0.0" not in live.server.metrics.render().decode():  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.01)


async def test_a_stopping_server_says_so_and_closes_as_going_away(start: Starter) -> None:
    live = await start()
    socket = await open_meeting(live, live.new_meeting())
    stopping = asyncio.create_task(live.server.stop())
    seen = []
    while (message := await socket.receive(5)).type is WSMsgType.TEXT:
        seen.append(msgspec.json.decode(message.data))
    await stopping
    assert seen[-1]["type"] == "closing"
    assert seen[-1]["code"] == "shutdown"
    assert socket.close_code == 1001


async def test_a_connection_that_was_closed_twice_can_still_be_cut(start: Starter) -> None:
    live = await start()
    _, writer = await live.raw()
    for _ in range(2):
        writer.transport.close()
    cut(writer.transport)
    assert writer.transport.is_closing()
