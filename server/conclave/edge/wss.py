"""The signaling WebSocket: negotiates, frames and limits. What a message means is asked of the hub."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from aiohttp import WSMsgType, web

from conclave.config.settings import Settings
from conclave.edge.application import handles
from conclave.edge.frame_meter import MeteredWebSocket
from conclave.edge.headers import check_origin
from conclave.edge.problem import Problem
from conclave.edge.sources import Sources
from conclave.hub.hub import Hub
from conclave.hub.sessions import ConnectionInfo, Session
from conclave.model.errors import ErrorCode
from conclave.policy.limits import MAX_FRAME_BYTES, BucketSize
from conclave.signaling.codec import Encoding

CLOSE_TIMEOUT_S = 2.0
FRAMES_A_MESSAGE = 2
"""Allowed on average; the hub's own limit, which says why it closes, comes first for messages in one frame each."""


class Signaling:
    """GET /api/v1/signaling."""

    def __init__(self, settings: Settings, sources: Sources, hub: Hub) -> None:
        self._settings = settings
        self._sources = sources
        self._hub = hub
        self._serving: set[asyncio.Task[None]] = set()

    @handles("signaling")
    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Upgrade and serve until the end. Refusals before the upgrade are problems: 400, 403, 426, 429, 503."""
        if request.query_string:
            raise Problem(400, ErrorCode.INVALID, "this address has no query")
        encoding = negotiate(request)
        check_origin(request.headers.get("Origin"), request.host, self._settings.security.allowed_origins)
        source, former = self._sources.identify(request.remote), self._sources.former(request.remote)
        self._sources.open_connection(source, former)
        self._serving.add(request.task)
        try:
            return await self._serve(request, encoding, source, former)
        finally:
            self._serving.discard(request.task)
            self._sources.close_connection(source)

    async def drain(self, timeout_s: float) -> None:
        """Wait until every connection has ended, at most `timeout_s`."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=timeout_s)

    async def _serve(
        self, request: web.Request, encoding: Encoding, source: bytes, former: tuple[bytes, ...]
    ) -> web.StreamResponse:
        budget = self._settings.signaling
        data_frames = BucketSize(
            burst=FRAMES_A_MESSAGE * budget.message_burst + budget.max_frames_per_message,
            per_s=FRAMES_A_MESSAGE * budget.messages_per_s,
        )
        socket = MeteredWebSocket(
            max_frames=budget.max_frames_per_message, max_bytes=MAX_FRAME_BYTES, assembly_s=budget.message_assembly_s,
            data_frames=data_frames,
            protocols=(encoding.value,), heartbeat=budget.heartbeat_s, timeout=CLOSE_TIMEOUT_S,
        )  # fmt: skip
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        abort = partial(cut, transport)
        session = self._hub.connect(ConnectionInfo(encoding=encoding, abort=abort, source_hash=source, former_hashes=former))
        try:
            await socket.prepare(request)
            writer = asyncio.create_task(self._write(session, socket, encoding, abort), name="signaling writer")
            try:
                await self._read(session, socket)
            finally:
                session.disconnected()
                await _finish(writer)
        finally:
            session.disconnected()
        return socket

    async def _read(self, session: Session, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            await session.receive(message.data)

    async def _write(
        self, session: Session, socket: web.WebSocketResponse, encoding: Encoding, abort: Callable[[], None]
    ) -> None:
        kind = WSMsgType.TEXT if encoding.is_text else WSMsgType.BINARY
        try:
            while frames := await session.outbox.take():
                async with asyncio.timeout(self._settings.signaling.send_timeout_s):
                    for frame in frames:
                        await socket.send_frame(frame, kind)
            await socket.close(code=session.close_code)
        except (TimeoutError, ConnectionError):
            abort()


def cut(transport: asyncio.Transport) -> None:
    """Cut a connection at once; a TLS transport of asyncio that was closed twice has nothing left to abort and fails over it."""
    with suppress(AttributeError):
        transport.abort()


async def _finish(writer: asyncio.Task[None]) -> None:
    """Let the writer send what waits and close; it ends by itself, because the outbox has ended."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S * 2):
            await asyncio.shield(writer)
    except TimeoutError:
        writer.cancel()
    finally:
        if not writer.done():
            writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


def negotiate(request: web.Request) -> Encoding:
    """Return the first offered subprotocol that we speak. Raises Problem 426 without an upgrade, 400 without a subprotocol."""
    if request.headers.get("Upgrade", "").strip().lower() != "websocket":
        raise Problem(426, ErrorCode.INVALID, "connect with a WebSocket", {"Upgrade": "websocket", "Connection": "Upgrade"})
    if "Content-Length" in request.headers or "Transfer-Encoding" in request.headers:
        raise Problem(400, ErrorCode.INVALID, "an upgrade has no body")
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    for name in offered.split(","):
        try:
            return Encoding(name.strip())
        except ValueError:
            continue
    raise Problem(400, ErrorCode.INVALID, f"offer one of the subprotocols {', '.join(Encoding)}")
