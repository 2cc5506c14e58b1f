"""Prepared RTP: an Opus and a VP8 source whose packets carry a stamp, and the check of what came out at the other end.

Sizes are those of the project's comparison with other servers: 50 audio packets of 120 bytes of payload and 30 video frames
of 4 x 1,100 bytes of payload a second. The last 20 bytes of every payload are the stamp: magic (4), publisher (2), kind (1),
zero (1), counter of the stream's packets (4), time of sending in ns since the epoch (8).
"""

import random
import struct
from collections import OrderedDict
from typing import NamedTuple

from bench.rtc.sdp import (
    AUDIO_LEVEL_EXTENSION,
    MID_EXTENSION,
    OPUS_PAYLOAD_TYPE,
    VP8_PAYLOAD_TYPE,
    VP8_RTX_PAYLOAD_TYPE,
)

AUDIO_HZ = 50
VIDEO_HZ = 30
PACKETS_PER_FRAME = 4
AUDIO_PAYLOAD_BYTES = 120
VIDEO_PAYLOAD_BYTES = 1100
AUDIO, VIDEO = 0, 1

_STAMP = struct.Struct("!IHBxIQ")
_MAGIC = 0xC0DEC1AE
_HEADER = struct.Struct("!BBHII")
_HISTORY_PACKETS = 512
_UNVERIFIED_HEAD = 16
_BODIES = {
    AUDIO: random.Random(1).randbytes(AUDIO_PAYLOAD_BYTES),
    VIDEO: random.Random(2).randbytes(VIDEO_PAYLOAD_BYTES),
}


class Stamp(NamedTuple):
    publisher: int
    kind: int
    counter: int
    sent_ns: int


class Source:
    """One RTP stream: sequence numbers, counters for sender reports, and the packets of the last seconds for RTX."""

    def __init__(self, *, publisher: int, kind: int, payload_type: int, clock_rate: int, ssrc: int, extensions: bytes) -> None:
        self.publisher = publisher
        self.kind = kind
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.timestamp = random.getrandbits(32)
        self._payload_type = payload_type
        self._sequence_number = random.getrandbits(15)
        self._extensions = extensions
        self._history: OrderedDict[int, bytes] = OrderedDict()

    def recall(self, sequence_number: int) -> bytes | None:
        """Return the plain packet of that number if it is still remembered."""
        return self._history.get(sequence_number)

    def _packet(self, payload: bytearray, now_ns: int, marker: bool) -> bytes:
        _STAMP.pack_into(
            payload, len(payload) - _STAMP.size, _MAGIC, self.publisher, self.kind, self.packets & 0xFFFFFFFF, now_ns
        )
        number = self._sequence_number
        header = _HEADER.pack(0x90, marker << 7 | self._payload_type, number, self.timestamp, self.ssrc)
        packet = header + self._extensions + payload
        self._history[number] = packet
        if len(self._history) > _HISTORY_PACKETS:
            self._history.popitem(last=False)
        self._sequence_number = number + 1 & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return packet


class AudioSource(Source):
    """Opus, 20 ms a packet, with mid and audio level extensions."""

    def __init__(self, *, publisher: int, ssrc: int, mid: str, level: int = 30) -> None:
        """`level` is in -dBov (RFC 6464): 0 loud, 127 silent."""
        elements = [(MID_EXTENSION, mid.encode()), (AUDIO_LEVEL_EXTENSION, bytes([0x80 | level]))]
        super().__init__(
            publisher=publisher,
            kind=AUDIO,
            payload_type=OPUS_PAYLOAD_TYPE,
            clock_rate=48_000,
            ssrc=ssrc,
            extensions=extension_block(elements),
        )
        self._payload = bytearray(_BODIES[AUDIO])
        self._payload[0] = 0x78

    def next(self, now_ns: int) -> list[bytes]:
        """Return the plain packet of the next 20 ms."""
        packet = self._packet(self._payload, now_ns, marker=self.packets == 0)
        self.timestamp = self.timestamp + self.clock_rate // AUDIO_HZ & 0xFFFFFFFF
        return [packet]


class VideoSource(Source):
    """VP8, 4 packets a frame, with real payload descriptors and frame headers (RFC 7741); a keyframe first and on request."""

    def __init__(self, *, publisher: int, ssrc: int, rtx_ssrc: int, mid: str) -> None:
        super().__init__(
            publisher=publisher,
            kind=VIDEO,
            payload_type=VP8_PAYLOAD_TYPE,
            clock_rate=90_000,
            ssrc=ssrc,
            extensions=extension_block([(MID_EXTENSION, mid.encode())]),
        )
        self.rtx_ssrc = rtx_ssrc
        self.keyframes = 0
        self.keyframe_wanted = True
        self._rtx_sequence_number = random.getrandbits(15)
        self._picture_id = random.getrandbits(15)
        self._payloads = [bytearray(_BODIES[VIDEO]) for _ in range(PACKETS_PER_FRAME)]

    def next(self, now_ns: int) -> list[bytes]:
        """Return the plain packets of the next frame."""
        keyframe, self.keyframe_wanted = self.keyframe_wanted, False
        self.keyframes += keyframe
        packets = []
        for index, payload in enumerate(self._payloads):
            payload[0:4] = struct.pack("!BBH", 0x90 if index == 0 else 0x80, 0x80, 0x8000 | self._picture_id)
            if index == 0:
                payload[4:14] = vp8_frame_head(keyframe)
            packets.append(self._packet(payload, now_ns, marker=index == PACKETS_PER_FRAME - 1))
        self._picture_id = self._picture_id + 1 & 0x7FFF
        self.timestamp = self.timestamp + self.clock_rate // VIDEO_HZ & 0xFFFFFFFF
        return packets

    def retransmission(self, sequence_number: int) -> bytes | None:
        """Return the plain RTX packet (RFC 4588) for a lost one, None when it is forgotten."""
        original = self.recall(sequence_number)
        if original is None:
            return None
        _, second, number, timestamp, _ = _HEADER.unpack_from(original)
        header = _HEADER.pack(0x90, second & 0x80 | VP8_RTX_PAYLOAD_TYPE, self._rtx_sequence_number, timestamp, self.rtx_ssrc)
        self._rtx_sequence_number = self._rtx_sequence_number + 1 & 0xFFFF
        head = _HEADER.size + len(self._extensions)
        return header + self._extensions + struct.pack("!H", number) + original[head:]


def vp8_frame_head(keyframe: bool) -> bytes:
    """Return the first 10 bytes of a shown VP8 frame (RFC 6386, 9.1): frame tag, and for a keyframe start code and 640 x 360."""
    tag = (0 if keyframe else 1) | 1 << 4 | 1000 << 5
    head = tag.to_bytes(3, "little")
    if keyframe:
        head += b"\x9d\x01\x2a" + struct.pack("<HH", 640, 360)
    return head.ljust(10, b"\x55")


def extension_block(elements: list[tuple[int, bytes]]) -> bytes:
    """Return a one-byte-form header extension block (RFC 8285, 4.2), padded to words."""
    body = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def payload_of(packet: bytes) -> bytes:
    """Return the payload of a plain RTP packet without header extension and padding. Raises ValueError when it is too short."""
    first = packet[0]
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if len(packet) < start + 4:
            raise ValueError("RTP header extension beyond the packet")
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = len(packet) - (packet[-1] if first & 0x20 else 0)
    if end < start:
        raise ValueError("RTP header or padding beyond the packet")
    return packet[start:end]


def check_payload(payload: bytes) -> Stamp:
    """Return the stamp of a payload made by a source. Raises ValueError when a byte is not what that source sent."""
    if len(payload) < _STAMP.size:
        raise ValueError("payload shorter than its stamp")
    magic, publisher, kind, counter, sent_ns = _STAMP.unpack_from(payload, len(payload) - _STAMP.size)
    body = _BODIES.get(kind)
    if magic != _MAGIC or body is None or len(payload) != len(body):
        raise ValueError("no payload of ours")
    if payload[_UNVERIFIED_HEAD : -_STAMP.size] != body[_UNVERIFIED_HEAD : -_STAMP.size]:
        raise ValueError("payload was changed on its way")
    return Stamp(publisher, kind, counter, sent_ns)
