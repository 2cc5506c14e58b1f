"""The far end of a plane's peer for its tests: real SRTP by pylibsrtp, RTP and RTCP written out by hand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from struct import pack, unpack_from
from typing import Protocol

from pylibsrtp import Policy, Session

from conclave.plane.plane import LaneCore, make_path

PROFILES = {
    "SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    "SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}
GCM = "SRTP_AEAD_AES_128_GCM"
VP8_KEYFRAME = b"\x10\x00"
VP8_DELTA = b"\x10\x01"
VP8_CONTINUATION = b"\x00\x01"
SECOND = 1_000_000_000
MS = 1_000_000

_numbers = count(1)


class PlaneTables(Protocol):
    """What a far end needs of a Plane or a LaneCore."""

    def open_peer(self, lane: int = 0) -> int: ...
    def nominate(self, peer: int, path: bytes) -> None: ...
    def secure(self, peer: int, profile: str, inbound: bytes, outbound: bytes) -> None: ...


def rtp(
    seq: int,
    *,
    timestamp: int = 1000,
    ssrc: int = 0x1111,
    payload_type: int = 96,
    payload: bytes = VP8_KEYFRAME + bytes(98),
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
    two_byte: bool = False,
    padding: int = 0,
) -> bytes:
    """An RTP packet (RFC 3550) with an RFC 8285 block of one- or two-byte headers."""
    block = b""
    if extensions:
        for identifier, value in extensions.items():
            block += bytes((identifier, len(value))) if two_byte else bytes((identifier << 4 | len(value) - 1,))
            block += value
        block += bytes(-len(block) % 4)
        block = pack("!HH", 0x1000 if two_byte else 0xBEDE, len(block) // 4) + block
    first = 0x80 | (0x10 if block else 0) | (0x20 if padding else 0)
    header = pack("!BBHII", first, marker << 7 | payload_type, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return header + block + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")


@dataclass
class Rtp:
    """A parsed RTP packet."""

    data: bytes
    payload_type: int = 0
    marker: bool = False
    seq: int = 0
    timestamp: int = 0
    ssrc: int = 0
    profile: int = 0
    extensions: dict[int, bytes] = field(default_factory=dict)
    payload: bytes = b""
    padding: int = 0

    def __post_init__(self) -> None:
        first, second, self.seq, self.timestamp, self.ssrc = unpack_from("!BBHII", self.data)
        self.payload_type, self.marker = second & 0x7F, bool(second >> 7)
        offset = 12 + 4 * (first & 15)
        if first & 0x10:
            self.profile, words = unpack_from("!HH", self.data, offset)
            self._read_extensions(self.data[offset + 4 : offset + 4 + 4 * words])
            offset += 4 + 4 * words
        end = len(self.data)
        if first & 0x20:
            self.padding = self.data[-1]
            end -= self.padding
        self.payload = self.data[offset:end]

    def _read_extensions(self, block: bytes) -> None:
        at = 0
        while at < len(block):
            if block[at] == 0:
                at += 1
                continue
            if self.profile == 0xBEDE:
                identifier, size, at = block[at] >> 4, (block[at] & 15) + 1, at + 1
            else:
                identifier, size, at = block[at], block[at + 1], at + 2
            self.extensions[identifier] = block[at : at + size]
            at += size


def receiver_report(ssrc: int = 1, blocks: Iterable[bytes] = ()) -> bytes:
    body = b"".join(blocks)
    return pack("!BBHI", 0x80 | len(body) // 24, 201, 1 + len(body) // 4, ssrc) + body


def report_block(ssrc: int, *, fraction: int = 0, lost: int = 0, jitter: int = 0, lsr: int = 0, dlsr: int = 0) -> bytes:
    return pack("!IIIIII", ssrc, fraction << 24 | lost & 0xFFFFFF, 0, jitter, lsr, dlsr)


def sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int = 0, octets: int = 0) -> bytes:
    return pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, rtp_timestamp, packets, octets)


def feedback(kind: int, fmt: int, media_ssrc: int, fci: bytes = b"", ssrc: int = 1) -> bytes:
    """An RTPFB (205) or PSFB (206) packet of RFC 4585."""
    return pack("!BBHII", 0x80 | fmt, kind, 2 + len(fci) // 4, ssrc, media_ssrc) + fci


def nack(media_ssrc: int, *pairs: tuple[int, int]) -> bytes:
    return feedback(205, 1, media_ssrc, b"".join(pack("!HH", pid, mask) for pid, mask in pairs))


def pli(media_ssrc: int) -> bytes:
    return feedback(206, 1, media_ssrc)


def rtcp_parts(data: bytes) -> list[bytes]:
    """The packets of a compound."""
    parts = []
    while data:
        size = 4 * (unpack_from("!H", data, 2)[0] + 1)
        parts.append(data[:size])
        data = data[size:]
    return parts


class FarEnd:
    """A browser's side of one peer: protects what it sends, unprotects what the plane sent to its path."""

    def __init__(self, plane: PlaneTables, *, profile: str = GCM, path: bytes | None = None, lane: int = 0) -> None:
        number = next(_numbers)
        self.path = path or make_path("udp", f"10.1.{number >> 8 & 255}.{number & 255}", 4000)
        self.peer = plane.open_peer(lane)
        policy, size = PROFILES[profile]
        self.inbound = bytes((number * 7 + at) & 255 for at in range(size))
        self.outbound = bytes((number * 11 + at + 3) & 255 for at in range(size))
        sending = Policy(self.inbound, Policy.SSRC_ANY_OUTBOUND, 0, policy)
        sending.window_size = 4096
        self._sending = Session(sending)
        receiving = Policy(self.outbound, Policy.SSRC_ANY_INBOUND, 0, policy)
        receiving.window_size = 2048
        self._receiving = Session(receiving)
        plane.nominate(self.peer, self.path)
        plane.secure(self.peer, profile, self.inbound, self.outbound)

    def protect(self, packet: bytes) -> tuple[bytes, bytes]:
        return self.path, self._sending.protect(packet)

    def protect_rtcp(self, packet: bytes) -> tuple[bytes, bytes]:
        return self.path, self._sending.protect_rtcp(packet)

    def sent(self, **values: object) -> tuple[bytes, bytes]:
        """A protected RTP packet; the arguments are those of `rtp`."""
        return self.protect(rtp(**values))  # type: ignore[arg-type]

    def rtp_of(self, output: Iterable[tuple[bytes, bytes]]) -> list[Rtp]:
        """The RTP packets among `output` that went to this end."""
        mine = [data for path, data in output if path == self.path and not 192 <= data[1] <= 223]
        return [Rtp(self._receiving.unprotect(data)) for data in mine]

    def rtcp_of(self, output: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
        """The RTCP packets, out of their compounds, among `output` that went to this end."""
        mine = [data for path, data in output if path == self.path and 192 <= data[1] <= 223]
        return [part for data in mine for part in rtcp_parts(self._receiving.unprotect_rtcp(data))]


class Room:
    """A publisher and a subscriber on a LaneCore, with one routed track between them."""

    def __init__(
        self, *, profile: str = GCM, video: bool = True, rtx: bool = True, announced: bool = True, **track: object
    ) -> None:
        self.core = LaneCore()
        self.now = SECOND
        self.publisher = FarEnd(self.core, profile=profile)
        self.subscriber = FarEnd(self.core, profile=profile)
        self.track = add_track(self.core, self.publisher, video=video, ssrc=0x1111 if announced else 0, **track)
        self.sender = add_sender(self.core, self.subscriber, video=video, rtx=rtx)
        self.core.route(self.sender, self.track, {96: 100, 111: 120}, {})

    def push(self, *packets: tuple[bytes, bytes], after_ms: float = 0) -> list[tuple[bytes, bytes]]:
        self.now += int(after_ms * MS)
        return self.core.receive(packets, self.now)

    def tick(self, after_ms: float = 0) -> list[tuple[bytes, bytes]]:
        self.now += int(after_ms * MS)
        return self.core.tick(self.now)

    def publish(self, *seqs: int, after_ms: float = 0, **values: object) -> list[Rtp]:
        """Send packets with these sequence numbers; return what the subscriber got."""
        packets = [self.publisher.sent(seq=seq, **values) for seq in seqs]
        return self.subscriber.rtp_of(self.push(*packets, after_ms=after_ms))

    def publish_all(self, payloads: list[bytes]) -> list[Rtp]:
        """Send these payloads as one batch; return what the subscriber got."""
        packets = [self.publisher.sent(seq=seq, payload=payload) for seq, payload in enumerate(payloads)]
        return self.subscriber.rtp_of(self.push(*packets))

    def drops(self) -> dict[str, int]:
        return {name: value for name, value in self.core.counters().items() if name.startswith("drop_") and value}


def add_track(core: LaneCore, end: FarEnd, *, video: bool = True, mid: bytes = b"0", ssrc: int = 0x1111, **more: object) -> int:
    values: dict[str, object] = {
        "payload_types": {96: 90000} if video else {111: 48000},
        "rtx_payload_types": {97: 96} if video else {},
        "codecs": {96: "vp8"} if video else {111: "opus"},
        "mid_ext_id": 4,
        "audio_level_ext_id": 0 if video else 1,
    }
    values.update(more)
    return core.add_track(end.peer, video=video, mid=mid, ssrc=ssrc, **values)  # type: ignore[arg-type]


def add_sender(
    core: LaneCore, end: FarEnd, *, video: bool = True, mid: bytes = b"s0", ssrc: int = 0x9001, rtx: bool = True, **more: object
) -> int:
    values: dict[str, object] = {"mid_ext_id": 3, "cname": b"conclave"}
    if rtx and video:
        values |= {"rtx_ssrc": ssrc + 1, "rtx_payload_types": {100: 101}}
    values.update(more)
    return core.add_sender(
        end.peer, video=video, mid=mid, ssrc=ssrc, clock_rate=90000 if video else 48000, **values  # type: ignore[arg-type]
    )  # fmt: skip
