"""RTCP packets that Conclave speaks (RFC 3550, RFC 4585, RFC 5104, draft-alvestrand-rmcat-remb): for tests, load generation
and the slow path.

A compound packet is a row of packets, each: V(2) P(1) count-or-format(5), type(8), length in 32-bit words minus one(16), body.
"""

import struct
from collections.abc import Iterable

from msgspec import Struct

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

NACK_FORMAT = 1
PLI_FORMAT = 1
FIR_FORMAT = 4
APPLICATION_FORMAT = 15

_CNAME = 1
_HEADER = struct.Struct("!BBH")
_REPORT = struct.Struct("!IIIIII")
_SENDER_INFO = struct.Struct("!QIII")
_REMB_MANTISSA_BITS = 18


class RtcpError(ValueError):
    """The bytes are not a compound RTCP packet."""


class ReportBlock(Struct, frozen=True):
    """fraction_lost in 1/256; packets_lost signed; jitter in clock units; lsr the middle 32 bits of an NTP time; dlsr in
    1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


class SenderReport(Struct, frozen=True):
    ssrc: int
    ntp_time: int
    rtp_time: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()


class ReceiverReport(Struct, frozen=True):
    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


class SourceDescription(Struct, frozen=True):
    """(SSRC, cname) of each chunk; other items are skipped."""

    cnames: tuple[tuple[int, str], ...]


class Goodbye(Struct, frozen=True):
    ssrcs: tuple[int, ...]


class Nack(Struct, frozen=True):
    """Generic NACK (RFC 4585, 6.2.1): the lost sequence numbers, in order, within 16 bits."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


class PictureLoss(Struct, frozen=True):
    sender_ssrc: int
    media_ssrc: int


class FullIntraRequest(Struct, frozen=True):
    """RFC 5104, 4.3.1: (SSRC, command sequence number) of each entry."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]


class ReceiverEstimatedBitrate(Struct, frozen=True):
    """REMB: bits per second (18 significant bits on the wire) for these SSRCs together."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


RtcpPacket = (
    SenderReport | ReceiverReport | SourceDescription | Goodbye | Nack | PictureLoss | FullIntraRequest | ReceiverEstimatedBitrate
)


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """Return the known packets of a compound packet; unknown types are skipped. Raises RtcpError when it is malformed."""
    packets: list[RtcpPacket] = []
    position = 0
    while position < len(data):
        if len(data) - position < 4:
            raise RtcpError("packet is cut off")
        first, packet_type, words = _HEADER.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise RtcpError("packet is cut off or of another version")
        body = _without_padding(data[position + 4 : end]) if first & 0x20 else data[position + 4 : end]
        try:
            packet = _parse_body(packet_type, first & 0x1F, body)
        except (struct.error, IndexError):
            raise RtcpError("packet body is cut off") from None
        if packet is not None:
            packets.append(packet)
        position = end
    return packets


def _without_padding(body: bytes) -> bytes:
    if not body or not 1 <= body[-1] <= len(body):
        raise RtcpError("padding is longer than the packet")
    return body[: len(body) - body[-1]]


def _parse_body(packet_type: int, count: int, body: bytes) -> RtcpPacket | None:
    if packet_type == SENDER_REPORT:
        ssrc, ntp_time, rtp_time, packets, octets = struct.unpack_from("!IQIII", body)
        return SenderReport(ssrc, ntp_time, rtp_time, packets, octets, _parse_reports(body, 24, count))
    if packet_type == RECEIVER_REPORT:
        return ReceiverReport(struct.unpack_from("!I", body)[0], _parse_reports(body, 4, count))
    if packet_type == SOURCE_DESCRIPTION:
        return _parse_source_description(body, count)
    if packet_type == GOODBYE:
        return Goodbye(struct.unpack_from(f"!{count}I", body))
    if packet_type == TRANSPORT_FEEDBACK and count == NACK_FORMAT:
        sender_ssrc, media_ssrc = struct.unpack_from("!II", body)
        return Nack(sender_ssrc, media_ssrc, _parse_lost(body))
    return _parse_payload_feedback(count, body) if packet_type == PAYLOAD_FEEDBACK else None


def _parse_payload_feedback(feedback_format: int, body: bytes) -> RtcpPacket | None:
    sender_ssrc, media_ssrc = struct.unpack_from("!II", body)
    if feedback_format == PLI_FORMAT:
        return PictureLoss(sender_ssrc, media_ssrc)
    if feedback_format == FIR_FORMAT:
        entries = tuple((ssrc, number >> 24) for ssrc, number in _pairs(body, "!II"))
        return FullIntraRequest(sender_ssrc, entries)
    if feedback_format == APPLICATION_FORMAT and body[8:12] == b"REMB":
        count, exponent, mantissa = body[12], body[13] >> 2, (body[13] & 3) << 16 | body[14] << 8 | body[15]
        return ReceiverEstimatedBitrate(sender_ssrc, mantissa << exponent, struct.unpack_from(f"!{count}I", body, 16))
    return None


def _pairs(body: bytes, layout: str) -> Iterable[tuple[int, int]]:
    return struct.iter_unpack(layout, body[8 : len(body) - (len(body) - 8) % struct.calcsize(layout)])


def _parse_reports(body: bytes, position: int, count: int) -> tuple[ReportBlock, ...]:
    reports = []
    for index in range(count):
        ssrc, losses, highest, jitter, lsr, dlsr = _REPORT.unpack_from(body, position + index * _REPORT.size)
        lost = losses & 0xFFFFFF
        reports.append(ReportBlock(ssrc, losses >> 24, lost - 0x1000000 if lost & 0x800000 else lost, highest, jitter, lsr, dlsr))
    return tuple(reports)


def _parse_source_description(body: bytes, count: int) -> SourceDescription:
    cnames = []
    position = 0
    for _ in range(count):
        (ssrc,) = struct.unpack_from("!I", body, position)
        position += 4
        while body[position]:
            kind, length = body[position], body[position + 1]
            text = body[position + 2 : position + 2 + length]
            if len(text) < length:
                raise RtcpError("source description item is cut off")
            if kind == _CNAME:
                cnames.append((ssrc, text.decode("utf-8", "replace")))
            position += 2 + length
        position += 4 - position % 4
    return SourceDescription(tuple(cnames))


def _parse_lost(body: bytes) -> tuple[int, ...]:
    lost: list[int] = []
    for first, mask in _pairs(body, "!HH"):
        lost.append(first)
        lost += [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return tuple(lost)


def build_rtcp(packets: Iterable[RtcpPacket]) -> bytes:
    """Return the compound packet. Raises RtcpError when a field does not fit."""
    try:
        return b"".join(_build(packet) for packet in packets)
    except (struct.error, ValueError, OverflowError):
        raise RtcpError("a field is out of range") from None


def _build(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport(ssrc, ntp_time, rtp_time, packet_count, octet_count, reports):
            info = struct.pack("!I", ssrc) + _SENDER_INFO.pack(ntp_time, rtp_time, packet_count, octet_count)
            return _frame(SENDER_REPORT, len(reports), info + _build_reports(reports))
        case ReceiverReport(ssrc, reports):
            return _frame(RECEIVER_REPORT, len(reports), struct.pack("!I", ssrc) + _build_reports(reports))
        case SourceDescription(cnames):
            return _frame(SOURCE_DESCRIPTION, len(cnames), b"".join(_build_cname(ssrc, cname) for ssrc, cname in cnames))
        case Goodbye(ssrcs):
            return _frame(GOODBYE, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs))
        case Nack(sender_ssrc, media_ssrc, lost):
            return _frame(TRANSPORT_FEEDBACK, NACK_FORMAT, struct.pack("!II", sender_ssrc, media_ssrc) + _build_lost(lost))
        case PictureLoss(sender_ssrc, media_ssrc):
            return _frame(PAYLOAD_FEEDBACK, PLI_FORMAT, struct.pack("!II", sender_ssrc, media_ssrc))
        case FullIntraRequest(sender_ssrc, entries):
            body = b"".join(struct.pack("!IBxxx", ssrc, number) for ssrc, number in entries)
            return _frame(PAYLOAD_FEEDBACK, FIR_FORMAT, struct.pack("!II", sender_ssrc, 0) + body)
        case ReceiverEstimatedBitrate(sender_ssrc, bitrate_bps, ssrcs):
            body = struct.pack("!II4s", sender_ssrc, 0, b"REMB") + _build_bitrate(bitrate_bps, ssrcs)
            return _frame(PAYLOAD_FEEDBACK, APPLICATION_FORMAT, body)


def _frame(packet_type: int, count: int, body: bytes) -> bytes:
    if count > 31:
        raise RtcpError("more than 31 entries")
    return _HEADER.pack(2 << 6 | count, packet_type, len(body) // 4) + body


def _build_reports(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _REPORT.pack(
            report.ssrc,
            report.fraction_lost << 24 | report.packets_lost & 0xFFFFFF,
            report.highest_sequence,
            report.jitter,
            report.lsr,
            report.dlsr,
        )
        for report in reports
    )


def _build_cname(ssrc: int, cname: str) -> bytes:
    text = cname.encode()
    item = struct.pack("!IBB", ssrc, _CNAME, len(text)) + text
    return item + bytes(4 - len(item) % 4)


def _build_lost(lost: tuple[int, ...]) -> bytes:
    blocks: list[tuple[int, int]] = []
    for sequence in lost:
        distance = (sequence - blocks[-1][0]) & 0xFFFF if blocks else 0
        if blocks and 1 <= distance <= 16:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] | 1 << (distance - 1))
        else:
            blocks.append((sequence, 0))
    return b"".join(struct.pack("!HH", first, mask) for first, mask in blocks)


def _build_bitrate(bitrate_bps: int, ssrcs: tuple[int, ...]) -> bytes:
    exponent = max(0, bitrate_bps.bit_length() - _REMB_MANTISSA_BITS)
    mantissa = bitrate_bps >> exponent
    return struct.pack(f"!BBH{len(ssrcs)}I", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF, *ssrcs)
