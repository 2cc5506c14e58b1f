"""The road of datagrams to one server candidate: a UDP socket of one's own, or ICE-TCP (RFC 6544, framing of RFC 4571)."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol, cast

from bench.rtc.batch import BatchReader, enable_arrival_times

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_TCP_LENGTH = struct.Struct("!H")


class Sink(Protocol):
    """Who takes what arrives."""

    def take_batch(self, reader: BatchReader, count: int) -> None:
        """Take the first `count` slots of `reader`; they are overwritten after the return."""

    def take_datagram(self, datagram: bytes, arrival_ns: int) -> None: ...


class Path(Protocol):
    def send(self, datagram: bytes) -> None:
        """Send one datagram; one that does not fit into the socket's buffer is lost, as on a network."""

    def close(self) -> None: ...


class UdpPath:
    """A connected UDP socket, read in batches."""

    def __init__(self, sock: socket.socket, reader: BatchReader, sink: Sink) -> None:
        self._socket = sock
        self._reader = reader
        self._sink = sink
        self._fd = sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._on_readable)
        self.unsent = 0

    def send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except (BlockingIOError, ConnectionRefusedError):
            self.unsent += 1

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._socket.close()
            self._fd = -1

    def _on_readable(self) -> None:
        count = self._reader.read(self._fd)
        if count:
            self._sink.take_batch(self._reader, count)
            self._reader.rearm(count)


class TcpPath(asyncio.Protocol):
    """A TCP connection whose datagrams are preceded by their length in two bytes."""

    def __init__(self, sink: Sink, on_lost: Callable[[], None]) -> None:
        self._sink = sink
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.unsent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        buffer = self._buffer
        buffer += data
        position = 0
        while len(buffer) >= position + 2:
            end = position + 2 + _TCP_LENGTH.unpack_from(buffer, position)[0]
            if end > len(buffer):
                break
            self._sink.take_datagram(bytes(buffer[position + 2 : end]), now_ns)
            position = end
        del buffer[:position]

    def send(self, datagram: bytes) -> None:
        if self._transport is None:
            self.unsent += 1
        else:
            self._transport.write(_TCP_LENGTH.pack(len(datagram)) + datagram)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def open_udp(host: str, port: int, reader: BatchReader, sink: Sink) -> UdpPath:
    """Open a socket that talks to that candidate alone. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        enable_arrival_times(sock)
        sock.connect((host, port))
    except OSError:
        sock.close()
        raise
    return UdpPath(sock, reader, sink)


async def open_tcp(host: str, port: int, sink: Sink, on_lost: Callable[[], None]) -> TcpPath:
    """Connect to a passive TCP candidate. Raises OSError."""
    _, path = await asyncio.get_running_loop().create_connection(lambda: TcpPath(sink, on_lost), host, port)
    return path
