import pytest

from conclave.media.depacketise import DepacketisationError
from conclave.media.depacketise_av1 import Av1Depacketiser

SEQUENCE = bytes.fromhex("08000000043d06d4daf90040")
"""A sequence header OBU without a size field, of 322x182."""
SIZED = bytes([SEQUENCE[0] | 2, len(SEQUENCE) - 1]) + SEQUENCE[1:]
PICTURE = b"\x30picture"
SIZED_PICTURE = b"\x32\x07picture"


def test_elements_become_obus_with_sizes_and_a_sequence_header_begins_a_keyframe() -> None:
    payload = b"\x28" + bytes([len(SEQUENCE)]) + SEQUENCE + PICTURE
    frame = Av1Depacketiser().frame([payload])
    assert (frame.data, frame.keyframe) == (SIZED + SIZED_PICTURE, True)


def test_without_a_count_every_element_has_its_length() -> None:
    payload = b"\x08" + bytes([len(SEQUENCE)]) + SEQUENCE + bytes([len(PICTURE)]) + PICTURE
    assert Av1Depacketiser().frame([payload]).data == SIZED + SIZED_PICTURE


def test_an_element_in_parts_is_put_together() -> None:
    frame = Av1Depacketiser().frame([b"\x50" + PICTURE[:3], b"\xd0" + PICTURE[3:5], b"\x90" + PICTURE[5:]])
    assert (frame.data, frame.keyframe) == (SIZED_PICTURE, False)


def test_temporal_delimiters_are_left_out_and_sizes_that_are_there_are_kept() -> None:
    assert Av1Depacketiser().frame([b"\x20\x02\x12\x00" + SIZED_PICTURE]).data == SIZED_PICTURE


def test_the_size_and_the_record_come_from_the_sequence_header() -> None:
    codec = Av1Depacketiser().describe(SIZED + SIZED_PICTURE)
    assert (codec.codec_id, codec.width, codec.height) == ("V_AV1", 322, 182)
    assert codec.codec_private[:4] == b"\x81\x00\x0c\x00"
    assert codec.codec_private[4:] == SIZED


@pytest.mark.parametrize(
    "payloads",
    [[], [b""], [b"\x10"], [b"\x90tail"], [b"\x50head"], [b"\x50head", b"\x10x"], [b"\x00\x09short"], [b"\x00\x00"],
     [b"\x30\x02ab"], [b"\x10\x12\x00"], [b"\x10\x34"], [b"\x10\x32\x09x"]],
)  # fmt: skip
def test_what_is_torn_or_empty_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketisationError):
        Av1Depacketiser().frame(payloads)


@pytest.mark.parametrize("data", [b"", SIZED_PICTURE, SIZED[:6], b"\x0a\x85", b"\x0a\x00"])
def test_without_a_whole_sequence_header_nothing_can_be_described(data: bytes) -> None:
    with pytest.raises(DepacketisationError):
        Av1Depacketiser().describe(data)
