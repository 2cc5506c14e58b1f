import pytest
from tests.support.sdp_clients import LOCAL, OPUS, VP8, offer, section, seeded, track

from conclave.media import codecs
from conclave.media.playback import PlaybackNegotiation
from conclave.media.sdp import Direction, SdpCodec, SdpExtension
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TransportId
from conclave.model.media import MediaKind, TrackSource

PLAYER = (section("0", "audio", "recvonly"), section("1", "video", "recvonly"))


def new(audio_slots: int = 4, video_slots: int = 4) -> PlaybackNegotiation:
    return PlaybackNegotiation(TransportId("playback"), seeded(), audio_slots=audio_slots, video_slots=video_slots)


def test_receiving_sections_become_slots_and_are_answered_sendonly() -> None:
    negotiation = new()
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(*PLAYER)), LOCAL))
    assert answer.ice_lite
    assert [answered.direction for answered in answer.sections] == [Direction.SENDONLY, Direction.SENDONLY]
    assert [answered.setup for answered in answer.sections] == ["passive", "passive"]
    assert [mid for mid, _ in negotiation.pool.mapping()] == ["0", "1"]
    video = answer.sections[1]
    assert video.rtx_ssrc_of(video.sources[0].ssrc) == video.sources[1].ssrc
    assert (negotiation.pool.slots[1].ssrc, negotiation.pool.slots[1].rtx_ssrc) == tuple(source.ssrc for source in video.sources)


def test_routes_use_the_numbers_of_the_client() -> None:
    negotiation = new()
    opus = SdpCodec(63, "opus", 48_000, 2)
    audio = section("0", "audio", "recvonly", codecs=(opus,), extensions=(SdpExtension(9, codecs.AUDIO_LEVEL_URI),))
    negotiation.answer(negotiation.read(offer(audio)), LOCAL)
    negotiation.pool.want(track("mic", TrackSource.MICROPHONE, extensions={codecs.AUDIO_LEVEL_URI: 1, codecs.MID_URI: 4}))
    negotiation.pool.assign()
    route = negotiation.pool.route(negotiation.pool.slots[0], TransportId("playback"))
    assert route.payload_types == {109: 63}
    assert route.extensions == {1: 9}


def test_a_sendrecv_section_is_answered_sendonly() -> None:
    negotiation = new()
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(section("0", direction="sendrecv"))), LOCAL))
    assert answer.sections[0].direction is Direction.SENDONLY


def test_a_section_that_only_sends_is_forbidden() -> None:
    with pytest.raises(Refused) as refusal:
        new().read(offer(section("0", direction="sendonly")))
    assert refusal.value.code is ErrorCode.FORBIDDEN


@pytest.mark.parametrize(
    ("sections", "bundle"),
    [
        ((section("0", direction="recvonly", rtcp_mux=False),), ("0",)),
        ((section("0", direction="recvonly"), section("1", direction="recvonly")), ("0",)),
        ((section("0", direction="recvonly"), section("", direction="recvonly")), ("0",)),
    ],
)
def test_what_cannot_be_bundled_is_invalid(sections: tuple[object, ...], bundle: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refusal:
        new().read(offer(*sections, bundle=bundle))  # type: ignore[arg-type]
    assert refusal.value.code is ErrorCode.INVALID


def test_an_inactive_section_gets_a_slot_that_shows_nothing() -> None:
    negotiation = new()
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(section("0", direction="inactive"))), LOCAL))
    assert answer.sections[0].direction is Direction.INACTIVE
    assert negotiation.pool.mapping() == ()


def test_sections_beyond_the_limit_of_their_kind_are_rejected() -> None:
    negotiation = new(video_slots=1)
    sections = tuple(section(str(number), direction="recvonly") for number in range(3))
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(*sections)), LOCAL))
    assert [answered.rejected for answered in answer.sections] == [False, True, True]
    assert answer.bundles == (("0",),)


def test_a_section_without_a_forwarded_codec_is_rejected() -> None:
    negotiation = new()
    sections = (PLAYER[0], section("1", direction="recvonly", codecs=(SdpCodec(100, "H265", 90_000),)))
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(*sections)), LOCAL))
    assert answer.sections[1].rejected


def test_an_extension_that_the_client_only_receives_is_answered_as_one_that_we_only_send() -> None:
    negotiation = new()
    extension = SdpExtension(6, codecs.PLAYOUT_DELAY_URI, Direction.RECVONLY)
    answer = parse_sdp(
        negotiation.answer(negotiation.read(offer(section("0", direction="recvonly", extensions=(extension,)))), LOCAL)
    )
    assert answer.sections[0].extensions == (SdpExtension(6, codecs.PLAYOUT_DELAY_URI, Direction.SENDONLY),)


def test_without_rtx_there_is_no_rtx_ssrc() -> None:
    negotiation = new()
    answer = parse_sdp(negotiation.answer(negotiation.read(offer(section("0", direction="recvonly", codecs=(VP8,)))), LOCAL))
    assert len(answer.sections[0].sources) == 1


def test_a_later_offer_restarts_ice_adds_slots_and_ends_slots() -> None:
    negotiation = new()
    plan = negotiation.read(offer(*PLAYER))
    assert plan.initial
    negotiation.answer(plan, LOCAL)
    again = (
        section("0", "audio", "recvonly", port=0),
        section("1", direction="recvonly", ice_ufrag="newu"),
        section("2", "audio", "recvonly", codecs=(OPUS,)),
    )
    plan = negotiation.read(offer(*again))
    assert plan.ice_restart
    negotiation.answer(plan, LOCAL)
    assert [mid for mid, _ in negotiation.pool.mapping()] == ["1", "2"]
    assert negotiation.pool.capacity(MediaKind.AUDIO) == 1


def test_numbers_keep_their_meaning_over_offers() -> None:
    negotiation = new()
    negotiation.answer(negotiation.read(offer(*PLAYER)), LOCAL)
    with pytest.raises(Refused, match="payload type 96"):
        negotiation.read(offer(*PLAYER, section("2", direction="recvonly", codecs=(SdpCodec(96, "AV1", 90_000),))))
