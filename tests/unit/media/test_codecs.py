import pytest
from tests.support.sdp_clients import H264_HIGH, OPUS, VP8, VP8_RTX, section

from conclave.media import codecs
from conclave.media.codecs import CodecIdentity, can_show, identify, map_extensions, map_payload_types, negotiated_codecs
from conclave.media.sdp import Direction, SdpCodec, SdpExtension
from conclave.model.media import CodecParameters, MediaKind

AUDIO, VIDEO = MediaKind.AUDIO, MediaKind.VIDEO
BASELINE_1 = "packetization-mode=1;profile-level-id=42e01f"
BASELINE_0 = "packetization-mode=0;profile-level-id=42e01f"
MAIN = "packetization-mode=1;profile-level-id=4d001f"


def h264(fmtp: str, payload_type: int = 102) -> CodecParameters:
    return CodecParameters("video/H264", 90_000, 1, fmtp, payload_type, payload_type + 1)


def identity(fmtp: str) -> CodecIdentity:
    found = identify(VIDEO, "H264", 90_000, 1, fmtp)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "name", "clock_rate", "channels", "fmtp"),
    [
        (AUDIO, "opus", 48_000, 2, ""),
        (AUDIO, "OPUS", 48_000, 2, "stereo=1"),
        (VIDEO, "VP8", 90_000, 1, ""),
        (VIDEO, "VP9", 90_000, 1, ""),
        (VIDEO, "VP9", 90_000, 1, "profile-id=2"),
        (VIDEO, "AV1", 90_000, 1, "level-idx=5;profile=0;tier=0"),
        (VIDEO, "H264", 90_000, 1, BASELINE_1),
        (VIDEO, "h264", 90_000, 1, "Profile-Level-Id=640c1f; packetization-mode=1"),
    ],
)
def test_these_codecs_are_forwarded(kind: MediaKind, name: str, clock_rate: int, channels: int, fmtp: str) -> None:
    assert identify(kind, name, clock_rate, channels, fmtp) is not None


@pytest.mark.parametrize(
    ("kind", "name", "clock_rate", "channels", "fmtp"),
    [
        (AUDIO, "opus", 48_000, 1, ""),
        (AUDIO, "PCMU", 8_000, 1, ""),
        (AUDIO, "red", 48_000, 2, "111/111"),
        (AUDIO, "VP8", 90_000, 1, ""),
        (VIDEO, "rtx", 90_000, 1, "apt=96"),
        (VIDEO, "H265", 90_000, 1, ""),
        (VIDEO, "VP8", 48_000, 1, ""),
        (VIDEO, "VP9", 90_000, 1, "profile-id=1"),
        (VIDEO, "AV1", 90_000, 1, "profile=1"),
        (VIDEO, "H264", 90_000, 1, "packetization-mode=2;profile-level-id=42e01f"),
        (VIDEO, "H264", 90_000, 1, "profile-level-id=zz001f"),
        (VIDEO, "H264", 90_000, 1, "profile-level-id=f4001f"),
        (VIDEO, "H264", 90_000, 1, "profile-level-id=42"),
    ],
)
def test_these_are_not(kind: MediaKind, name: str, clock_rate: int, channels: int, fmtp: str) -> None:
    assert identify(kind, name, clock_rate, channels, fmtp) is None


def test_h264_levels_and_baseline_variants_are_one_codec_and_profiles_are_not() -> None:
    assert identity(BASELINE_1) == identity("packetization-mode=1;profile-level-id=42001f")
    assert identity(BASELINE_1) == identity("packetization-mode=1;profile-level-id=42e034")
    assert identity(BASELINE_1) != identity(MAIN)


def test_a_receiver_of_packetization_mode_1_shows_mode_0_but_not_the_other_way_round() -> None:
    assert can_show(identity(BASELINE_0), identity(BASELINE_1))
    assert not can_show(identity(BASELINE_1), identity(BASELINE_0))
    assert not can_show(identity("packetization-mode=0;profile-level-id=4d001f"), identity(BASELINE_1))


def test_payload_types_map_by_codec_and_prefer_the_exact_match() -> None:
    source = (CodecParameters("video/VP8", 90_000, 1, "", 120), h264(BASELINE_0, 126), h264(BASELINE_1, 97), h264(MAIN, 50))
    sink = (h264(BASELINE_1, 102), h264(BASELINE_0, 104), CodecParameters("video/VP8", 90_000, 1, "", 96))
    assert map_payload_types(source, sink) == {120: 96, 126: 104, 97: 102}


def test_extensions_map_by_uri_but_neither_mid_nor_the_clock_of_the_publisher() -> None:
    source = {codecs.MID_URI: 4, codecs.AUDIO_LEVEL_URI: 1, codecs.TOFFSET_URI: 14, codecs.ABS_SEND_TIME_URI: 5}
    sink = {codecs.MID_URI: 1, codecs.AUDIO_LEVEL_URI: 2, codecs.ABS_SEND_TIME_URI: 3}
    assert map_extensions(source, sink) == {1: 2}


def test_negotiation_keeps_the_peers_order_without_unknown_codecs_and_pairs_rtx() -> None:
    ulpfec = SdpCodec(127, "ulpfec", 90_000)
    vp9 = SdpCodec(98, "VP9", 90_000, fmtp="profile-id=0")
    found = negotiated_codecs(VIDEO, section("0", codecs=(vp9, ulpfec, VP8, VP8_RTX)))
    assert [(codec.mime_type, codec.payload_type, codec.rtx_payload_type) for codec in found] == [
        ("video/VP9", 98, None),
        ("video/VP8", 96, 97),
    ]


def test_h264_profiles_that_few_can_decode_are_put_last() -> None:
    found = negotiated_codecs(VIDEO, section("0", codecs=(H264_HIGH, VP8, VP8_RTX)))
    assert [codec.payload_type for codec in found] == [96, 102]


def test_described_feedback_is_ours_and_never_more_than_was_offered() -> None:
    offered = section("0", codecs=(SdpCodec(96, "VP8", 90_000, feedback=("transport-cc", "nack pli")), VP8_RTX))
    vp8, rtx = codecs.describe_codecs(VIDEO, negotiated_codecs(VIDEO, offered), offered)
    assert vp8.feedback == ("nack pli",)
    assert (rtx.name, rtx.fmtp, rtx.feedback) == ("rtx", "apt=96", ())


def test_our_own_description_has_all_our_feedback_and_never_transport_cc() -> None:
    vp8 = codecs.describe_codecs(VIDEO, negotiated_codecs(VIDEO, section("0")))[0]
    assert vp8.feedback == ("nack", "nack pli", "ccm fir", "goog-remb")


def test_rtx_of_an_unreadable_apt_is_passed_over() -> None:
    broken = SdpCodec(97, "rtx", 90_000, fmtp="apt=x")
    assert negotiated_codecs(VIDEO, section("0", codecs=(VP8, broken)))[0].rtx_payload_type is None


def test_extensions_are_accepted_in_the_direction_in_which_media_flows() -> None:
    offered = section(
        "0",
        "audio",
        codecs=(OPUS,),
        extensions=(
            SdpExtension(1, codecs.AUDIO_LEVEL_URI),
            SdpExtension(2, codecs.MID_URI, Direction.RECVONLY),
            SdpExtension(15, codecs.ABS_SEND_TIME_URI),
            SdpExtension(3, "urn:unknown"),
        ),
    )
    assert [known.id for known in codecs.accepted_extensions(AUDIO, offered, peer_sends=True)] == [1]
    assert [known.id for known in codecs.accepted_extensions(AUDIO, offered, peer_sends=False)] == [1, 2]


def test_abs_send_time_is_accepted_from_those_who_send_only() -> None:
    offered = section("0", extensions=(SdpExtension(2, codecs.ABS_SEND_TIME_URI),))
    assert codecs.accepted_extensions(VIDEO, offered, peer_sends=True) != ()
    assert codecs.accepted_extensions(VIDEO, offered, peer_sends=False) == ()


def test_the_dependency_descriptor_needs_extmap_allow_mixed() -> None:
    extensions = (SdpExtension(7, codecs.DEPENDENCY_DESCRIPTOR_URI),)
    allowed = section("0", extensions=extensions)
    refused = section("0", extensions=extensions, extmap_allow_mixed=False)
    assert codecs.accepted_extensions(VIDEO, allowed, peer_sends=True) == extensions
    assert codecs.accepted_extensions(VIDEO, refused, peer_sends=True) == ()
