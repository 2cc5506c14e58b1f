import msgspec
import pytest
from tests.support.sdp_clients import LOCAL, answer, seeded, track

from conclave.media import codecs
from conclave.media.parameters import Fingerprint
from conclave.media.sdp import MAX_SDP_BYTES, Direction, SdpExtension
from conclave.media.sdp_parse import parse_sdp
from conclave.media.sdp_write import write_sdp
from conclave.media.subscriber import (
    ANSWER_TIMEOUT_S,
    MAX_UNANSWERED_OFFERS,
    OFFER_INTERVAL_S,
    OUTBOUND_CODECS,
    OUTBOUND_EXTENSION_IDS,
    RARE_CODECS,
    SubscriberNegotiation,
    rare_codecs_allowed,
)
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TransportId
from conclave.model.media import CodecParameters, MediaKind, TrackSource

H264_HIGH = CodecParameters("video/H264", 90_000, 1, "packetization-mode=1;profile-level-id=640c1f", 102, 103)


def new(audio_slots: int = 32, video_slots: int = 25) -> SubscriberNegotiation:
    return SubscriberNegotiation(TransportId("subscriber"), seeded(), audio_slots=audio_slots, video_slots=video_slots)


def want(negotiation: SubscriberNegotiation, count: int, source: TrackSource = TrackSource.CAMERA) -> None:
    for number in range(count):
        negotiation.pool.want(track(f"{source}-{number}", source))


def settle(negotiation: SubscriberNegotiation, now: float) -> int:
    """Offer and answer until nothing is due; return how many offers it took."""
    rounds = 0
    while negotiation.offer_due(now):
        made = negotiation.make_offer(LOCAL, now)
        negotiation.read_answer(made.revision, answer(made.sdp))
        negotiation.pool.assign()
        rounds += 1
        now += OFFER_INTERVAL_S
    return rounds


def refusal_of(negotiation: SubscriberNegotiation, revision: int, text: str) -> Refused:
    with pytest.raises(Refused) as refusal:
        negotiation.read_answer(revision, text)
    return refusal.value


def test_nothing_is_offered_while_nothing_is_wanted() -> None:
    negotiation = new()
    assert not negotiation.offer_due(0.0)
    assert negotiation.next_timer() is None


def test_the_first_offer_is_due_at_once() -> None:
    negotiation = new()
    want(negotiation, 1)
    assert negotiation.offer_due(0.0)
    assert negotiation.next_timer() is not None


def test_a_prepared_pool_offers_four_slots_of_each_kind_before_any_track() -> None:
    negotiation = new()
    negotiation.prepare()
    sections = parse_sdp(negotiation.make_offer(LOCAL, 0.0).sdp).sections
    assert [section.mid for section in sections] == ["a0", "a1", "a2", "a3", "v0", "v1", "v2", "v3"]


def test_an_offer_is_one_ice_lite_bundle_of_sendonly_sections_that_lets_the_client_choose_its_role() -> None:
    negotiation = new()
    negotiation.prepare()
    text = negotiation.make_offer(LOCAL, 0.0).sdp
    offered = parse_sdp(text)
    assert offered.ice_lite
    assert offered.bundles == (tuple(section.mid for section in offered.sections),)
    for section in offered.sections:
        assert section.direction is Direction.SENDONLY
        assert section.setup == "actpass"
        assert section.fingerprints == (LOCAL.fingerprint,)
        assert section.rtcp_mux
        assert len(section.msids) == 1
    assert text.count("a=ice-ufrag") == text.count("a=fingerprint") == 1
    assert {section.candidates for section in offered.sections} == {LOCAL.candidates}


def test_only_the_first_offer_repeats_the_candidates_in_every_section() -> None:
    negotiation = new()
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    negotiation.read_answer(made.revision, answer(made.sdp))
    negotiation.restart()
    later = parse_sdp(negotiation.make_offer(LOCAL, 1.0).sdp).sections
    assert later[0].candidates == LOCAL.candidates
    assert not any(section.candidates for section in later[1:])


def test_slots_have_fixed_ssrcs_and_video_an_rtx_ssrc() -> None:
    negotiation = new()
    negotiation.prepare()
    first = parse_sdp(negotiation.make_offer(LOCAL, 0.0).sdp).sections
    negotiation.read_answer(1, answer(negotiation.outstanding.sdp))  # type: ignore[union-attr]
    want(negotiation, 5)
    second = parse_sdp(negotiation.make_offer(LOCAL, 1.0).sdp).sections
    assert [section.sources for section in second[: len(first)]] == [section.sources for section in first]
    everyone = [source.ssrc for section in second for source in section.sources]
    assert len(everyone) == len(set(everyone)) == 4 + 2 * 8
    assert second[4].rtx_ssrc_of(second[4].sources[0].ssrc) == second[4].sources[1].ssrc


def test_payload_types_and_extension_ids_are_unique_in_the_bundle() -> None:
    everything = [*OUTBOUND_CODECS[MediaKind.AUDIO], *OUTBOUND_CODECS[MediaKind.VIDEO], *RARE_CODECS]
    numbers = [codec.payload_type for codec in everything] + [codec.rtx_payload_type for codec in everything]
    numbers = [number for number in numbers if number is not None]
    assert len(numbers) == len(set(numbers))
    assert len(set(OUTBOUND_EXTENSION_IDS.values())) == len(OUTBOUND_EXTENSION_IDS)
    assert all(1 <= number <= 14 for number in OUTBOUND_EXTENSION_IDS.values())


def test_an_accepted_slot_is_usable_with_what_the_client_kept() -> None:
    negotiation = new()
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    remote = negotiation.read_answer(made.revision, answer(made.sdp, only=("opus", "VP8", "AV1")))
    assert remote.setup == "active"
    video = negotiation.pool.slots[-1]
    assert [codec.mime_type for codec in video.codecs] == ["video/VP8", "video/AV1"]
    assert [codec.rtx_payload_type for codec in video.codecs] == [97, 46]
    assert video.extensions[codecs.MID_URI] == 1
    assert len(negotiation.pool.mapping()) == 8


def test_an_answer_without_rtx_makes_slots_without_rtx() -> None:
    negotiation = new(audio_slots=0)
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    answered = parse_sdp(answer(made.sdp))
    bare = tuple(
        msgspec.structs.replace(section, codecs=tuple(codec for codec in section.codecs if codec.name != "rtx"))
        for section in answered.sections
    )
    negotiation.read_answer(made.revision, write_sdp(msgspec.structs.replace(answered, sections=bare)))
    assert negotiation.pool.slots[0].sender_spec(TransportId("t")).rtx_ssrc is None


def test_an_extension_answered_under_another_id_or_unable_to_receive_is_not_used() -> None:
    negotiation = new(audio_slots=0)
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    extensions = (SdpExtension(9, codecs.MID_URI), SdpExtension(3, codecs.TOFFSET_URI, Direction.SENDONLY))
    negotiation.read_answer(made.revision, answer(made.sdp, extensions=extensions))
    assert negotiation.pool.slots[0].extensions == {}


def test_one_offer_is_outstanding_at_a_time() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    want(negotiation, 9)
    assert not negotiation.offer_due(1.0)
    negotiation.read_answer(made.revision, answer(made.sdp))
    assert negotiation.offer_due(1.0)


def test_the_next_offer_waits_for_100_ms_and_says_when() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 5.0)
    negotiation.read_answer(made.revision, answer(made.sdp))
    want(negotiation, 9)
    assert not negotiation.offer_due(5.05)
    assert negotiation.next_timer() == pytest.approx(5.1)
    assert negotiation.offer_due(5.1)


def test_fifty_tracks_take_one_offer_when_they_come_together() -> None:
    negotiation = new(audio_slots=32, video_slots=25)
    want(negotiation, 50)
    want(negotiation, 50, TrackSource.MICROPHONE)
    assert settle(negotiation, 0.0) == 1
    assert negotiation.pool.capacity(MediaKind.AUDIO) == 32
    assert negotiation.pool.capacity(MediaKind.VIDEO) == 25


def test_fifty_tracks_take_four_offers_when_they_come_one_by_one() -> None:
    negotiation = new(audio_slots=32, video_slots=25)
    offers = 0
    for number in range(1, 51):
        want(negotiation, number)
        offers += settle(negotiation, float(number))
    assert offers == 4


def test_what_is_shown_changes_without_an_offer() -> None:
    negotiation = new()
    want(negotiation, 3)
    settle(negotiation, 0.0)
    negotiation.pool.unwant(track("camera-0").spec.track_id)
    negotiation.pool.want(track("other"))
    assert not negotiation.offer_due(1.0)


def test_an_answer_of_another_revision_or_without_an_offer_is_a_conflict() -> None:
    negotiation = new()
    assert refusal_of(negotiation, 1, "x").code is ErrorCode.CONFLICT
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    assert refusal_of(negotiation, made.revision + 1, answer(made.sdp)).code is ErrorCode.CONFLICT
    negotiation.read_answer(made.revision, answer(made.sdp))
    assert refusal_of(negotiation, made.revision, answer(made.sdp)).code is ErrorCode.CONFLICT


@pytest.mark.parametrize("direction", [Direction.SENDONLY, Direction.SENDRECV])
def test_an_answer_that_would_send_is_forbidden_and_leaves_the_offer_outstanding(direction: Direction) -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    assert refusal_of(negotiation, made.revision, answer(made.sdp, direction=direction)).code is ErrorCode.FORBIDDEN
    assert negotiation.outstanding == made
    assert negotiation.pool.mapping() == ()


def test_an_answer_with_other_sections_is_invalid() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    answered = parse_sdp(answer(made.sdp))
    fewer = msgspec.structs.replace(answered, sections=answered.sections[1:], bundles=(answered.bundles[0][1:],))
    renamed = answer(made.sdp).replace("v0", "x0")
    for text in (write_sdp(fewer), renamed, "nonsense"):
        assert refusal_of(negotiation, made.revision, text).code is ErrorCode.INVALID


def test_an_answer_must_choose_its_dtls_role() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    assert refusal_of(negotiation, made.revision, answer(made.sdp, setup="actpass")).code is ErrorCode.INVALID


def test_a_later_answer_with_another_certificate_is_refused() -> None:
    negotiation = new()
    want(negotiation, 1)
    settle(negotiation, 0.0)
    want(negotiation, 9)
    made = negotiation.make_offer(LOCAL, 1.0)
    stranger = (Fingerprint("sha-256", ":".join(["EF"] * 32)),)
    assert refusal_of(negotiation, made.revision, answer(made.sdp, fingerprints=stranger)).code is ErrorCode.INVALID


@pytest.mark.parametrize("changes", [{"port": 0}, {"rtcp_mux": False}, {"direction": Direction.INACTIVE}])
def test_sections_that_the_client_does_not_take_are_no_slots(changes: dict[str, object]) -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    answered = parse_sdp(answer(made.sdp))
    refused = msgspec.structs.replace(answered.sections[1], **changes)
    sections = (answered.sections[0], refused, *answered.sections[2:])
    mids = tuple(section.mid for section in sections if not section.rejected)
    negotiation.read_answer(made.revision, write_sdp(msgspec.structs.replace(answered, sections=sections, bundles=(mids,))))
    assert [mid for mid, _ in negotiation.pool.mapping()] == ["v0", "v2", "v3"]


def reject_first(negotiation: SubscriberNegotiation, now: float, count: int) -> None:
    """Answer the next offer with its first `count` sections rejected."""
    made = negotiation.make_offer(LOCAL, now)
    answered = parse_sdp(answer(made.sdp))
    rejected = tuple(msgspec.structs.replace(section, port=0) for section in answered.sections[:count])
    sections = (*rejected, *answered.sections[count:])
    mids = tuple(section.mid for section in sections if not section.rejected)
    negotiation.read_answer(made.revision, write_sdp(msgspec.structs.replace(answered, sections=sections, bundles=(mids,))))


def test_a_rejected_section_stays_rejected_and_the_next_one_carries_the_transport() -> None:
    negotiation = new()
    want(negotiation, 4)
    reject_first(negotiation, 0.0, 1)
    negotiation.restart()
    offered = parse_sdp(negotiation.make_offer(LOCAL, 1.0).sdp)
    assert offered.sections[0].rejected
    assert offered.bundles[0][0] == "v1"
    assert offered.sections[1].candidates == LOCAL.candidates


def test_a_client_that_rejects_sections_of_a_kind_is_offered_no_more_of_it() -> None:
    negotiation = new()
    want(negotiation, 4)
    reject_first(negotiation, 0.0, 1)
    want(negotiation, 20)
    assert not negotiation.offer_due(1.0)
    want(negotiation, 1, TrackSource.MICROPHONE)
    assert negotiation.offer_due(1.0)
    made = negotiation.make_offer(LOCAL, 1.0)
    assert [section.kind for section in parse_sdp(made.sdp).sections] == ["video"] * 4 + ["audio"] * 4


def test_a_kind_that_the_client_rejects_wholly_is_unsupported() -> None:
    negotiation = new()
    negotiation.prepare()
    want(negotiation, 2)
    want(negotiation, 2, TrackSource.MICROPHONE)
    reject_first(negotiation, 0.0, 4)
    assert negotiation.pool.unsupported == {"microphone-0", "microphone-1"}
    assert not negotiation.offer_due(1.0)


def test_an_unanswered_offer_is_void_after_15_s_and_made_again_under_a_new_revision() -> None:
    negotiation = new()
    want(negotiation, 1)
    first = negotiation.make_offer(LOCAL, 0.0)
    assert negotiation.next_timer() == ANSWER_TIMEOUT_S
    assert not negotiation.timed_out(ANSWER_TIMEOUT_S - 0.1)
    assert negotiation.timed_out(ANSWER_TIMEOUT_S)
    assert negotiation.offer_due(ANSWER_TIMEOUT_S)
    second = negotiation.make_offer(LOCAL, ANSWER_TIMEOUT_S)
    assert second.revision == first.revision + 1
    assert refusal_of(negotiation, first.revision, answer(first.sdp)).code is ErrorCode.CONFLICT
    negotiation.read_answer(second.revision, answer(second.sdp))
    assert not negotiation.given_up


def test_three_unanswered_offers_are_enough() -> None:
    negotiation = new()
    want(negotiation, 1)
    now = 0.0
    for _ in range(MAX_UNANSWERED_OFFERS):
        assert not negotiation.given_up
        negotiation.make_offer(LOCAL, now)
        now += ANSWER_TIMEOUT_S
        assert negotiation.timed_out(now)
    assert negotiation.given_up


def test_a_client_that_came_back_gets_the_time_for_an_answer_again() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    negotiation.extend_deadline(14.0)
    assert not negotiation.timed_out(ANSWER_TIMEOUT_S)
    assert negotiation.outstanding == made


def test_a_restart_asks_for_an_offer_even_without_new_tracks() -> None:
    negotiation = new()
    want(negotiation, 1)
    settle(negotiation, 0.0)
    assert not negotiation.offer_due(1.0)
    negotiation.restart()
    assert negotiation.offer_due(1.0)
    negotiation.make_offer(LOCAL, 1.0)
    assert not negotiation.restart_wanted


def test_a_restart_without_any_slot_offers_nothing() -> None:
    negotiation = new()
    negotiation.restart()
    assert not negotiation.offer_due(0.0)
    assert negotiation.next_timer() is None


def test_a_rare_codec_is_offered_from_the_moment_a_track_comes_in_it() -> None:
    negotiation = new()
    want(negotiation, 1)
    settle(negotiation, 0.0)
    negotiation.pool.want(track("high", offered=(H264_HIGH,)))
    assert negotiation.pool.unsupported == {"high"}
    assert negotiation.offer_due(1.0)
    settle(negotiation, 1.0)
    assert negotiation.pool.unsupported == frozenset()
    assert "high" in dict(negotiation.pool.mapping()).values()
    assert not negotiation.offer_due(2.0)


def test_a_client_without_the_rare_codec_is_not_asked_again() -> None:
    negotiation = new()
    negotiation.pool.want(track("high", offered=(H264_HIGH,)))
    made = negotiation.make_offer(LOCAL, 0.0)
    negotiation.read_answer(made.revision, answer(made.sdp, only=("VP8",)))
    assert negotiation.pool.unsupported == {"high"}
    assert not negotiation.offer_due(1.0)


def test_rare_codecs_are_limited_by_the_size_of_the_answer_to_a_full_pool() -> None:
    assert rare_codecs_allowed(4, 4) == len(RARE_CODECS)
    assert rare_codecs_allowed(32, 25) < len(RARE_CODECS)
    assert rare_codecs_allowed(64, 64) == 0


def test_a_full_offer_and_its_answer_stay_below_the_limit_of_a_description() -> None:
    negotiation = new()
    want(negotiation, 50)
    want(negotiation, 50, TrackSource.MICROPHONE)
    made = negotiation.make_offer(LOCAL, 0.0)
    assert len(made.sdp) < MAX_SDP_BYTES
    assert len(answer(made.sdp)) < MAX_SDP_BYTES


def test_a_client_that_writes_long_answers_gets_fewer_slots() -> None:
    negotiation = new()
    want(negotiation, 1)
    made = negotiation.make_offer(LOCAL, 0.0)
    padding = "".join(f"a=x:{'y' * 1_000}\r\n" for _ in range(3))
    negotiation.read_answer(made.revision, answer(made.sdp).replace("a=recvonly\r\n", "a=recvonly\r\n" + padding))
    want(negotiation, 50)
    negotiation.make_offer(LOCAL, 1.0)
    assert 4 < negotiation.pool.capacity(MediaKind.VIDEO) < 16


def test_revisions_continue_where_an_earlier_connection_ended() -> None:
    negotiation = SubscriberNegotiation(TransportId("subscriber"), seeded(), audio_slots=4, video_slots=4, first_revision=8)
    negotiation.prepare()
    assert negotiation.make_offer(LOCAL, 0.0).revision == 8
