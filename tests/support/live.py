"""A whole server in the test's own process: real TLS on a free port, real plane, real hub."""

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
from tests.support.hubs import ShiftedClock
from tests.support.server import write_certificate

from conclave.app.server import Server
from conclave.config.settings import Settings
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role

JSON = "conclave.v1.json"
MSGPACK = "conclave.v1.msgpack"

Changes = dict[str, dict[str, Any]]

BASE: Changes = {
    "listen": {"port": 0},
    "media": {"first_port": 0, "lanes": 1},
    "telemetry": {"audit_fsync": False},
    "meetings": {"waiting_room": False},
    "security": {"connects_per_s_per_source": 1_000},
    "client": {"directory": ""},
    "accounts": {"requests_per_s_per_source": 1_000, "registrations_per_hour_per_source": 1_000},
}


def settings_in(directory: Path, changes: Changes | None = None) -> Settings:
    """Return settings for a server that keeps everything in `directory`."""
    certificate, key = write_certificate(directory, ("127.0.0.1",))
    tables: Changes = {name: dict(table) for name, table in BASE.items()}
    tables["listen"] |= {"tls_certificate": str(certificate), "tls_key": str(key)}
    tables["state"] = {"directory": str(directory / "state")}
    for name, table in (changes or {}).items():
        tables[name] = tables.get(name, {}) | table
    return msgspec.convert(tables, Settings)


class Live:
    """A started server with a client session that trusts its certificate."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tls = ssl.create_default_context(cafile=server.settings.listen.tls_certificate)
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.tls, limit=0))

    @classmethod
    async def start(cls, directory: Path, changes: Changes | None = None) -> Self:
        server = Server(settings_in(directory, changes), ShiftedClock())
        await server.start()
        return cls(server)

    async def stop(self) -> None:
        await self.http.close()
        await self.server.stop()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.port}"

    @property
    def signaling(self) -> str:
        return f"wss://127.0.0.1:{self.server.port}/api/v1/signaling"

    def new_meeting(self) -> MeetingId:
        return MeetingId(new_id(os.urandom))

    def invite(self, meeting_id: MeetingId, role: Role = Role.HOST) -> str:
        return self.server.invitations.issue(meeting_id, role, time.time()).token

    async def connect(self, subprotocol: str = JSON, **options: Any) -> aiohttp.ClientWebSocketResponse:
        return await self.http.ws_connect(self.signaling, protocols=(subprotocol,), **options)

    async def raw(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a TLS connection on which anything can be said."""
        return await asyncio.open_connection("127.0.0.1", self.server.port, ssl=self.tls, **options)

    async def upgrade(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes = b"") -> bytes:
        """Ask for a WebSocket by hand, sending `early` right behind the request; return the head of the answer."""
        writer.write(
            b"GET /api/v1/signaling HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: conclave.v1.json\r\n\r\n" + early
        )
        await writer.drain()
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)


class Starter:
    """Starts servers for one test and stops them at its end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: list[Live] = []

    async def __call__(self, changes: Changes | None = None) -> Live:
        directory = self._directory / str(len(self._running))
        directory.mkdir()
        live = await Live.start(directory, changes)
        self._running.append(live)
        return live

    async def stop(self) -> None:
        for live in self._running:
            await live.stop()


@contextlib.asynccontextmanager
async def starting(directory: Path) -> AsyncIterator[Starter]:
    """Give a Starter whose servers are stopped in the end."""
    starter = Starter(directory)
    try:
        yield starter
    finally:
        await starter.stop()


async def hello(socket: aiohttp.ClientWebSocketResponse, token: str) -> dict[str, Any]:
    """Greet over JSON and return the answer."""
    await socket.send_json({"type": "hello", "id": 1, "protocol": 1, "token": token})
    answer: dict[str, Any] = await socket.receive_json(timeout=5)
    return answer


async def ask(socket: aiohttp.ClientWebSocketResponse, number: int, kind: str, **fields: Any) -> dict[str, Any]:
    """Send a request over JSON; return its answer, skipping events."""
    await socket.send_json({"type": kind, "id": number, **fields})
    while True:
        answer: dict[str, Any] = await socket.receive_json(timeout=5)
        if answer.get("id") == number:
            return answer


async def open_meeting(live: Live, meeting_id: MeetingId) -> aiohttp.ClientWebSocketResponse:
    """Open a meeting and take its first seat as host; return the host's socket."""
    socket = await live.connect()
    await hello(socket, live.invite(meeting_id))
    await ask(socket, 2, "meeting.create", title="A meeting")
    await ask(socket, 3, "join", display_name="Host")
    return socket


async def close_frame(socket: aiohttp.ClientWebSocketResponse) -> int:
    """Return the code of the close frame. Raises TimeoutError when it does not come within a second."""
    async with asyncio.timeout(1):
        while (message := await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.TEXT
    return int(message.data)


async def closed_with(socket: aiohttp.ClientWebSocketResponse, within_s: float = 5) -> int | None:
    """Read to the end and return the close code."""
    async with asyncio.timeout(within_s):
        while not socket.closed:
            message = await socket.receive()
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                break
    return socket.close_code
