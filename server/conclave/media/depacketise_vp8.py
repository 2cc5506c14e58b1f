"""VP8 over RTP (RFC 7741) and the frame header of VP8 (RFC 6386, section 9.1).

```
|X|R|N|S|R| PID |   payload descriptor
|I|L|T|K| RSV   |   if X
|M| PictureID   |   if I; 15 bits if M
|   TL0PICIDX   |   if L
|TID|Y| KEYIDX  |   if T or K
```
"""

from collections.abc import Sequence

from conclave.media.depacketise import CodecFormat, DepacketisationError, Frame

START_CODE = b"\x9d\x01\x2a"
KEYFRAME_HEADER_BYTES = 10


class Vp8Depacketiser:
    """depacketise.Depacketiser."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        if not payloads or not payloads[0] or payloads[0][0] & 0x17 != 0x10:
            raise DepacketisationError("vp8: the beginning is missing")
        data = b"".join(payload[_descriptor_bytes(payload) :] for payload in payloads)
        if not data:
            raise DepacketisationError("vp8: an empty frame")
        return Frame(data, not data[0] & 1 and data[3:6] == START_CODE)

    def describe(self, keyframe: bytes) -> CodecFormat:
        if len(keyframe) < KEYFRAME_HEADER_BYTES or keyframe[3:6] != START_CODE:
            raise DepacketisationError("vp8: not a keyframe")
        width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
        height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
        if not width or not height:
            raise DepacketisationError("vp8: a picture without a size")
        return CodecFormat("V_VP8", b"", width, height)


def _descriptor_bytes(payload: bytes) -> int:
    if not payload:
        raise DepacketisationError("vp8: an empty payload")
    size = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            raise DepacketisationError("vp8: the descriptor is cut off")
        extension = payload[1]
        size = 2
        if extension & 0x80:
            if len(payload) < 3:
                raise DepacketisationError("vp8: the descriptor is cut off")
            size += 2 if payload[2] & 0x80 else 1
        size += bool(extension & 0x40) + bool(extension & 0x30)
    if len(payload) < size:
        raise DepacketisationError("vp8: the descriptor is cut off")
    return size
