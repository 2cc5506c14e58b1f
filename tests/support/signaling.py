"""A small signaling client that knows the protocol only by its documentation, not by the server's code."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from typing import Any, Self

import aiohttp
import msgspec

JSON = "conclave.v1.json"
MSGPACK = "conclave.v1.msgpack"
Message = dict[str, Any]


class RequestRefused(Exception):
    """The server answered `error`; `code` is one of its stable error codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class ConnectionEnded(Exception):
    """The WebSocket closed; `code` is its close code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the connection ended with close code {code}")
        self.code = code


def _encode(message: Message, subprotocol: str) -> str | bytes:
    return json.dumps(message) if subprotocol == JSON else msgspec.msgpack.encode(message)


def _decode(frame: aiohttp.WSMessage) -> Message:
    decoded = json.loads(frame.data) if frame.type is aiohttp.WSMsgType.TEXT else msgspec.msgpack.decode(frame.data)
    assert isinstance(decoded, dict)
    return decoded


class Signaling:
    """One connection. Answers are matched to requests by id; events are kept and can be waited for."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, subprotocol: str) -> None:
        self.subprotocol = subprotocol
        self.events: list[Message] = []
        self.close_code: int | None = None
        self._session = session
        self._socket = socket
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._changed = asyncio.Condition()
        self._listeners: list[Callable[[Message], None]] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls, url: str, tls: ssl.SSLContext, *, subprotocol: str = JSON, origin: str | None = None, timeout_s: float = 30
    ) -> Self:
        """Open the WebSocket at `url` (wss://host:port/path)."""
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
        try:
            headers = {} if origin is None else {"Origin": origin}
            socket = await asyncio.wait_for(
                session.ws_connect(url, protocols=(subprotocol,), headers=headers, max_msg_size=1 << 20), timeout_s
            )
        except BaseException:
            await session.close()
            raise
        return cls(session, socket, subprotocol)

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    continue
                await self._take(_decode(frame))
        finally:
            self.close_code = self._socket.close_code
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionEnded(self.close_code))
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, message: Message) -> None:
        if message["type"] in ("response", "error"):
            waiting = self._waiting.pop(message["id"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return
        async with self._changed:
            self.events.append(message)
            self._changed.notify_all()
        for listener in self._listeners:
            listener(message)

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a frame as it is, for what a good client would never send."""
        if isinstance(frame, str):
            await self._socket.send_str(frame)
        else:
            await self._socket.send_bytes(frame)

    def post(self, kind: str, **fields: Any) -> "asyncio.Future[Message]":
        """Queue a request without waiting; requests may be pipelined. The future holds the raw answer."""
        self._next_id += 1
        request_id = self._next_id
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        frame = _encode({"type": kind, "id": request_id, **fields}, self.subprotocol)
        sending = asyncio.ensure_future(self.send_raw(frame))
        sending.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)
        return answer

    async def request(self, kind: str, *, within_s: float = 30, **fields: Any) -> Message:
        """Send a request and return the result. Raises RequestRefused with the server's code."""
        try:
            answer = await asyncio.wait_for(self.post(kind, **fields), within_s)
        except TimeoutError:
            raise TimeoutError(f"no answer to {kind} within {within_s} s") from None
        if answer["type"] == "error":
            raise RequestRefused(answer["code"], answer["detail"])
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    async def event(self, kind: str, match: Callable[[Message], bool] = lambda _: True, within_s: float = 30) -> Message:
        """Return the first event of this kind, past or to come, that matches. Raises TimeoutError naming what was seen."""

        def found() -> Message | None:
            return next((event for event in self.events if event["type"] == kind and match(event)), None)

        async def wait() -> Message:
            async with self._changed:
                await self._changed.wait_for(lambda: found() is not None or self._socket.closed)
            event = found()
            if event is None:
                raise ConnectionEnded(self.close_code)
            return event

        try:
            return await asyncio.wait_for(wait(), within_s)
        except TimeoutError:
            seen = [event["type"] for event in self.events]
            raise TimeoutError(f"no event {kind} within {within_s} s; seen: {seen}") from None

    async def hello(self, token: str) -> Message:
        return await self.request("hello", protocol=1, token=token, client="tests")

    async def enter(self, token: str, name: str, *, create: str | None = None, auto_subscribe: bool = True) -> Message:
        """hello, meeting.create when `create` gives a title and the meeting is not open yet, join; return the join's result."""
        welcome = await self.hello(token)
        if create is not None and not welcome["meeting_open"]:
            await self.request("meeting.create", title=create)
        return await self.request("join", display_name=name, auto_subscribe=auto_subscribe)

    async def close(self) -> None:
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionEnded):
            await self._reader
        await self._session.close()
