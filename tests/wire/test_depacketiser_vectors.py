"""Beginnings of keyframes that libx264, libvpx and libaom made of a picture of 322x182, and what FFmpeg says of them."""

import pytest

from conclave.media.depacketise import Depacketiser
from conclave.media.depacketise_av1 import Av1Depacketiser
from conclave.media.depacketise_h264 import H264Depacketiser
from conclave.media.depacketise_vp8 import Vp8Depacketiser
from conclave.media.depacketise_vp9 import Vp9Depacketiser

BASELINE = ("6742c00bda05467889b011000003000100000300140f142aa0", "68ce0fc8")
HIGH = ("6764000cacd941519e226c0440000003004000000503c50a6580", "68ebe3cb22c0")


def sample(*units: str) -> bytes:
    return b"".join(len(bytes.fromhex(unit)).to_bytes(4, "big") + bytes.fromhex(unit) for unit in (*units, "6588"))


@pytest.mark.parametrize(
    ("depacketiser", "keyframe"),
    [
        (Vp8Depacketiser(), bytes.fromhex("b05a009d012a4201b6000047088585888584880202db01fc")),
        (Vp9Depacketiser(), bytes.fromhex("824983420014100b560638241c184a000c106fb17c6ffe5f")),
        (Av1Depacketiser(), bytes.fromhex("0a0b000000043d06d4daf9004032c00e1400a0b010b44cf0")),
        (H264Depacketiser(), sample(*BASELINE)),
        (H264Depacketiser(), sample(*HIGH)),
    ],
)
def test_the_size_of_a_real_keyframe_is_read(depacketiser: Depacketiser, keyframe: bytes) -> None:
    codec = depacketiser.describe(keyframe)
    assert (codec.width, codec.height) == (322, 182)


def test_the_av1_record_is_the_one_that_ffmpeg_writes() -> None:
    codec = Av1Depacketiser().describe(bytes.fromhex("0a0b000000043d06d4daf9004032c00e1400"))
    assert codec.codec_private.hex() == "81000c000a0b000000043d06d4daf90040"


def test_the_avc_record_is_the_one_that_ffmpeg_writes() -> None:
    codec = H264Depacketiser().describe(sample(*BASELINE))
    assert codec.codec_private.hex() == "0142c00bffe1001967" + BASELINE[0][2:] + "010004" + BASELINE[1]
