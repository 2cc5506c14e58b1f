"""The RTCP a load generator writes and reads (RFC 3550, RFC 4585, RFC 5104)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206
NACK_FORMAT = 1
PLI_FORMAT = 1
FIR_FORMAT = 4

_NTP_EPOCH_OFFSET_S = 2_208_988_800
_MAX_REPORT_BLOCKS = 31


class Part(NamedTuple):
    """One packet of a compound. `format` is the count or feedback message type; `body` starts after the first SSRC."""

    kind: int
    format: int
    ssrc: int
    body: bytes


class ReportBlock(NamedTuple):
    """lsr and dlsr as in RFC 3550, 6.4.1; both 0 when no sender report was seen."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


def is_rtcp(second_byte: int) -> bool:
    """Tell RTCP from RTP on one transport (RFC 5761)."""
    return 192 <= second_byte <= 223


def parts(compound: bytes) -> Iterator[Part]:
    """Yield the packets of a plain compound; a part beyond the end stops it."""
    position = 0
    while position + 8 <= len(compound):
        first, kind, words, ssrc = struct.unpack_from("!BBHI", compound, position)
        end = position + 4 * (words + 1)
        if first >> 6 != 2 or end > len(compound):
            return
        yield Part(kind, first & 0x1F, ssrc, compound[position + 8 : end])
        position = end


def keyframe_requests(part: Part) -> list[int]:
    """Return the media SSRCs for which a PLI or FIR asks a keyframe."""
    if part.kind != PAYLOAD_FEEDBACK or len(part.body) < 4:
        return []
    if part.format == PLI_FORMAT:
        return [int.from_bytes(part.body[:4], "big")]
    if part.format == FIR_FORMAT:
        return [int.from_bytes(part.body[i : i + 4], "big") for i in range(4, len(part.body) - 7, 8)]
    return []


def nacked(part: Part) -> tuple[int, list[int]]:
    """Return (media SSRC, lost sequence numbers) of a generic NACK; (0, []) for any other part."""
    if part.kind != TRANSPORT_FEEDBACK or part.format != NACK_FORMAT or len(part.body) < 8:
        return 0, []
    lost: list[int] = []
    for position in range(4, len(part.body) - 3, 4):
        first, mask = struct.unpack_from("!HH", part.body, position)
        lost += [first, *(first + 1 + bit & 0xFFFF for bit in range(16) if mask >> bit & 1)]
    return int.from_bytes(part.body[:4], "big"), lost


def sender_report(ssrc: int, now_ns: int, timestamp: int, packets: int, octets: int) -> bytes:
    """Return a sender report with a CNAME; `now_ns` is since the epoch."""
    body = struct.pack("!QIII", ntp_time(now_ns), timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return struct.pack("!BBHI", 0x80, SENDER_REPORT, 6, ssrc) + body + _cname(ssrc)


def receiver_report(ssrc: int, blocks: list[ReportBlock]) -> bytes:
    """Return one compound with a CNAME and as many receiver reports as the blocks need."""
    compound = b""
    for start in range(0, max(len(blocks), 1), _MAX_REPORT_BLOCKS):
        chosen = blocks[start : start + _MAX_REPORT_BLOCKS]
        compound += struct.pack("!BBHI", 0x80 | len(chosen), RECEIVER_REPORT, 1 + 6 * len(chosen), ssrc)
        for block in chosen:
            lost = block.fraction_lost << 24 | min(block.packets_lost, 0x7FFFFF)
            compound += struct.pack("!IIIIII", block.ssrc, lost, block.highest_sequence, block.jitter, block.lsr, block.dlsr)
    return compound + _cname(ssrc)


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """Return a reduced-size PLI."""
    return struct.pack("!BBHII", 0x80 | PLI_FORMAT, PAYLOAD_FEEDBACK, 2, ssrc, media_ssrc)


def ntp_time(now_ns: int) -> int:
    """Return the 64-bit NTP timestamp of a time since the epoch in ns."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return (seconds + _NTP_EPOCH_OFFSET_S << 32) + (rest << 32) // 1_000_000_000


def _cname(ssrc: int) -> bytes:
    return struct.pack("!BBHI", 0x81, SOURCE_DESCRIPTION, 3, ssrc) + b"\x01\x05bench\x00"
