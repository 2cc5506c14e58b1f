"""From the RTP payloads of one frame to the frame as a decoder or a container takes it, one depacketiser per codec.

All are stateless but for parameter sets, take the payloads of one RTP timestamp in order, and trust none of their lengths.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class DepacketisationError(ValueError):
    """The payloads do not make a frame."""


class Frame(Struct, frozen=True):
    """`data` as Matroska stores it; a decoder can start at a `keyframe`."""

    data: bytes
    keyframe: bool


class CodecFormat(Struct, frozen=True):
    """What a container must say of a stream. width and height are 0 for audio; codec_id and codec_private as in Matroska."""

    codec_id: str
    codec_private: bytes
    width: int = 0
    height: int = 0


class Depacketiser(Protocol):
    """One codec's."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        """Raises DepacketisationError."""

    def describe(self, keyframe: bytes) -> CodecFormat:
        """Return what a keyframe made by `frame` says of its stream. Raises DepacketisationError."""


class OpusDepacketiser:
    """RFC 7587: a payload is a packet."""

    def frame(self, payloads: Sequence[bytes]) -> Frame:
        if len(payloads) != 1 or not payloads[0]:
            raise DepacketisationError("opus: not one packet")
        return Frame(payloads[0], True)

    def describe(self, keyframe: bytes) -> CodecFormat:
        """OpusHead (RFC 7845, section 5.1): version 1, 2 channels, no pre-skip, 48 kHz, no gain, mapping family 0."""
        if not keyframe:
            raise DepacketisationError("opus: an empty packet")
        return CodecFormat("A_OPUS", b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00")
