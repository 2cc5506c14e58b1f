"""What comes out of a plane's tap, made up: a second of sound and picture of one publisher with its sender reports."""

import os
from pathlib import Path

from conclave.model.ids import ParticipantId, RecordingId, TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, TrackSpec
from conclave.plane.plane import TappedPacket, TappedReport
from conclave.recording.keys import load_master_key
from conclave.recording.shelf import Shelf

MS = 1_000_000
SECOND = 1_000_000_000
NTP_EPOCH = 0xE0000000 << 32
SOUND, PICTURE = 11, 12
ONE = RecordingId("r" * 16)
ANN = ParticipantId("a" * 16)
KEY = b"\x50\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00"
DELTA = b"\x51delta"

OPUS = CodecParameters("audio/opus", 48_000, 2, "", 111)
VP8 = CodecParameters("video/VP8", 90_000, 1, "", 96)
H264 = CodecParameters("video/H264", 90_000, 1, "packetization-mode=1;profile-level-id=42e01f", 102)
AUDIO_SPEC = TrackSpec(TrackId("s" * 16), TransportId("t" * 16), MediaKind.AUDIO, "0", (OPUS,))
VIDEO_SPEC = TrackSpec(TrackId("v" * 16), TransportId("t" * 16), MediaKind.VIDEO, "1", (VP8, H264))


def report(track: int, rate: int, at_ns: int) -> TappedReport:
    """The RTP clock and the NTP clock of this publisher start together."""
    return TappedReport(track, NTP_EPOCH + (at_ns << 32) // SECOND, at_ns * rate // SECOND, at_ns)


def sound(number: int, start_ns: int = 0, text: bytes = b"") -> TappedPacket:
    """The packet of the 20 ms after `number` times 20 ms."""
    at_ns = start_ns + number * 20 * MS
    return TappedPacket(
        SOUND, 111, number == 0, 1_000 + number, at_ns * 48 // MS, at_ns, text or b"\xfc" + bytes([number % 256]) * 20
    )


def picture(
    number: int, start_ns: int = 0, *, key: bool | None = None, payload: bytes | None = None, payload_type: int = 96
) -> TappedPacket:
    """The frame of the 40 ms after `number` times 40 ms; every 25th is a keyframe. It arrives 60 ms late."""
    at_ns = start_ns + number * 40 * MS
    is_key = number % 25 == 0 if key is None else key
    body = payload if payload is not None else b"\x10" + (KEY if is_key else DELTA) + bytes([number % 256])
    return TappedPacket(PICTURE, payload_type, True, 5_000 + number, at_ns * 90 // MS, at_ns + 60 * MS, body)


def shelf_in(directory: Path) -> Shelf:
    return Shelf(directory / "recordings", load_master_key(directory / "recordings.key", os.urandom))
