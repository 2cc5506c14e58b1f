"""H.264 over RTP (RFC 6184, packetization modes 0 and 1) to AVC samples: NAL units behind 4-byte lengths (ISO 14496-15).

Payload: a NAL unit (types 1-23), STAP-A (24: 16-bit sizes before NAL units), or FU-A (28: a fragment behind `S|E|R|type`).
"""

from collections.abc import Iterator, Sequence

from conclave.media.bits import BitReader, OutOfBits
from conclave.media.depacketise import CodecFormat, DepacketisationError, Frame

IDR, SPS, PPS, DELIMITER, FILLER, STAP_A, FU_A = 5, 7, 8, 9, 12, 24, 28
HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128})


class H264Depacketiser:
    """depacketise.Depacketiser. Parameter sets stay in the samples too, as a decoder may need those that change."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        units = [unit for unit in _units(payloads) if unit[0] & 0x1F not in (DELIMITER, FILLER)]
        kinds = {unit[0] & 0x1F for unit in units}
        if not kinds & set(range(1, 6)):
            raise DepacketisationError("h264: no picture")
        data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
        return Frame(data, {IDR, SPS, PPS} <= kinds)

    def describe(self, keyframe: bytes) -> CodecFormat:
        """CodecPrivate is the AVCDecoderConfigurationRecord: version, profile, compatibility, level, sizes of 4, SPS, PPS."""
        units = list(_samples(keyframe))
        sps = [unit for unit in units if unit[0] & 0x1F == SPS]
        pps = [unit for unit in units if unit[0] & 0x1F == PPS]
        if not sps or not pps or len(sps[0]) < 4 or len(sps) > 31:
            raise DepacketisationError("h264: no parameter sets")
        width, height = _picture_size(sps[0])
        record = bytes([1]) + sps[0][1:4] + bytes([0xFF, 0xE0 | len(sps)]) + _sets(sps) + bytes([len(pps)]) + _sets(pps)
        return CodecFormat("V_MPEG4/ISO/AVC", record, width, height)


def _sets(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _units(payloads: Sequence[bytes]) -> Iterator[bytes]:
    fragment: bytearray | None = None
    for payload in payloads:
        kind = payload[0] & 0x1F if payload else 0
        if fragment is not None and kind != FU_A:
            raise DepacketisationError("h264: a fragment is missing")
        if 1 <= kind <= 23:
            yield payload
        elif kind == STAP_A:
            yield from _aggregated(payload)
        elif kind == FU_A and len(payload) > 2:
            fragment = _fragment(payload, fragment)
            if payload[1] & 0x40:
                yield bytes(fragment)
                fragment = None
        else:
            raise DepacketisationError("h264: a payload of another kind")
    if fragment is not None:
        raise DepacketisationError("h264: a fragment is missing")


def _fragment(payload: bytes, fragment: bytearray | None) -> bytearray:
    if (fragment is None) != bool(payload[1] & 0x80):
        raise DepacketisationError("h264: a fragment is missing")
    if fragment is None:
        fragment = bytearray([payload[0] & 0xE0 | payload[1] & 0x1F])
    fragment += payload[2:]
    return fragment


def _aggregated(payload: bytes) -> Iterator[bytes]:
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        unit = payload[position + 2 : position + 2 + size]
        if not size or len(unit) != size:
            raise DepacketisationError("h264: an aggregation is cut off")
        yield unit
        position += 2 + size


def _samples(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        unit = data[position + 4 : position + 4 + size]
        if not size or len(unit) != size:
            raise DepacketisationError("h264: a sample is cut off")
        yield unit
        position += 4 + size


def _picture_size(sps: bytes) -> tuple[int, int]:
    """Read pic_width and pic_height of a sequence parameter set (H.264, section 7.3.2.1.1), cropping included."""
    try:
        width, height = _read_size(BitReader(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00")))
    except OutOfBits as error:
        raise DepacketisationError(f"h264: {error}") from None
    if not 0 < width <= 16_384 or not 0 < height <= 16_384:
        raise DepacketisationError("h264: a picture of impossible size")
    return width, height


def _read_size(bits: BitReader) -> tuple[int, int]:
    profile = bits.read(8)
    bits.read(16)
    bits.exp_golomb()
    chroma = _skip_high_profile(bits) if profile in HIGH_PROFILES else 1
    bits.exp_golomb()
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.flag()
        bits.signed_exp_golomb()
        bits.signed_exp_golomb()
        for _ in range(min(bits.exp_golomb(), 255)):
            bits.signed_exp_golomb()
    bits.exp_golomb()
    bits.flag()
    width = 16 * (bits.exp_golomb() + 1)
    map_units = bits.exp_golomb() + 1
    frames_only = bits.read(1)
    if not frames_only:
        bits.flag()
    bits.flag()
    height = 16 * map_units * (2 - frames_only)
    if bits.flag():
        left, right, top, bottom = (bits.exp_golomb() for _ in range(4))
        width -= (2 if chroma in (1, 2) else 1) * (left + right)
        height -= (2 if chroma == 1 else 1) * (2 - frames_only) * (top + bottom)
    return width, height


def _skip_high_profile(bits: BitReader) -> int:
    chroma = bits.exp_golomb()
    if chroma == 3:
        bits.flag()
    bits.exp_golomb()
    bits.exp_golomb()
    bits.flag()
    if bits.flag():
        for number in range(8 if chroma != 3 else 12):
            if bits.flag():
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    return chroma


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_exp_golomb()) % 256
        last = following or last
