import pytest
from tests.support.media_rooms import ANN, BOB, CAT, Room, refused
from tests.support.sdp_clients import offer, section

from conclave.media.commands import (
    OpenTransport,
    RestartIce,
)
from conclave.media.notices import (
    OfferReady,
    TracksUnsupported,
    TransportStateChanged,
)
from conclave.media.room import RoomLimits
from conclave.media.sdp import SdpCodec
from conclave.media.sdp_parse import parse_sdp
from conclave.media.speakers import AudioLevel
from conclave.media.subscriber import ANSWER_TIMEOUT_S
from conclave.model.errors import ErrorCode
from conclave.model.ids import ParticipantId, TrackId
from conclave.model.media import TrackSource


@pytest.fixture
def meeting() -> Room:
    return Room()


def test_auto_subscription_shows_what_is_there_and_what_comes(meeting: Room) -> None:
    first = meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, meeting.now)
    meeting.settle()
    assert meeting.shown(BOB) == set(first)
    second = meeting.publish(CAT)
    meeting.settle()
    assert meeting.shown(BOB) == {*first, *second}
    assert meeting.offers[BOB] == 1


def test_auto_subscription_offers_slots_before_there_is_any_track(meeting: Room) -> None:
    meeting.room.auto_subscribe(BOB, True, 0.0)
    effects = meeting.take()
    assert [type(effect) for effect in effects] == [OpenTransport, TransportStateChanged, OfferReady]


def test_nobody_receives_their_own_tracks(meeting: Room) -> None:
    tracks = meeting.publish(ANN)
    meeting.room.auto_subscribe(ANN, True, 0.0)
    meeting.settle()
    meeting.publish(ANN, offer(section("0", "audio"), section("1"), section("2")))
    meeting.settle()
    assert meeting.shown(ANN) == set()
    assert refused(meeting.room.subscribe, ANN, tracks, meeting.now) is ErrorCode.FORBIDDEN


def test_subscribing_to_what_is_not_live_is_refused_and_changes_nothing(meeting: Room) -> None:
    tracks = meeting.publish(ANN)
    assert refused(meeting.room.subscribe, BOB, [tracks[0], TrackId("ghost")], 0.0) is ErrorCode.NOT_FOUND
    declared = meeting.room.declare(ANN, "7", TrackSource.CAMERA)
    assert refused(meeting.room.subscribe, BOB, [declared], 0.0) is ErrorCode.NOT_FOUND
    meeting.settle()
    assert meeting.shown(BOB) == set()


def test_subscribing_and_unsubscribing_one_by_one(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.room.subscribe(BOB, [camera], 0.0)
    meeting.settle()
    assert meeting.shown(BOB) == {camera}
    meeting.room.subscribe(BOB, [microphone], meeting.now)
    meeting.room.unsubscribe(BOB, [camera, TrackId("ghost")], meeting.now)
    meeting.settle()
    assert meeting.shown(BOB) == {microphone}


def test_what_was_unsubscribed_stays_away_in_spite_of_auto_subscription(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.room.unsubscribe(BOB, [camera], 0.0)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    assert meeting.shown(BOB) == {microphone}
    meeting.room.subscribe(BOB, [camera], meeting.now)
    meeting.settle()
    assert meeting.shown(BOB) == {microphone, camera}


def test_an_answer_to_nothing_is_a_conflict(meeting: Room) -> None:
    assert refused(meeting.room.subscriber_answer, BOB, 1, "x", 0.0) is ErrorCode.CONFLICT


def test_a_subscriber_restart_offers_new_credentials(meeting: Room) -> None:
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    first = meeting.of(OfferReady)[0]
    meeting.room.subscriber_restart(BOB, meeting.now)
    restart, second = meeting.take()
    assert isinstance(first, OfferReady)
    assert isinstance(second, OfferReady)
    assert isinstance(restart, RestartIce)
    before, after = parse_sdp(first.sdp).sections[0], parse_sdp(second.sdp).sections[0]
    assert (before.ice_ufrag, before.fingerprints) == (restart.old_ufrag, after.fingerprints)
    assert after.ice_ufrag != before.ice_ufrag


def test_an_outstanding_offer_is_sent_again_to_a_client_that_came_back(meeting: Room) -> None:
    meeting.room.auto_subscribe(BOB, True, 0.0)
    sent = [effect for effect in meeting.take() if isinstance(effect, OfferReady)]
    meeting.room.resume(BOB, 5.0)
    assert meeting.take() == sent
    meeting.room.resume(CAT, 5.0)
    assert meeting.take() == []


def test_a_client_that_never_answers_loses_its_receiving_connection_and_may_ask_for_another(meeting: Room) -> None:
    meeting.room.auto_subscribe(BOB, True, 0.0)
    now = 0.0
    for _ in range(3):
        timer = meeting.room.next_timer()
        assert timer is not None
        now = max(now + ANSWER_TIMEOUT_S, timer)
        meeting.room.poll(now)
    meeting.take()
    assert meeting.open == {}
    assert meeting.seen[-1] == TransportStateChanged(BOB, "subscriber", "failed", "unanswered")
    revisions = [effect.revision for effect in meeting.of(OfferReady) if isinstance(effect, OfferReady)]
    assert revisions == [1, 2, 3]
    meeting.publish(ANN)
    meeting.take()
    assert len(meeting.of(OfferReady)) == 3
    meeting.now = now
    meeting.room.subscriber_restart(BOB, now)
    meeting.settle()
    assert len(meeting.shown(BOB)) == 2
    assert meeting.of(OfferReady)[-1].revision == 4  # type: ignore[union-attr]


PLAYER_OFFER = offer(section("0", "audio", "recvonly"), section("1", direction="recvonly"))


def test_a_playback_offer_is_answered_and_shows_wanted_tracks_in_its_sections(meeting: Room) -> None:
    tracks = meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    answered = parse_sdp(meeting.room.playback_offer(BOB, PLAYER_OFFER, 0.0))
    meeting.take()
    assert [found.direction.value for found in answered.sections] == ["sendonly", "sendonly"]
    assert meeting.room.slots(BOB) == (("0", tracks[0]), ("1", tracks[1]))
    assert sorted(meeting.open.values()) == ["publisher", "subscriber"]
    assert meeting.room.next_timer() is None


def test_a_playback_offer_cannot_take_the_place_of_an_answered_connection(meeting: Room) -> None:
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    assert refused(meeting.room.playback_offer, BOB, PLAYER_OFFER, meeting.now) is ErrorCode.CONFLICT


def test_a_refused_playback_offer_leaves_nothing_behind(meeting: Room) -> None:
    assert refused(meeting.room.playback_offer, BOB, offer(section("0")), 0.0) is ErrorCode.FORBIDDEN
    assert meeting.take() == []


def test_a_player_restarts_ice_by_its_own_offer_only(meeting: Room) -> None:
    meeting.room.playback_offer(BOB, PLAYER_OFFER, 0.0)
    meeting.take()
    assert refused(meeting.room.subscriber_restart, BOB, 0.0) is ErrorCode.CONFLICT
    assert refused(meeting.room.subscriber_answer, BOB, 1, "x", 0.0) is ErrorCode.CONFLICT
    restarted = offer(section("0", "audio", "recvonly", ice_ufrag="newu"), section("1", direction="recvonly", ice_ufrag="newu"))
    meeting.room.playback_offer(BOB, restarted, 0.0)
    assert [type(effect) for effect in meeting.take()] == [RestartIce]


def test_a_track_that_a_client_cannot_decode_is_told_to_it(meeting: Room) -> None:
    av1 = offer(section("0", codecs=(SdpCodec(45, "AV1", 90_000),)))
    (track_id,) = meeting.publish(ANN, av1)
    meeting.room.playback_offer(BOB, PLAYER_OFFER, 0.0)
    meeting.room.subscribe(BOB, [track_id], 0.0)
    assert TracksUnsupported(BOB, frozenset({track_id})) in meeting.take()


def test_with_fewer_slots_than_people_whoever_speaks_or_unmutes_is_heard() -> None:
    meeting = Room(RoomLimits(audio_slots=2, video_slots=2))
    meeting.room.auto_subscribe(BOB, True, 0.0)
    everyone = [ParticipantId(f"p{number}") for number in range(5)]
    microphones, cameras = zip(*(meeting.publish(who) for who in everyone), strict=True)
    meeting.settle()
    assert meeting.shown(BOB) == {*microphones[:2], *cameras[:2]}
    for _ in range(10):
        meeting.now += 0.1
        meeting.room.on_audio_levels([AudioLevel(microphones[4], 20, 15)], meeting.now)
    meeting.take()
    assert meeting.shown(BOB) == {microphones[0], microphones[4], cameras[0], cameras[4]}
    meeting.room.mute(microphones[3], True)
    meeting.room.mute(microphones[3], False)
    meeting.take()
    assert meeting.shown(BOB) == {microphones[3], microphones[4], cameras[0], cameras[4]}
    assert meeting.offers[BOB] == 1
