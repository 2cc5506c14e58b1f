import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.depacketise import DepacketisationError, Depacketiser, OpusDepacketiser
from conclave.media.depacketise_av1 import Av1Depacketiser
from conclave.media.depacketise_h264 import H264Depacketiser
from conclave.media.depacketise_vp8 import Vp8Depacketiser
from conclave.media.depacketise_vp9 import Vp9Depacketiser

ALL = [OpusDepacketiser, Vp8Depacketiser, Vp9Depacketiser, H264Depacketiser, Av1Depacketiser]


def test_an_opus_payload_is_a_packet_and_a_keyframe() -> None:
    frame = OpusDepacketiser().frame([b"\xfcsound"])
    assert (frame.data, frame.keyframe) == (b"\xfcsound", True)


def test_opus_is_described_by_an_opus_head_of_two_channels_at_48_khz() -> None:
    codec = OpusDepacketiser().describe(b"\xfc")
    assert codec.codec_id == "A_OPUS"
    assert len(codec.codec_private) == 19
    assert codec.codec_private[9] == 2
    assert int.from_bytes(codec.codec_private[12:16], "little") == 48_000


@pytest.mark.parametrize("payloads", [[], [b""], [b"a", b"b"]])
def test_what_is_not_one_opus_packet_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketisationError):
        OpusDepacketiser().frame(payloads)


@pytest.mark.parametrize("kind", ALL)
@given(payloads=st.lists(st.binary(max_size=60), max_size=6))
def test_no_payload_does_more_than_be_refused(kind: type[Depacketiser], payloads: list[bytes]) -> None:
    depacketiser = kind()
    try:
        frame = depacketiser.frame(payloads)
        depacketiser.describe(frame.data)
    except DepacketisationError:
        return
    assert frame.data


@pytest.mark.parametrize("kind", ALL)
@given(data=st.binary(max_size=80))
def test_no_keyframe_does_more_than_be_refused(kind: type[Depacketiser], data: bytes) -> None:
    try:
        codec = kind().describe(data)
    except DepacketisationError:
        return
    assert codec.codec_id
