import pytest

from conclave.media.depacketise import DepacketisationError
from conclave.media.depacketise_vp9 import Vp9Depacketiser, superframe

KEY = bytes.fromhex("824983420014100b50")
WHOLE = 0x0C


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x0c", b"\x8c\x05", b"\x8c\x85\x01", b"\xac\x05\x00\x09", b"\xbc\x05\x00",
        b"\x0e\x18\x01\x40\x00\xb4\x01\x04\x05", b"\x0e\x00",
    ],
)  # fmt: skip
def test_every_form_of_descriptor_is_taken_off(descriptor: bytes) -> None:
    frame = Vp9Depacketiser().frame([descriptor + KEY])
    assert (frame.data, frame.keyframe) == (KEY, True)


def test_references_of_flexible_mode_are_taken_off_and_make_no_keyframe() -> None:
    frame = Vp9Depacketiser().frame([b"\xdc\x05\x03\x02" + KEY])
    assert (frame.data, frame.keyframe) == (KEY, False)


def test_parts_are_joined_from_beginning_to_end() -> None:
    assert Vp9Depacketiser().frame([b"\x08" + KEY, b"\x00abc", b"\x04end"]).data == KEY + b"abcend"


def test_layers_of_a_picture_become_a_superframe_with_its_index() -> None:
    frame = Vp9Depacketiser().frame([b"\x2c\x00\x00" + KEY, b"\x6c\x02\x00upper"])
    assert frame.keyframe
    assert frame.data == KEY + b"upper" + b"\xc1\x09\x05\xc1"


def test_an_index_has_as_many_octets_as_the_largest_layer_needs() -> None:
    joined = superframe([bytes(300), b"x"])
    assert joined[-6:] == b"\xc9\x2c\x01\x01\x00\xc9"


def test_profile_and_size_stand_in_the_keyframe() -> None:
    codec = Vp9Depacketiser().describe(KEY)
    assert (codec.codec_id, codec.codec_private) == ("V_VP9", bytes([1, 1, 0, 3, 1, 8]))
    assert codec.width > 0


@pytest.mark.parametrize(
    "payloads",
    [[], [b""], [b"\x04tail"], [b"\x08head"], [b"\x08a", b"\x0cb"], [b"\x0c"],
     [b"\xdc\x05\x03\x03\x03\x03a"], [b"\x0e\xf8"], [b"\x8c"]],
)  # fmt: skip
def test_a_frame_without_beginning_or_end_or_with_a_torn_descriptor_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketisationError):
        Vp9Depacketiser().frame(payloads)


@pytest.mark.parametrize("data", [b"", b"\x86abc", b"\x82\x49\x83\x43" + bytes(8), KEY[:5], b"\x00" * 10])
def test_what_is_no_keyframe_cannot_be_described(data: bytes) -> None:
    with pytest.raises(DepacketisationError):
        Vp9Depacketiser().describe(data)


def test_more_layers_than_an_index_holds_are_refused() -> None:
    with pytest.raises(DepacketisationError):
        superframe([b"x"] * 9)
