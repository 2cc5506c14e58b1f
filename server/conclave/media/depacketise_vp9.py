"""VP9 over RTP (RFC 9628) and the uncompressed header of VP9 (bitstream specification, section 6.2).

```
|I|P|L|F|B|E|V|Z|   payload descriptor
|M| PICTURE ID  |   if I; 15 bits if M
| TID |U| SID |D|   if L
|   TL0PICIDX   |   if L and not F
| P_DIFF      |N|   if F and P, up to 3
| N_S |Y|G|-|-|-|   if V: scalability structure
```
Layer frames of one picture become one superframe (Annex B).
"""

from collections.abc import Sequence

from conclave.media.bits import BitReader, OutOfBits
from conclave.media.depacketise import CodecFormat, DepacketisationError, Frame

SYNC_CODE = 0x498342
MAX_LAYER_FRAMES = 8


class Vp9Depacketiser:
    """depacketise.Depacketiser."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        layers: list[bytes] = []
        parts: list[bytes] = []
        inter = True
        begun = False
        for payload in payloads:
            size = _descriptor_bytes(payload)
            if payload[0] & 0x08:
                if begun:
                    raise DepacketisationError("vp9: a frame begins inside another")
                begun = True
                if not layers:
                    inter = bool(payload[0] & 0x40)
            if not begun:
                raise DepacketisationError("vp9: the beginning is missing")
            parts.append(payload[size:])
            if payload[0] & 0x04:
                layers.append(b"".join(parts))
                parts.clear()
                begun = False
        if begun or not layers or not all(layers):
            raise DepacketisationError("vp9: the end is missing")
        return Frame(superframe(layers), not inter and _is_keyframe(layers[0]))

    def describe(self, keyframe: bytes) -> CodecFormat:
        """CodecPrivate is the optional feature list of WebM: profile and bit depth."""
        try:
            return _describe(BitReader(keyframe[:32]))
        except OutOfBits as error:
            raise DepacketisationError(f"vp9: {error}") from None


def superframe(layers: Sequence[bytes]) -> bytes:
    """Join layer frames with the index of Annex B: marker 110, size of a size less 1, number of frames less 1."""
    if len(layers) == 1:
        return layers[0]
    if len(layers) > MAX_LAYER_FRAMES:
        raise DepacketisationError("vp9: too many layers")
    width = max(1, (max(map(len, layers)).bit_length() + 7) // 8)
    mark = bytes([0xC0 | (width - 1) << 3 | (len(layers) - 1)])
    return b"".join(layers) + mark + b"".join(len(layer).to_bytes(width, "little") for layer in layers) + mark


def _descriptor_bytes(payload: bytes) -> int:
    try:
        first = payload[0]
        size = 1
        if first & 0x80:
            size += 2 if payload[size] & 0x80 else 1
        if first & 0x20:
            size += 1 if first & 0x10 else 2
        if first & 0x50 == 0x50:
            size += _reference_bytes(payload, size)
        if first & 0x02:
            size += _structure_bytes(payload, size)
    except IndexError:
        raise DepacketisationError("vp9: the descriptor is cut off") from None
    if size >= len(payload):
        raise DepacketisationError("vp9: the descriptor is cut off")
    return size


def _reference_bytes(payload: bytes, position: int) -> int:
    for count in range(1, 4):
        if not payload[position + count - 1] & 1:
            return count
    raise DepacketisationError("vp9: too many references")


def _structure_bytes(payload: bytes, position: int) -> int:
    header = payload[position]
    size = 1
    if header & 0x10:
        size += 4 * ((header >> 5) + 1)
    if header & 0x08:
        pictures = payload[position + size]
        size += 1
        for _ in range(pictures):
            size += 1 + (payload[position + size] >> 2 & 3)
    return size


def _is_keyframe(data: bytes) -> bool:
    try:
        bits = BitReader(data[:4])
        return _profile(bits) is not None and not bits.flag() and not bits.flag()
    except OutOfBits:
        return False


def _profile(bits: BitReader) -> int | None:
    """Read the frame marker and the profile; None when it is no frame."""
    if bits.read(2) != 2:
        return None
    profile = bits.read(1) | bits.read(1) << 1
    if profile == 3 and bits.flag():
        return None
    return profile


def _describe(bits: BitReader) -> CodecFormat:
    profile = _profile(bits)
    if profile is None or bits.flag() or bits.flag():
        raise DepacketisationError("vp9: not a keyframe")
    bits.read(2)
    if bits.read(24) != SYNC_CODE:
        raise DepacketisationError("vp9: not a keyframe")
    depth = (12 if bits.flag() else 10) if profile >= 2 else 8
    colour_space = bits.read(3)
    if colour_space != 7:
        bits.flag()
        if profile & 1:
            bits.read(3)
    elif profile & 1:
        bits.flag()
    width, height = bits.read(16) + 1, bits.read(16) + 1
    return CodecFormat("V_VP9", bytes([1, 1, profile, 3, 1, depth]), width, height)
