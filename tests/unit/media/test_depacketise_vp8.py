import pytest

from conclave.media.depacketise import DepacketisationError
from conclave.media.depacketise_vp8 import Vp8Depacketiser

KEYFRAME = bytes.fromhex("10020 09d012a4001b400".replace(" ", "")) + b"picture"
DELTA = b"\x11more"


@pytest.mark.parametrize(
    "descriptor",
    [b"\x10", b"\x90\x80\x05", b"\x90\x80\x85\x01", b"\x90\xc0\x05\x07", b"\x90\xe0\x85\x01\x07\x20", b"\x90\x10\x03"],
)
def test_every_form_of_descriptor_is_taken_off(descriptor: bytes) -> None:
    frame = Vp8Depacketiser().frame([descriptor + KEYFRAME])
    assert (frame.data, frame.keyframe) == (KEYFRAME, True)


def test_parts_are_joined_and_a_delta_frame_is_no_keyframe() -> None:
    frame = Vp8Depacketiser().frame([b"\x10" + DELTA, b"\x00end"])
    assert (frame.data, frame.keyframe) == (DELTA + b"end", False)


def test_the_size_stands_in_the_keyframe_without_its_scaling_bits() -> None:
    codec = Vp8Depacketiser().describe(KEYFRAME[:6] + b"\x40\x41\xb4\x80")
    assert (codec.codec_id, codec.width, codec.height) == ("V_VP8", 320, 180)


@pytest.mark.parametrize(
    "payloads", [[], [b""], [b"\x00tail"], [b"\x11second partition"], [b"\x10"], [b"\x90"], [b"\x90\x80"], [b"\x10a", b""]]
)
def test_a_frame_without_its_beginning_or_with_a_torn_descriptor_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketisationError):
        Vp8Depacketiser().frame(payloads)


@pytest.mark.parametrize("data", [b"", DELTA, KEYFRAME[:9], KEYFRAME[:6] + bytes(4)])
def test_what_is_no_keyframe_cannot_be_described(data: bytes) -> None:
    with pytest.raises(DepacketisationError):
        Vp8Depacketiser().describe(data)
