"""The listening socket: TLS, limits per source before HTTP, timeouts for those who open a connection and say nothing."""

import asyncio
import socket
import ssl
from typing import Any

from aiohttp import web

from conclave.config.settings import ListenSettings
from conclave.edge.headers import SECURITY_HEADERS, SERVER
from conclave.edge.problem import Problem, respond
from conclave.edge.sources import Sources
from conclave.model.errors import ErrorCode, Refused, Unavailable

HANDSHAKE_TIMEOUT_S = 10.0
TLS_SHUTDOWN_TIMEOUT_S = 2.0
IDLE_TIMEOUT_S = 30.0
LINGERING_S = 1.0
STALLED_S = 30.0
"""How long a peer may leave a full write buffer unread; HTTP has no other end for who asks and does not read."""
WRITE_BUFFER_BYTES = 65_536
"""At this size responses wait for the peer. The loop's own limit for TLS, 512 KiB, times a source's connections is too much."""
DRAIN_TIMEOUT_S = 5.0
MAX_LINE_BYTES = 4_096
MAX_HEADER_BYTES = 8_190
MAX_HEADERS = 64
SEND_BUFFER_BYTES = 65_536
"""Asked for on the listening socket, and so on each connection; the kernel grants twice as much."""


class GuardedConnection(web.RequestHandler):
    """One TLS connection; dropped before its first request when its source has too many, and when nobody reads the answers."""

    __slots__ = ("_source", "_sources", "_stalled")

    def __init__(self, server: web.Server, sources: Sources, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server, loop=loop, keepalive_timeout=IDLE_TIMEOUT_S, lingering_time=LINGERING_S,
            access_log=None,  # type: ignore[arg-type] # switches it off, as AppRunner does
            max_line_size=MAX_LINE_BYTES, max_field_size=MAX_HEADER_BYTES, max_headers=MAX_HEADERS, auto_decompress=False,
        )  # fmt: skip
        self._sources = sources
        self._source: bytes | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else None
        source = self._sources.identify(address)
        try:
            self._sources.open_transport(source, self._sources.former(address))
        except Refused:
            transport.abort()  # type: ignore[attr-defined]
            return
        self._source = source
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)  # type: ignore[attr-defined]
        super().connection_made(transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        transport = self.transport
        if transport is not None:
            self._stalled = self._loop.call_later(STALLED_S, transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 # aiohttp's signature; its text quotes the peer
    ) -> web.StreamResponse:
        """Answer what is no HTTP without quoting it, and close; that is no news for the log."""
        if request.writer.output_size > 0:
            raise ConnectionResetError
        known = 400 <= status < 500
        if not known:
            self.log_exception("unhandled", exc_info=exc)
        problem = Problem(status if known else 500, ErrorCode.INVALID if known else ErrorCode.UNAVAILABLE, "not understood")
        response = respond(problem)
        response.headers.update(SECURITY_HEADERS | {"Server": SERVER})
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget_stall()
        if self._source is None:
            return
        self._sources.close_transport(self._source)
        self._source = None
        super().connection_lost(exc)

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class Listener:
    """Serves a web application over HTTPS on one address."""

    def __init__(self, application: web.Application, settings: ListenSettings, context: ssl.SSLContext, sources: Sources) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=DRAIN_TIMEOUT_S)
        self._settings = settings
        self._context = context
        self._sources = sources
        self._server: Any = None

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def start(self) -> None:
        """Bind and accept. Raises Unavailable naming the address when it cannot be bound."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        listening = _bind(self._settings)
        self._server = await loop.create_server(
            lambda: GuardedConnection(server, self._sources, loop),
            sock=listening,
            ssl=self._context,
            backlog=self._settings.backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT_S,
        )

    def refuse_new(self) -> None:
        """Stop accepting; what is open stays."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Stop accepting, give requests five seconds to end, close every connection."""
        self.refuse_new()
        await self._runner.cleanup()
        self._server = None


def _bind(settings: ListenSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listening.bind((settings.host, settings.port))
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise Unavailable("listen", f"{settings.host} port {settings.port}: {error.strerror}") from None
    return listening
