"""The WebSocket of one client: requests and their answers, events by type, heartbeat."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from bench.guard import Target
from conclave.signaling.messages import RESULTS, SUBPROTOCOL_MSGPACK, Ping, Request

REQUEST_TIMEOUT_S = 10.0


class RequestRefused(Exception):
    """The server answered `error`. `code` is one of the protocol's."""

    def __init__(self, request: str, code: str, detail: str) -> None:
        super().__init__(f"{request}: {code}: {detail}")
        self.code = code
        self.detail = detail


class ConnectionLost(Exception):
    """The WebSocket closed; the message says with which code and, if the server said so, why."""


class Signaling:
    """Requests by `request`, events to the callbacks of `on`. Made by `connect`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._callbacks: dict[str, list[Callable[[dict[str, Any]], None]]] = {}
        self._next_id = 0
        self._heartbeat: asyncio.Task[None] | None = None
        self._closing: str = ""
        self.events: dict[str, int] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, session: aiohttp.ClientSession, target: Target, tls: ssl.SSLContext) -> "Signaling":
        """Open the WebSocket. Raises ConnectionLost."""
        try:
            socket = await session.ws_connect(
                target.signaling_url,
                protocols=(SUBPROTOCOL_MSGPACK,),
                origin=target.origin,
                ssl=tls,
                compress=0,
                max_msg_size=4 * 1024 * 1024,
                autoping=True,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost(f"WebSocket refused: {error or type(error).__name__}") from error
        if socket.protocol != SUBPROTOCOL_MSGPACK:
            await socket.close()
            raise ConnectionLost(f"the server did not agree to {SUBPROTOCOL_MSGPACK}")
        return cls(socket)

    @property
    def closed(self) -> bool:
        return self._reader.done()

    def on(self, event: str, callback: Callable[[dict[str, Any]], None]) -> None:
        """Call `callback` with the map of each event of that type."""
        self._callbacks.setdefault(event, []).append(callback)

    def next_id(self) -> int:
        self._next_id += 1
        return self._next_id

    async def request(self, message: Request) -> Any:
        """Send a request and return its typed result. Raises RequestRefused, ConnectionLost, TimeoutError."""
        return await self.send(message)

    def send(self, message: Request) -> asyncio.Future[Any]:
        """Send a request without waiting, so that the next can follow at once; the future holds its typed result."""
        if self.closed:
            raise ConnectionLost(self._closing or "the WebSocket is closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[message.id] = future
        return asyncio.ensure_future(self._exchange(message, future))

    def start_heartbeat(self, interval_ms: int) -> None:
        self._heartbeat = asyncio.create_task(self._beat(interval_ms / 1000))

    async def close(self) -> None:
        """Close the WebSocket; requests still waiting fail."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, *filter(None, [self._heartbeat]), return_exceptions=True)

    async def _exchange(self, message: Request, future: asyncio.Future[Any]) -> Any:
        try:
            await self._socket.send_bytes(msgspec.msgpack.encode(message))
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ConnectionLost(self._closing or "the WebSocket is closed") from error
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            try:
                answer = await future
            finally:
                self._waiting.pop(message.id, None)
        if answer["type"] == "error":
            raise RequestRefused(str(message.__struct_config__.tag), answer["code"], answer["detail"])
        result_type = RESULTS.get(type(message))
        return None if result_type is None else msgspec.convert(answer["result"], result_type)

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                if frame.type is aiohttp.WSMsgType.BINARY:
                    self._take(msgspec.msgpack.decode(frame.data))
        finally:
            if not self._closing:
                self._closing = f"the WebSocket closed with code {self._socket.close_code}"
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionLost(self._closing))

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind in ("response", "error"):
            future = self._waiting.get(message["id"])
            if future is not None and not future.done():
                future.set_result(message)
            return
        self.events[kind] = self.events.get(kind, 0) + 1
        if kind == "closing":
            self._closing = f"the server closed: {message['code']}: {message['detail']}"
        for callback in self._callbacks.get(kind, ()):
            callback(message)

    async def _beat(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.request(Ping(id=self.next_id()))
            except (ConnectionLost, RequestRefused, TimeoutError):
                return
