import pytest

from conclave.media.depacketise import DepacketisationError
from conclave.media.depacketise_h264 import H264Depacketiser

SPS = bytes.fromhex("6742c00bda05467889b011000003000100000300140f142aa0")
PPS = bytes.fromhex("68ce0fc8")
IDR = b"\x65picture"
SLICE = b"\x41delta"
AGGREGATE = b"\x78" + len(SPS).to_bytes(2, "big") + SPS + len(PPS).to_bytes(2, "big") + PPS


def sample(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def fragments(unit: bytes, size: int = 3) -> list[bytes]:
    parts = [unit[at : at + size] for at in range(1, len(unit), size)]
    head = unit[0] & 0x1F
    marks = [0x80 if at == 0 else 0x40 if at == len(parts) - 1 else 0 for at in range(len(parts))]
    return [bytes([unit[0] & 0xE0 | 28, mark | head]) + part for mark, part in zip(marks, parts, strict=True)]


def test_single_units_aggregates_and_fragments_become_units_behind_their_lengths() -> None:
    frame = H264Depacketiser().frame([AGGREGATE, *fragments(IDR), SLICE])
    assert (frame.data, frame.keyframe) == (sample(SPS, PPS, IDR, SLICE), True)


def test_delimiters_and_filler_are_left_out() -> None:
    assert H264Depacketiser().frame([b"\x09\xf0", SLICE, b"\x0c\xff"]).data == sample(SLICE)


def test_a_picture_that_refers_to_others_or_lacks_parameter_sets_is_no_keyframe() -> None:
    assert not H264Depacketiser().frame([SLICE]).keyframe
    assert not H264Depacketiser().frame([IDR]).keyframe


def test_profile_level_and_cropped_size_come_from_the_parameter_set() -> None:
    codec = H264Depacketiser().describe(sample(SPS, PPS, IDR))
    assert codec.codec_id == "V_MPEG4/ISO/AVC"
    assert (codec.width, codec.height) == (322, 182)
    assert codec.codec_private[:6] == b"\x01\x42\xc0\x0b\xff\xe1"


@pytest.mark.parametrize(
    "payloads",
    [
        [], [b""], [b"\x78\x00\x09short"], [b"\x78\x00\x00"], fragments(IDR)[1:], fragments(IDR)[:-1], [fragments(IDR)[0], SLICE],
        fragments(IDR)[:1] * 2, [b"\x7c\x85"], [b"\x1d\x00"], [SPS],
    ],
)  # fmt: skip
def test_what_is_torn_or_of_another_kind_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketisationError):
        H264Depacketiser().frame(payloads)


@pytest.mark.parametrize(
    "data", [b"", sample(IDR), sample(SPS), sample(SPS[:6], PPS), sample(SPS, PPS)[:-1], sample(b"\x67\xff\xff\xff\xff", PPS)]
)
def test_without_whole_parameter_sets_nothing_can_be_described(data: bytes) -> None:
    with pytest.raises(DepacketisationError):
        H264Depacketiser().describe(data)
