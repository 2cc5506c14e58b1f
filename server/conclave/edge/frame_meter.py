"""Budgets on the raw bytes of a WebSocket, before they are parsed: aiohttp buffers fragments without end by itself.

`FrameMeter` follows frame headers only (RFC 6455, section 5.2): byte 0 is FIN, RSV1-3 and opcode; byte 1 is MASK and length
(126: two more bytes, 127: eight more bytes, network order); then four bytes of masking key from a client; then the payload.
`meter` puts it in front of aiohttp's own reader; the private names of aiohttp that this needs stand in this file only.
"""

import asyncio
from typing import Any

from aiohttp import WSCloseCode, web
from aiohttp.http import WebSocketError

from conclave.policy.buckets import Bucket
from conclave.policy.limits import BucketSize

FIN = 0x80
RESERVED_BITS = 0x70
OPCODE = 0x0F
CONTROL = 0x08
MASKED = 0x80
LENGTH = 0x7F
MASK_BYTES = 4

CONTROL_FRAMES = BucketSize(burst=30, per_s=2)


class OverBudget(Exception):
    """The peer sends frames in a way that no client has reason to. `code` is the WebSocket close code."""

    def __init__(self, code: WSCloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class FrameMeter:
    """Counts frames of the message in flight, and data and control frames over time; holds no payload.

    `data_frames` is what a connection may send at all. One read brings 256 KiB, or 40,000 frames: refusing the messages in them
    one by one would come after the work that they are meant to cause.
    """

    def __init__(self, max_frames_per_message: int, max_message_bytes: int, now: float, data_frames: BucketSize) -> None:
        self._max_frames = max_frames_per_message
        self._max_bytes = max_message_bytes
        self._control = Bucket(CONTROL_FRAMES, now)
        self._data = Bucket(data_frames, now)
        self._header = bytearray()
        self._skip = 0
        self._frames = 0
        self._bytes = 0
        self.completed = 0
        """Messages whose last frame has begun."""

    @property
    def assembling(self) -> bool:
        """True while a message has begun and not ended."""
        return self._frames > 0 or bool(self._header) or self._skip > 0

    def feed(self, data: bytes, now: float) -> None:
        """Account for received bytes. Raises OverBudget."""
        position = 0
        while position < len(data):
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
                continue
            self._header.append(data[position])
            position += 1
            needed = self._header_bytes()
            if needed is None or len(self._header) < needed:
                continue
            self._frame(bytes(self._header), now)
            self._header.clear()

    def _header_bytes(self) -> int | None:
        if len(self._header) < 2:
            return None
        length = self._header[1] & LENGTH
        return 2 + {126: 2, 127: 8}.get(length, 0) + (MASK_BYTES if self._header[1] & MASKED else 0)

    def _frame(self, header: bytes, now: float) -> None:
        if not header[1] & MASKED:
            raise OverBudget(WSCloseCode.PROTOCOL_ERROR, "a client must mask its frames")
        if header[0] & RESERVED_BITS:
            raise OverBudget(WSCloseCode.PROTOCOL_ERROR, "no extension was negotiated")
        length = header[1] & LENGTH
        if length >= 126:
            length = int.from_bytes(header[2:-MASK_BYTES], "big")
        if header[0] & CONTROL:
            if not self._control.take(now):
                raise OverBudget(WSCloseCode.POLICY_VIOLATION, "too many control frames")
        else:
            if not self._data.take(now):
                raise OverBudget(WSCloseCode.POLICY_VIOLATION, "too many frames")
            self._data_frame(header[0], length)
        self._skip = length

    def _data_frame(self, first: int, length: int) -> None:
        self._frames += 1
        self._bytes += length
        if self._frames > self._max_frames:
            raise OverBudget(WSCloseCode.POLICY_VIOLATION, "a message in too many fragments")
        if self._bytes > self._max_bytes:
            raise OverBudget(WSCloseCode.MESSAGE_TOO_BIG, "a message is too large")
        if first & FIN:
            self._frames = self._bytes = 0
            self.completed += 1


class _MeteredReader:
    """Stands in front of aiohttp's WebSocketReader: feed_data and feed_eof are all that the connection calls."""

    def __init__(self, meter: FrameMeter, socket: web.WebSocketResponse, budget_s: float) -> None:
        self._meter = meter
        self._socket = socket
        self._budget_s = budget_s
        self._inner: Any = socket._parser
        self._loop: Any = socket._loop
        self._deadline: Any = None
        self._completed = 0
        self._over = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if self._over:
            return True, b""
        try:
            self._meter.feed(data, self._loop.time())
        except OverBudget as error:
            self._refuse(error)
            return True, b""
        self._watch()
        result: tuple[bool, bytes] = self._inner.feed_data(data)
        return result

    def feed_eof(self) -> None:
        self._unwatch()
        self._inner.feed_eof()

    def _watch(self) -> None:
        if not self._meter.assembling or self._meter.completed != self._completed:
            self._unwatch()
            self._completed = self._meter.completed
        if self._meter.assembling and self._deadline is None:
            self._deadline = self._loop.call_later(self._budget_s, self._late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._refuse(OverBudget(WSCloseCode.POLICY_VIOLATION, "a message took too long"))

    def _refuse(self, error: OverBudget) -> None:
        self._over = True
        self._unwatch()
        queue: Any = self._socket._reader
        queue.set_exception(WebSocketError(error.code, str(error)))


class MeteredWebSocket(web.WebSocketResponse):
    """A WebSocketResponse whose frames are metered from the first byte on.

    max_frames bounds the fragments of one message, max_bytes its payload, assembly_s the time from its first to its last byte,
    data_frames the frames of all messages over time.
    """

    def __init__(self, *, max_frames: int, max_bytes: int, assembly_s: float, data_frames: BucketSize, **options: Any) -> None:
        super().__init__(max_msg_size=max_bytes + 1, compress=False, **options)
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._assembly_s = assembly_s
        self._data_frames = data_frames

    def _post_start(self, request: Any, protocol: Any, writer: Any) -> None:
        connection = request.protocol
        early, connection._message_tail = connection._message_tail, b""
        super()._post_start(request, protocol, writer)
        meter = FrameMeter(self._max_frames, self._max_bytes, asyncio.get_running_loop().time(), self._data_frames)
        connection._payload_parser = reader = _MeteredReader(meter, self, self._assembly_s)
        if early:
            reader.feed_data(early)
