import random

import pytest
from tests.support.media_rooms import ANN, BOB, CAT, Room
from tests.support.sdp_clients import offer, section

from conclave.media.commands import (
    MuteTrack,
    OpenTransport,
)
from conclave.media.notices import (
    SlotsChanged,
    SpeakersChanged,
    TransportStateChanged,
)
from conclave.media.room import RoomLimits
from conclave.media.speakers import AudioLevel
from conclave.model.errors import Refused
from conclave.model.ids import ParticipantId, TrackId, TransportId
from conclave.model.media import TrackSource


@pytest.fixture
def meeting() -> Room:
    return Room()


def test_a_failed_publisher_transport_takes_its_tracks_from_everybody(meeting: Room) -> None:
    meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    (transport_id,) = [transport_id for transport_id, role in meeting.open.items() if role == "publisher"]
    meeting.room.on_transport_state(transport_id, "failed", "consent_expired", meeting.now)
    meeting.take()
    assert meeting.tracks == set()
    assert meeting.shown(BOB) == set()
    assert TransportStateChanged(ANN, "publisher", "failed", "consent_expired") in meeting.seen
    meeting.publish(ANN)
    meeting.settle()
    assert len(meeting.shown(BOB)) == 2


def test_a_connected_transport_is_told_and_nothing_else_happens(meeting: Room) -> None:
    meeting.publish(ANN)
    meeting.take()
    (transport_id,) = meeting.open
    meeting.room.on_transport_state(transport_id, "connected", "", 0.0)
    assert meeting.take() == [TransportStateChanged(ANN, "publisher", "connected")]
    meeting.room.on_transport_state(TransportId("ghost"), "failed", "", 0.0)
    assert meeting.take() == []


def test_a_failed_subscriber_transport_empties_the_slots_and_waits_for_the_client(meeting: Room) -> None:
    meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    (transport_id,) = [transport_id for transport_id, role in meeting.open.items() if role == "subscriber"]
    meeting.room.on_transport_state(transport_id, "closed", "closed_by_peer", meeting.now)
    effects = meeting.take()
    assert SlotsChanged(BOB, ()) in effects
    assert effects[-1] == TransportStateChanged(BOB, "subscriber", "closed", "closed_by_peer")
    assert meeting.room.slots(BOB) == ()
    assert meeting.room.next_timer() is None


def test_leaving_takes_everything_away(meeting: Room) -> None:
    meeting.publish(ANN)
    meeting.publish(BOB)
    meeting.room.auto_subscribe(ANN, True, 0.0)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    meeting.room.leave(ANN, meeting.now)
    meeting.room.leave(CAT, meeting.now)
    meeting.take()
    assert meeting.shown(BOB) == set()
    assert sorted(meeting.open.values()) == ["publisher", "subscriber"]
    meeting.room.close(meeting.now)
    meeting.take()
    assert (meeting.open, meeting.tracks, meeting.senders) == ({}, set(), set())


def speak(meeting: Room, track_id: TrackId, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        meeting.now += 0.1
        meeting.room.on_audio_levels([AudioLevel(track_id, 25, 20)], meeting.now)


def test_speakers_are_participants_and_only_microphones_count(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    screen_audio = meeting.room.declare(BOB, "0", TrackSource.SCREEN_AUDIO)
    meeting.room.publisher_offer(BOB, offer(section("0", "audio")), 0.0)
    meeting.take()
    speak(meeting, screen_audio, 1.0)
    speak(meeting, TrackId("ghost"), 1.0)
    assert meeting.take() == []
    speak(meeting, microphone, 1.0)
    assert meeting.take() == [SpeakersChanged((ANN,))]
    assert meeting.room.speakers == (ANN,)


def test_a_muted_or_departed_speaker_speaks_no_more(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    speak(meeting, microphone, 1.0)
    meeting.take()
    meeting.room.mute(microphone, True)
    assert meeting.take() == [SpeakersChanged(()), MuteTrack(microphone, True)][::-1]
    speak(meeting, microphone, 1.0)
    meeting.room.mute(microphone, False)
    speak(meeting, microphone, 1.0)
    meeting.take()
    meeting.room.leave(ANN, meeting.now)
    assert SpeakersChanged(()) in meeting.take()


def test_a_storm_of_fifty_joins_takes_each_subscriber_four_offers_at_most(meeting: Room) -> None:
    everyone = [ParticipantId(f"p{number}") for number in range(50)]
    for who in everyone:
        meeting.room.auto_subscribe(who, True, meeting.now)
        meeting.publish(who)
        meeting.settle(0.1)
    meeting.settle()
    assert max(meeting.offers.values()) <= 4
    for who in (everyone[0], everyone[-1]):
        assert len(meeting.shown(who)) == 25 + 32
    offers = sum(meeting.offers.values())
    for who in everyone[:25]:
        meeting.room.leave(who, meeting.now)
    meeting.settle()
    assert sum(meeting.offers.values()) == offers
    assert len(meeting.shown(everyone[-1])) == 24 * 2


def test_whatever_happens_the_plane_is_told_only_what_it_can_perform() -> None:
    chance = random.Random(11)
    meeting = Room(RoomLimits(audio_slots=4, video_slots=4))
    everyone = [ParticipantId(f"p{number}") for number in range(6)]
    for _ in range(400):
        who = chance.choice(everyone)
        live = sorted(meeting.tracks)
        action = chance.randrange(10)
        try:
            if action == 0:
                meeting.room.auto_subscribe(who, chance.random() < 0.7, meeting.now)
            elif action == 1:
                meeting.publish(who)
            elif action == 2 and live:
                meeting.room.unpublish(who, chance.choice(live), meeting.now)
            elif action == 3 and live:
                meeting.room.subscribe(who, chance.sample(live, min(3, len(live))), meeting.now)
            elif action == 4 and live:
                meeting.room.unsubscribe(who, chance.sample(live, min(3, len(live))), meeting.now)
            elif action == 5 and live:
                meeting.room.mute(chance.choice(live), chance.random() < 0.5)
            elif action == 6 and meeting.open:
                state = chance.choice(("connected", "failed", "closed"))
                meeting.room.on_transport_state(chance.choice(sorted(meeting.open)), state, "", meeting.now)
            elif action == 7:
                meeting.room.subscriber_restart(who, meeting.now)
            elif action == 8:
                levels = [AudioLevel(track_id, chance.choice((20, 127)), 20) for track_id in live]
                meeting.room.on_audio_levels(levels, meeting.now)
            elif chance.random() < 0.3:
                meeting.room.leave(who, meeting.now)
        except Refused:
            pass
        meeting.settle(0.2)
        assert set(meeting.routes) == meeting.senders
    meeting.room.close(meeting.now)
    meeting.take()
    assert (meeting.open, meeting.tracks, meeting.senders) == ({}, set(), set())


def test_a_sibling_is_on_the_same_lane_and_knows_nothing_of_the_room(meeting: Room) -> None:
    track = meeting.publish(ANN)[0]
    sibling = meeting.room.sibling()
    with pytest.raises(Refused, match="no such track"):
        sibling.subscribe(BOB, [track], 0.0)
    lanes = []
    for room in (meeting.room, sibling):
        room.auto_subscribe(BOB, True, 0.0)
        lanes += [effect.lane for effect in room.take_effects() if isinstance(effect, OpenTransport)]
    assert len(set(lanes)) == 1
    assert sibling.speakers == ()
