import random
from collections import Counter

import pytest
from tests.support.sdp_clients import answer, offer, section, seeded, sources_of

from conclave.media.certificate import CertificateRotation
from conclave.media.commands import (
    AddSender,
    AddTrack,
    CloseTransport,
    MuteTrack,
    OpenTransport,
    RemoveSender,
    RemoveTrack,
    RestartIce,
    SetRemb,
    SetRoute,
    UpdateTrack,
)
from conclave.media.notices import (
    OfferReady,
    SlotsChanged,
    SpeakersChanged,
    TrackGone,
    TrackLive,
    TracksUnsupported,
    TransportStateChanged,
)
from conclave.media.parameters import Candidate
from conclave.media.room import Effect, MediaRoom, RoomLimits
from conclave.media.sdp import SdpCodec
from conclave.media.sdp_parse import parse_sdp
from conclave.media.speakers import AudioLevel
from conclave.media.subscriber import ANSWER_TIMEOUT_S
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId, TrackId, TransportId
from conclave.model.media import TrackSource

ANN, BOB, CAT = ParticipantId("ann"), ParticipantId("bob"), ParticipantId("cat")
AV_OFFER = offer(section("0", "audio"), section("1"))
CERTIFICATES = CertificateRotation(seeded())


class Room:
    """A MediaRoom with clients that answer every offer, and a plane that remembers what it was told."""

    def __init__(self, limits: RoomLimits | None = None) -> None:
        self.room = MediaRoom(3, (Candidate("udp", "127.0.0.1", 7000),), CERTIFICATES.current, seeded(), limits)
        self.now = 0.0
        self.offers: Counter[ParticipantId] = Counter()
        self.seen: list[Effect] = []
        self.senders: set[tuple[TransportId, str]] = set()
        self.routes: dict[tuple[TransportId, str], TrackId | None] = {}
        self.tracks: set[TrackId] = set()
        self.open: dict[TransportId, str] = {}

    def take(self) -> list[Effect]:
        """Take the effects, check that the plane can perform each, and return them."""
        effects = self.room.take_effects()
        for effect in effects:
            self._perform(effect)
        self.seen += effects
        return effects

    def _perform(self, effect: Effect) -> None:
        match effect:
            case OpenTransport(transport, _):
                assert transport.transport_id not in self.open
                self.open[transport.transport_id] = transport.role_name
            case CloseTransport(transport_id):
                del self.open[transport_id]
                assert not any(key[0] == transport_id for key in self.senders)
            case AddTrack(spec):
                assert spec.track_id not in self.tracks
                assert spec.transport_id in self.open
                self.tracks.add(spec.track_id)
            case RemoveTrack(track_id):
                self.tracks.remove(track_id)
                assert track_id not in self.routes.values()
            case MuteTrack(track_id, _):
                assert track_id in self.tracks
            case AddSender(spec, _):
                assert (spec.transport_id, spec.mid) not in self.senders
                self.senders.add((spec.transport_id, spec.mid))
                self.routes[spec.transport_id, spec.mid] = None
            case RemoveSender(transport_id, mid):
                self.senders.remove((transport_id, mid))
                del self.routes[transport_id, mid]
            case SetRoute(spec):
                assert (spec.transport_id, spec.mid) in self.senders
                assert spec.track_id is None or spec.track_id in self.tracks
                assert self.routes[spec.transport_id, spec.mid] != spec.track_id or spec.track_id is not None
                self.routes[spec.transport_id, spec.mid] = spec.track_id

    def settle(self, seconds: float = 1.0) -> None:
        """Let time pass; every client answers every offer at once."""
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            self.room.poll(self.now)
            while effects := self.take():
                for effect in effects:
                    if isinstance(effect, OfferReady):
                        self.offers[effect.participant_id] += 1
                        self.room.subscriber_answer(effect.participant_id, effect.revision, answer(effect.sdp), self.now)

    def publish(self, who: ParticipantId, text: str = AV_OFFER) -> list[TrackId]:
        sources = {"audio": TrackSource.MICROPHONE, "video": TrackSource.CAMERA}
        sections = [found for found in parse_sdp(text).sections if found.sends]
        tracks = [self.room.declare(who, found.mid, sources[found.kind]) for found in sections]
        self.room.publisher_offer(who, text, self.now)
        return tracks

    def shown(self, who: ParticipantId) -> set[TrackId]:
        return {track_id for _, track_id in self.room.slots(who) if track_id is not None}

    def of(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.seen if isinstance(effect, kind)]


@pytest.fixture
def meeting() -> Room:
    return Room()


def refused(call: object, *arguments: object) -> ErrorCode:
    with pytest.raises(Refused) as refusal:
        call(*arguments)  # type: ignore[operator]
    return refusal.value.code


def test_publishing_opens_a_transport_adds_tracks_caps_them_and_puts_them_on_the_roster(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    effects = meeting.take()
    assert [type(effect) for effect in effects] == [
        OpenTransport,
        TransportStateChanged,
        AddTrack,
        TrackLive,
        AddTrack,
        TrackLive,
        SetRemb,
    ]
    assert isinstance(effects[0], OpenTransport)
    assert effects[0].lane == 3
    assert effects[3] == TrackLive(microphone, ANN, TrackSource.MICROPHONE, False)
    assert isinstance(effects[-1], SetRemb)
    assert effects[-1].bitrate_bps == 2_500_000 + 128_000
    assert meeting.tracks == {microphone, camera}


def test_a_refused_offer_leaves_nothing_behind(meeting: Room) -> None:
    assert refused(meeting.room.publisher_offer, ANN, AV_OFFER, 0.0) is ErrorCode.FORBIDDEN
    assert meeting.take() == []
    meeting.publish(ANN)
    assert len(meeting.tracks) == 0
    meeting.take()
    assert len(meeting.tracks) == 2


def test_declaring_the_same_twice_gives_the_same_track_and_something_else_is_a_conflict(meeting: Room) -> None:
    first = meeting.room.declare(ANN, "0", TrackSource.MICROPHONE)
    assert meeting.room.declare(ANN, "0", TrackSource.MICROPHONE) == first
    assert refused(meeting.room.declare, ANN, "0", TrackSource.CAMERA) is ErrorCode.CONFLICT


def test_a_participant_publishes_at_most_eight_tracks(meeting: Room) -> None:
    for number in range(8):
        meeting.room.declare(ANN, str(number), TrackSource.CAMERA)
    assert refused(meeting.room.declare, ANN, "8", TrackSource.CAMERA) is ErrorCode.TOO_LARGE


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


def test_unpublishing_takes_a_track_from_everybody_before_it_is_removed(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    meeting.room.unpublish(ANN, camera, meeting.now)
    effects = meeting.take()
    assert [type(effect) for effect in effects] == [SetRoute, SlotsChanged, RemoveTrack, TrackGone, SetRemb]
    assert meeting.shown(BOB) == {microphone}
    assert refused(meeting.room.publisher_offer, ANN, AV_OFFER, meeting.now) is ErrorCode.FORBIDDEN


def test_only_ones_own_track_can_be_unpublished(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    assert refused(meeting.room.unpublish, BOB, microphone, 0.0) is ErrorCode.NOT_FOUND
    assert refused(meeting.room.unpublish, BOB, TrackId("ghost"), 0.0) is ErrorCode.NOT_FOUND


def test_a_track_can_be_declared_anew_for_the_section_of_an_unpublished_one(meeting: Room) -> None:
    _, camera = meeting.publish(ANN)
    meeting.room.unpublish(ANN, camera, 0.0)
    again = meeting.room.declare(ANN, "1", TrackSource.CAMERA)
    assert again != camera
    meeting.room.publisher_offer(ANN, AV_OFFER, 0.0)
    meeting.take()
    assert again in meeting.tracks
    assert camera not in meeting.tracks


def test_a_re_offer_that_ends_a_section_ends_its_track(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.take()
    meeting.room.publisher_offer(ANN, offer(section("0", "audio"), section("1", direction="inactive")), 0.0)
    effects = meeting.take()
    assert TrackGone(camera, ANN) in effects
    assert meeting.tracks == {microphone}


def test_an_ssrc_that_is_announced_later_updates_the_track(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    meeting.take()
    meeting.room.publisher_offer(ANN, offer(section("0", "audio", sources=sources_of(77)), section("1")), 0.0)
    (update,) = meeting.take()
    assert isinstance(update, UpdateTrack)
    assert (update.spec.track_id, update.spec.ssrc) == (microphone, 77)


def test_a_publisher_ice_restart_changes_our_credentials_too(meeting: Room) -> None:
    meeting.publish(ANN)
    before = parse_sdp(meeting.room.publisher_offer(ANN, AV_OFFER, 0.0)).sections[0]
    meeting.take()
    text = offer(section("0", "audio", ice_ufrag="newu", ice_pwd="n" * 24), section("1", ice_ufrag="newu", ice_pwd="n" * 24))
    after = parse_sdp(meeting.room.publisher_offer(ANN, text, 0.0)).sections[0]
    (restart,) = meeting.take()
    assert isinstance(restart, RestartIce)
    assert restart.old_ufrag == before.ice_ufrag
    assert after.ice_ufrag != before.ice_ufrag


def test_muting_reaches_the_plane_once_and_the_roster_of_those_who_publish_later(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    meeting.take()
    meeting.room.mute(microphone, True)
    meeting.room.mute(microphone, True)
    assert meeting.take() == [MuteTrack(microphone, True)]
    assert meeting.room.is_muted(microphone)
    assert refused(meeting.room.mute, TrackId("ghost"), True) is ErrorCode.NOT_FOUND


def test_a_track_that_was_muted_before_it_went_live_is_live_muted(meeting: Room) -> None:
    microphone = meeting.room.declare(ANN, "0", TrackSource.MICROPHONE)
    meeting.room.mute(microphone, True)
    meeting.room.publisher_offer(ANN, offer(section("0", "audio")), 0.0)
    effects = meeting.take()
    assert MuteTrack(microphone, True) in effects
    assert TrackLive(microphone, ANN, TrackSource.MICROPHONE, True) in effects


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
        action = chance.randrange(9)
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
            elif chance.random() < 0.3:
                meeting.room.leave(who, meeting.now)
        except Refused:
            pass
        meeting.settle(0.2)
        assert set(meeting.routes) == meeting.senders
    meeting.room.close(meeting.now)
    meeting.take()
    assert (meeting.open, meeting.tracks, meeting.senders) == ({}, set(), set())
