import pytest
from tests.support.sdp_clients import (
    H264_HIGH,
    LOCAL,
    OPUS,
    VP8,
    VP8_RTX,
    declare_all,
    offer,
    section,
    seeded,
    sources_of,
)

from conclave.media import codecs
from conclave.media.parameters import Fingerprint
from conclave.media.publisher import DeclaredTrack, NegotiatedTrack, PublisherNegotiation
from conclave.media.sdp import (
    Direction,
    MediaSection,
    SdpCodec,
    SdpExtension,
    SdpRid,
    SdpSource,
    SdpSourceGroup,
    SessionDescription,
)
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import TrackSource

DATA_CHANNEL = MediaSection(
    kind="application", protocol="UDP/DTLS/SCTP", formats=("webrtc-datachannel",), mid="9", ice_ufrag="clnt", ice_pwd="c" * 24
)


def new() -> PublisherNegotiation:
    return PublisherNegotiation(TransportId("transport"), seeded())


def negotiate(
    negotiation: PublisherNegotiation, text: str, declared: dict[str, DeclaredTrack] | None = None
) -> tuple[SessionDescription, tuple[NegotiatedTrack, ...]]:
    plan = negotiation.read(text, declare_all(text) if declared is None else declared)
    return parse_sdp(negotiation.answer(plan, LOCAL)), plan.tracks


def refusal_of(text: str, declared: dict[str, DeclaredTrack] | None = None) -> Refused:
    with pytest.raises(Refused) as refusal:
        new().read(text, declare_all(text) if declared is None else declared)
    return refusal.value


def test_declared_sections_are_answered_recvonly_by_an_ice_lite_dtls_server() -> None:
    answer, tracks = negotiate(new(), offer(section("0", "audio"), section("1")))
    assert answer.ice_lite
    assert answer.bundles == (("0", "1"),)
    for answered in answer.sections:
        assert answered.direction is Direction.RECVONLY
        assert answered.setup == "passive"
        assert answered.rtcp_mux
        assert answered.candidates == LOCAL.candidates
        assert answered.end_of_candidates
        assert answered.fingerprints == (LOCAL.fingerprint,)
    assert [track.spec.mid for track in tracks] == ["0", "1"]


def test_a_sending_section_without_a_declared_track_is_forbidden_and_named() -> None:
    refused = refusal_of(offer(section("0", "audio"), section("cam")), declare_all(offer(section("0", "audio"))))
    assert refused.code is ErrorCode.FORBIDDEN
    assert "cam" in refused.detail


def test_a_sendrecv_section_counts_as_sending() -> None:
    assert refusal_of(offer(section("0", direction="sendrecv")), {}).code is ErrorCode.FORBIDDEN


def test_a_declared_microphone_cannot_send_video() -> None:
    declared = {"0": DeclaredTrack(TrackId("t"), TrackSource.MICROPHONE)}
    assert refusal_of(offer(section("0")), declared).code is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_a_section_that_does_not_send_needs_no_declaration_and_is_answered_inactive(direction: str) -> None:
    answer, tracks = negotiate(new(), offer(section("0", direction=direction)), {})
    assert answer.sections[0].direction is Direction.INACTIVE
    assert tracks == ()


def test_a_data_channel_is_rejected_and_leaves_the_bundle() -> None:
    answer, _ = negotiate(new(), offer(section("0"), DATA_CHANNEL))
    assert answer.sections[1].rejected
    assert answer.bundles == (("0",),)


def test_an_active_offer_is_answered_passive_and_a_passive_one_active() -> None:
    assert negotiate(new(), offer(section("0", setup="active")))[0].sections[0].setup == "passive"
    assert negotiate(new(), offer(section("0", setup="passive")))[0].sections[0].setup == "active"


def test_a_settled_dtls_role_outlives_a_later_actpass() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0", setup="passive")))
    text = offer(section("0", setup="actpass"))
    plan = negotiation.read(text, declare_all(text))
    assert plan.remote.setup == "passive"
    assert parse_sdp(negotiation.answer(plan, LOCAL)).sections[0].setup == "active"


@pytest.mark.parametrize("changes", [{"rtcp_mux": False}])
def test_a_sending_section_without_rtcp_mux_is_invalid(changes: dict[str, object]) -> None:
    assert refusal_of(offer(section("0", **changes))).code is ErrorCode.INVALID


def test_a_sending_section_outside_the_bundle_is_invalid() -> None:
    assert refusal_of(offer(section("0"), section("1"), bundle=("0",))).code is ErrorCode.INVALID


def test_a_silent_section_outside_the_bundle_is_rejected() -> None:
    answer, _ = negotiate(new(), offer(section("0"), section("1", direction="inactive"), bundle=("0",)))
    assert answer.sections[1].rejected


def test_a_section_without_a_mid_is_invalid() -> None:
    assert refusal_of(offer(section("0"), section("", direction="inactive"), bundle=("0",))).code is ErrorCode.INVALID


def test_a_sending_section_without_a_forwarded_codec_is_invalid() -> None:
    assert refusal_of(offer(section("0", codecs=(SdpCodec(100, "H265", 90_000),)))).code is ErrorCode.INVALID


def test_the_answer_holds_our_codecs_only_with_feedback_and_rtx() -> None:
    offered = (
        SdpCodec(45, "AV1", 90_000),
        SdpCodec(127, "ulpfec", 90_000),
        VP8,
        VP8_RTX,
        SdpCodec(125, "red", 90_000),
        H264_HIGH,
    )
    answer, tracks = negotiate(new(), offer(section("0", codecs=offered)))
    assert [codec.payload_type for codec in answer.sections[0].codecs] == [45, 96, 97, 102]
    assert answer.sections[0].formats == ("45", "96", "97", "102")
    assert answer.sections[0].codecs[1].feedback == ("nack", "nack pli", "ccm fir", "goog-remb")
    assert [codec.payload_type for codec in tracks[0].spec.codecs] == [45, 96, 102]


def test_simulcast_is_answered_without_rids_so_that_one_encoding_is_sent() -> None:
    simulcast = section("0", rids=(SdpRid("q", "send"), SdpRid("f", "send")), simulcast="send q;f")
    answer, tracks = negotiate(new(), offer(simulcast))
    assert answer.sections[0].rids == ()
    assert answer.sections[0].simulcast == ""
    assert tracks[0].spec.ssrc is None


def test_announced_ssrcs_are_taken_with_their_rtx() -> None:
    announced = section("0", sources=(SdpSource(7), SdpSource(8)), source_groups=(SdpSourceGroup("FID", (7, 8)),))
    spec = negotiate(new(), offer(announced))[1][0].spec
    assert (spec.ssrc, spec.rtx_ssrc) == (7, 8)


def test_ssrcs_of_old_style_simulcast_are_not_trusted() -> None:
    announced = section(
        "0", sources=(SdpSource(7), SdpSource(8), SdpSource(9)), source_groups=(SdpSourceGroup("SIM", (7, 8, 9)),)
    )
    assert negotiate(new(), offer(announced))[1][0].spec.ssrc is None


def test_one_ssrc_in_two_sections_is_invalid() -> None:
    text = offer(section("0", "audio", sources=sources_of(7)), section("1", sources=sources_of(7)))
    assert refusal_of(text).code is ErrorCode.INVALID


def test_header_extension_ids_reach_the_track() -> None:
    track = negotiate(new(), offer(section("0", "audio")))[1][0]
    assert (track.spec.mid_ext_id, track.spec.audio_level_ext_id) == (4, 1)
    assert track.extensions == {codecs.AUDIO_LEVEL_URI: 1, codecs.MID_URI: 4}


def test_a_re_offer_adds_and_ends_sections() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0", "audio"), section("1")))
    text = offer(section("0", "audio", direction="inactive"), section("1"), section("2"))
    plan = negotiation.read(text, declare_all(text))
    assert plan.ended == ("0",)
    assert [track.spec.mid for track in plan.tracks] == ["1", "2"]
    assert not plan.initial
    assert not plan.ice_restart


def test_a_stopped_section_ends_its_track_and_is_answered_with_port_0() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0", "audio"), section("1")))
    text = offer(section("0", "audio"), section("1", port=0))
    plan = negotiation.read(text, declare_all(text))
    assert plan.ended == ("1",)
    assert parse_sdp(negotiation.answer(plan, LOCAL)).sections[1].rejected


def test_changed_ice_credentials_are_a_restart() -> None:
    negotiation = new()
    text = offer(section("0"))
    assert negotiation.read(text, declare_all(text)).initial
    negotiate(negotiation, text)
    restarted = offer(section("0", ice_ufrag="newu", ice_pwd="n" * 24))
    assert negotiation.read(restarted, declare_all(restarted)).ice_restart


def test_a_changed_certificate_is_refused_on_a_live_transport() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0")))
    text = offer(section("0", fingerprints=(Fingerprint("sha-256", ":".join(["EF"] * 32)),)))
    with pytest.raises(Refused, match="fingerprints"):
        negotiation.read(text, declare_all(text))


def test_a_payload_type_may_not_be_remapped_by_a_later_offer() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0")))
    text = offer(section("0"), section("1", codecs=(SdpCodec(96, "AV1", 90_000),)))
    with pytest.raises(Refused, match="payload type 96"):
        negotiation.read(text, declare_all(text))


def test_an_extension_id_may_not_be_remapped_by_a_later_offer() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0", "audio")))
    text = offer(section("0", "audio", extensions=(SdpExtension(1, codecs.MID_URI),)))
    with pytest.raises(Refused, match="extension id 1"):
        negotiation.read(text, declare_all(text))


def test_sections_may_not_disappear_or_move() -> None:
    negotiation = new()
    negotiate(negotiation, offer(section("0", "audio"), section("1")))
    for text in (offer(section("0", "audio")), offer(section("1"), section("0", "audio"))):
        with pytest.raises(Refused):
            negotiation.read(text, declare_all(text))


def test_a_refused_offer_changes_nothing() -> None:
    negotiation = new()
    with pytest.raises(Refused):
        negotiation.read(offer(section("0", codecs=(SdpCodec(96, "AV1", 90_000),)), section("1", "audio")), {})
    plan = negotiation.read(offer(section("0")), declare_all(offer(section("0"))))
    assert plan.initial


def test_each_answer_has_the_same_session_and_the_next_version() -> None:
    negotiation = new()
    first, _ = negotiate(negotiation, offer(section("0", "audio", codecs=(OPUS,))))
    second, _ = negotiate(negotiation, offer(section("0", "audio", codecs=(OPUS,))))
    assert first.session_id == second.session_id
    assert (first.session_version, second.session_version) == (1, 2)
