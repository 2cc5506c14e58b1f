"""What must not get past the door: foreign pages, foreign protocols, tokens in addresses, plain text, smuggled requests."""

import asyncio
import ssl

import pytest
from aiohttp import WSServerHandshakeError
from tests.support.live import Starter


async def refused(live: object, **options: object) -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await live.http.ws_connect(live.signaling, **options)  # type: ignore[attr-defined]
    return caught.value.status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1"])
async def test_a_page_of_another_origin_cannot_connect(start: Starter, origin: str) -> None:
    live = await start()
    assert await refused(live, protocols=("conclave.v1.json",), origin=origin) == 403


@pytest.mark.parametrize("protocols", [(), ("chat",), ("conclave.v2.json",), ("CONCLAVE.V1.JSON",)])
async def test_without_a_subprotocol_of_ours_there_is_no_upgrade(start: Starter, protocols: tuple[str, ...]) -> None:
    live = await start()
    assert await refused(live, protocols=protocols) == 400


@pytest.mark.parametrize("path", ["/api/v1/signaling", "/api/v1/meetings", "/whip/x", "/", "/metrics"])
async def test_a_token_in_the_query_is_refused_everywhere(start: Starter, path: str) -> None:
    live = await start()
    async with live.http.get(f"{live.url}{path}?access_token=abc") as response:
        assert response.status in (400, 405)
    async with live.http.get(f"{live.url}/?x=eyJhbGciOiJFZERTQSJ9") as response:
        assert response.status == 400


async def test_the_signaling_address_takes_no_query_at_all(start: Starter) -> None:
    live = await start()
    with pytest.raises(WSServerHandshakeError) as caught:
        await live.http.ws_connect(f"{live.signaling}?a=b", protocols=("conclave.v1.json",))
    assert caught.value.status == 400


async def test_plain_http_gets_no_answer_in_plain_text(start: Starter) -> None:
    live = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        answer = b""
    assert b"HTTP" not in answer
    writer.close()


async def test_tls_1_2_is_refused_at_the_handshake(start: Starter) -> None:
    live = await start()
    live.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await live.raw()


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    "extra", [b"Content-Length: %d\r\n" % len(SMUGGLED), b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"]
)
async def test_a_request_hidden_behind_an_upgrade_is_not_answered(start: Starter, extra: bytes) -> None:
    live = await start()
    reader, writer = await live.raw()
    writer.write(
        b"GET /api/v1/signaling HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: conclave.v1.json\r\n" + extra + b"\r\n" + SMUGGLED
    )
    answer = await asyncio.wait_for(reader.read(), 10)
    assert b" 101 " not in answer
    assert b"ok\n" not in answer
    writer.close()


async def test_a_request_behind_a_refused_upgrade_is_not_answered_as_a_second_one(start: Starter) -> None:
    live = await start()
    reader, writer = await live.raw()
    writer.write(
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED
    )
    answer = await asyncio.wait_for(reader.read(), 40)
    assert answer.count(b"HTTP/1.") == 1
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"Transfer-Encoding" not in answer
    writer.close()


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\0\0nonsense\r\n\r\n",
    ],
)
async def test_absurd_requests_are_refused_without_a_trace_of_ours(start: Starter, request_text: bytes) -> None:
    live = await start()
    reader, writer = await live.raw()
    writer.write(request_text)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert b"HTTP/1.1 4" in answer or b"HTTP/1.0 4" in answer
    assert b"Traceback" not in answer
    assert b"aiohttp" not in answer
    assert b"Server: conclave" in answer
    writer.close()


@pytest.mark.parametrize("host", [b"[::1", b"a]b[", "a\u2100b".encode(), b"", b":443"])
async def test_a_host_that_is_none_is_refused_and_is_no_news_for_the_log(
    start: Starter, host: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    live = await start()
    reader, writer = await live.raw()
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert not [record for record in caplog.records if record.exc_info]
    writer.close()
