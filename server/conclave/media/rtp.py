"""RTP headers (RFC 3550, section 5.1) with header extensions (RFC 8285): for tests, load generation and the slow path.

```
 0                   1                   2                   3
|V=2|P|X|  CC   |M|     PT      |       sequence number         |
|                           timestamp                           |
|                             SSRC                              |
|                         CSRC (0-15 of them)                   |
|  profile 0xBEDE or 0x100x     |  length in 32-bit words       |   if X
|  elements: id(4) len-1(4) data, or id(8) len(8) data ...      |
```
Ids are 1-14 in the one-byte form and 1-255 in the two-byte form.
"""

import struct

from msgspec import Struct

HEADER_BYTES = 12
VERSION = 2
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class RtpError(ValueError):
    """The bytes are not an RTP packet."""


class RtpPacket(Struct, frozen=True, kw_only=True):
    """One packet. `extensions` are (id, data) in order; `padding` is the number of padding bytes, its own count included."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extensions: tuple[tuple[int, bytes], ...] = ()
    payload: bytes = b""
    padding: int = 0

    def extension(self, number: int) -> bytes | None:
        """Return the data of the first extension element with this id."""
        return next((data for known, data in self.extensions if known == number), None)


def parse_rtp(data: bytes) -> RtpPacket:
    """Return the packet in `data`. Raises RtpError. Header extensions of an unknown profile are skipped (RFC 3550, 5.3.1)."""
    if len(data) < HEADER_BYTES:
        raise RtpError("shorter than a header")
    first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != VERSION:
        raise RtpError("not version 2")
    position = HEADER_BYTES + 4 * (first & 0x0F)
    if len(data) < position:
        raise RtpError("CSRC list is cut off")
    csrcs = struct.unpack_from(f"!{first & 0x0F}I", data, HEADER_BYTES)
    extensions: tuple[tuple[int, bytes], ...] = ()
    if first & 0x10:
        extensions, position = _parse_extensions(data, position)
    padding = 0
    if first & 0x20:
        padding = data[-1]
        if not 1 <= padding <= len(data) - position:
            raise RtpError("padding is longer than the payload")
    return RtpPacket(
        payload_type=second & 0x7F,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        marker=bool(second & 0x80),
        csrcs=csrcs,
        extensions=extensions,
        payload=data[position : len(data) - padding],
        padding=padding,
    )


def _parse_extensions(data: bytes, position: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    if len(data) < position + 4:
        raise RtpError("header extension is cut off")
    profile, words = _EXTENSION.unpack_from(data, position)
    start, end = position + 4, position + 4 + 4 * words
    if len(data) < end:
        raise RtpError("header extension is cut off")
    if profile == ONE_BYTE_PROFILE:
        return _parse_one_byte(data[start:end]), end
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _parse_two_byte(data[start:end]), end
    return (), end


def _parse_one_byte(block: bytes) -> tuple[tuple[int, bytes], ...]:
    elements = []
    position = 0
    while position < len(block):
        number, length = block[position] >> 4, (block[position] & 0x0F) + 1
        if number == 15:
            break
        position += 1
        if number == 0:
            continue
        if position + length > len(block):
            raise RtpError("extension element is cut off")
        elements.append((number, block[position : position + length]))
        position += length
    return tuple(elements)


def _parse_two_byte(block: bytes) -> tuple[tuple[int, bytes], ...]:
    elements = []
    position = 0
    while position < len(block):
        number = block[position]
        position += 1
        if number == 0:
            continue
        if position >= len(block) or position + 1 + block[position] > len(block):
            raise RtpError("extension element is cut off")
        length = block[position]
        elements.append((number, block[position + 1 : position + 1 + length]))
        position += 1 + length
    return tuple(elements)


def build_rtp(packet: RtpPacket) -> bytes:
    """Return the bytes of `packet`, extensions in the one-byte form if they all fit it. Raises RtpError."""
    if len(packet.csrcs) > 15 or not 0 <= packet.payload_type <= 127 or not 0 <= packet.padding <= 255:
        raise RtpError("a field is out of range")
    first = VERSION << 6 | bool(packet.padding) << 5 | bool(packet.extensions) << 4 | len(packet.csrcs)
    second = packet.marker << 7 | packet.payload_type
    try:
        fixed = _FIXED.pack(first, second, packet.sequence_number, packet.timestamp, packet.ssrc)
        csrcs = struct.pack(f"!{len(packet.csrcs)}I", *packet.csrcs)
    except struct.error:
        raise RtpError("a field is out of range") from None
    padding = bytes(packet.padding - 1) + bytes([packet.padding]) if packet.padding else b""
    return fixed + csrcs + _build_extensions(packet.extensions) + packet.payload + padding


def _build_extensions(extensions: tuple[tuple[int, bytes], ...]) -> bytes:
    if not extensions:
        return b""
    if all(1 <= number <= 14 and 1 <= len(data) <= 16 for number, data in extensions):
        profile = ONE_BYTE_PROFILE
        block = b"".join(bytes([number << 4 | len(data) - 1]) + data for number, data in extensions)
    elif all(1 <= number <= 255 and len(data) <= 255 for number, data in extensions):
        profile = TWO_BYTE_PROFILE
        block = b"".join(bytes([number, len(data)]) + data for number, data in extensions)
    else:
        raise RtpError("an extension element does not fit")
    block += bytes(-len(block) % 4)
    return _EXTENSION.pack(profile, len(block) // 4) + block
