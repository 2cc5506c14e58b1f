"""AV1 over RTP (the Alliance's "RTP Payload Format For AV1", sections 4.4-5) to low-overhead OBUs as Matroska stores them.

```
|Z|Y|W W|N|-|-|-|   aggregation header, then OBU elements; each behind a leb128 length, but the last of W > 0
```
Z: the first element continues one of the packet before; Y: the last goes on in the next; N: a coded video sequence begins.
"""

from collections.abc import Sequence

from conclave.media.bits import BitReader, OutOfBits, read_leb128, write_leb128
from conclave.media.depacketise import CodecFormat, DepacketisationError, Frame

SEQUENCE_HEADER, TEMPORAL_DELIMITER, TILE_LIST, PADDING = 1, 2, 8, 15
HAS_SIZE, HAS_EXTENSION = 0x02, 0x04


class Av1Depacketiser:
    """depacketise.Depacketiser."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        try:
            elements = _elements(payloads)
            obus = [_sized(element) for element in elements]
        except OutOfBits as error:
            raise DepacketisationError(f"av1: {error}") from None
        kept = [obu for obu in obus if obu[0] >> 3 & 15 not in (TEMPORAL_DELIMITER, TILE_LIST, PADDING)]
        if not kept:
            raise DepacketisationError("av1: an empty temporal unit")
        begins = bool(payloads[0][0] & 0x08) and kept[0][0] >> 3 & 15 == SEQUENCE_HEADER
        return Frame(b"".join(kept), begins and len(kept) > 1)

    def describe(self, keyframe: bytes) -> CodecFormat:
        """CodecPrivate is av1C: marker and version, profile and level, tier and format, and the sequence header."""
        try:
            if keyframe[:1] and keyframe[0] >> 3 & 15 == SEQUENCE_HEADER:
                size, position = read_leb128(keyframe, 2 if keyframe[0] & HAS_EXTENSION else 1)
                return _describe(BitReader(keyframe[position : position + size]), keyframe[: position + size])
        except OutOfBits as error:
            raise DepacketisationError(f"av1: {error}") from None
        raise DepacketisationError("av1: no sequence header")


def _elements(payloads: Sequence[bytes]) -> list[bytes]:
    elements: list[bytes] = []
    open_element: bytes | None = None
    for payload in payloads:
        if len(payload) < 2:
            raise DepacketisationError("av1: an empty payload")
        if bool(payload[0] & 0x80) != (open_element is not None):
            raise DepacketisationError("av1: a fragment is missing")
        parts = _parts(payload)
        if open_element is not None:
            parts[0] = open_element + parts[0]
        open_element = parts.pop() if payload[0] & 0x40 else None
        elements += parts
    if open_element is not None:
        raise DepacketisationError("av1: a fragment is missing")
    return elements


def _parts(payload: bytes) -> list[bytes]:
    count = payload[0] >> 4 & 3
    parts: list[bytes] = []
    position = 1
    while position < len(payload):
        if count and len(parts) == count - 1:
            size = len(payload) - position
        else:
            size, position = read_leb128(payload, position)
        if size == 0 or position + size > len(payload):
            raise DepacketisationError("av1: an element is cut off")
        parts.append(payload[position : position + size])
        position += size
    if count and len(parts) != count:
        raise DepacketisationError("av1: an element is missing")
    return parts


def _sized(element: bytes) -> bytes:
    """Return the OBU with its size field, which RTP leaves out."""
    header = 2 if element[0] & HAS_EXTENSION else 1
    if len(element) < header:
        raise DepacketisationError("av1: an OBU is cut off")
    if element[0] & HAS_SIZE:
        size, position = read_leb128(element, header)
        if position + size != len(element):
            raise DepacketisationError("av1: an OBU has another size than it says")
        return element
    body = element[header:]
    return bytes([element[0] | HAS_SIZE]) + element[1:header] + write_leb128(len(body)) + body


def _describe(bits: BitReader, header: bytes) -> CodecFormat:
    """Read sequence_header_obu (AV1, section 5.5)."""
    profile = bits.read(3)
    bits.flag()
    if bits.flag():
        level, tier = bits.read(5), 0
    else:
        level, tier = _operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    record = bytes([0x81, profile << 5 | level, tier << 7 | 0x0C, 0]) + header
    return CodecFormat("V_AV1", record, width, height)


def _operating_points(bits: BitReader) -> tuple[int, int]:
    """Return level and tier of the first operating point."""
    delay_bits = 0
    if bits.flag():
        bits.read(64)
        if bits.flag():
            bits.uvlc()
        if bits.flag():
            delay_bits = bits.read(5) + 1
            bits.read(42)
    delays = bits.flag()
    found: list[tuple[int, int]] = []
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        level = bits.read(5)
        found.append((level, bits.read(1) if level > 7 else 0))
        if delay_bits and bits.flag():
            bits.read(2 * delay_bits + 1)
        if delays and bits.flag():
            bits.read(4)
    return found[0]
