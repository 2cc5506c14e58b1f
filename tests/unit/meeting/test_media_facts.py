from tests.support.breakouts import Breakouts
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import OpenTransport
from conclave.meeting import attendance, media_facts
from conclave.meeting.state import Participant
from conclave.model.ids import TrackId, TransportId
from conclave.model.roles import Role
from conclave.signaling import messages


def publish(room: MeetingInMemory, who: Participant) -> tuple[TrackId, TransportId]:
    (track_id,) = room.ask(who.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published).track_ids
    room.ask(who.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    opened = [command.transport.transport_id for command in room.commands if isinstance(command, OpenTransport)]
    return TrackId(track_id), opened[-1]


def tell(room: MeetingInMemory, transport_id: TransportId, state: str, reason: str = "") -> None:
    context = room.change()
    attendance.transport_changed(context, transport_id, state, reason, room.now)
    room.apply(context)


def hear(room: MeetingInMemory, track_id: TrackId, level: int, seconds: float) -> None:
    end = room.now + seconds
    while room.now < end:
        room.now += 0.2
        context = room.change()
        media_facts.audio_levels(context, [(track_id, level, level)], room.now)
        room.apply(context)


def test_a_transports_owner_hears_of_its_state_and_nobody_else() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    _, transport_id = publish(room, other)
    tell(room, transport_id, "connected")
    assert [event.state for event in room.received(other, messages.TransportState)] == ["connecting", "connected"]
    assert not room.received(host, messages.TransportState)


def test_a_failed_transport_takes_its_tracks_away_and_leaves_the_seat() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id, transport_id = publish(room, other)
    tell(room, transport_id, "failed", "consent_expired")
    assert room.received(host, messages.TrackUnpublished) == [messages.TrackUnpublished(track_id)]
    assert room.received(other, messages.TransportState)[-1] == messages.TransportState("publisher", "failed", "consent_expired")
    assert room.meeting.seat_of(other.session_id) is other
    assert room.meeting.tracks == {}


def test_a_handshake_with_a_foreign_certificate_is_audited_with_its_participant() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    other = room.join(Role.PARTICIPANT)
    _, transport_id = publish(room, other)
    tell(room, transport_id, "failed", "fingerprint_mismatch")
    refused = [event for event in room.audited if "mismatch" in f"{event.type} {event.details}"]
    assert [event.type for event in refused] == ["handshake_refused"]
    assert [(event.session_id, event.participant_id) for event in refused] == [(other.session_id, other.participant_id)]
    assert dict(refused[0].details) == {"transport": "publisher", "reason": "fingerprint_mismatch"}


def test_an_expired_consent_is_no_refused_handshake() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    _, transport_id = publish(room, room.join(Role.PARTICIPANT))
    tell(room, transport_id, "failed", "consent_expired")
    assert not [event for event in room.audited if event.type == "handshake_refused"]


def test_a_headless_participant_leaves_with_its_transport() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    encoder = room.join(Role.PARTICIPANT, headless=True)
    _, transport_id = publish(room, encoder)
    tell(room, transport_id, "failed", "consent_expired")
    assert room.received(host, messages.ParticipantLeft) == [messages.ParticipantLeft(encoder.participant_id, "failed")]
    assert room.disconnected == [encoder.session_id]


def test_news_of_a_transport_that_is_gone_changes_nothing() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    tell(room, TransportId("x" * 16), "failed")
    assert not room.received(host, messages.TransportState)


def test_whoever_talks_becomes_active_speaker_and_stops_being_it() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id, _ = publish(room, other)
    hear(room, track_id, 20, 2)
    hear(room, track_id, 120, 4)
    changes = [event.participant_ids for event in room.received(host, messages.ActiveSpeakers)]
    assert changes == [[other.participant_id], []]


def test_a_speaker_who_leaves_is_none_any_more() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id, _ = publish(room, other)
    hear(room, track_id, 20, 2)
    room.ask(other.session_id, messages.Leave(id=1), messages.Empty)
    assert room.received(host, messages.ActiveSpeakers)[-1].participant_ids == []
    assert room.meeting.main.speakers == ()


def test_levels_and_news_for_a_meeting_without_media_are_passed_over() -> None:
    room = MeetingInMemory()
    context = room.change()
    media_facts.audio_levels(context, [(TrackId("t" * 16), 10, 10)], room.now)
    media_facts.collect(context)
    assert context.effects == []


def test_who_talks_in_a_breakout_room_is_active_speaker_there_and_nowhere_else() -> None:
    room = Breakouts("Red")
    talker, beside, outside = room.inside(room.ids[0]), room.inside(room.ids[0]), room.join(Role.PARTICIPANT)
    hear(room, room.publish(talker), 20, 2)
    assert [event.participant_ids for event in room.received(beside, messages.ActiveSpeakers)] == [[talker.participant_id]]
    for elsewhere in (outside, room.host):
        assert not room.received(elsewhere, messages.ActiveSpeakers)
    assert room.meeting.main.speakers == ()
    room.close_rooms()
    assert not room.received(outside, messages.ActiveSpeakers)


def test_a_transport_of_a_breakout_room_that_fails_is_told_to_its_owner_alone() -> None:
    room = Breakouts("Red")
    owner, beside = room.inside(room.ids[0]), room.inside(room.ids[0])
    track_id, transport_id = publish(room, owner)
    tell(room, transport_id, "failed", "consent_expired")
    assert room.received(owner, messages.TransportState)[-1].state == "failed"
    assert room.received(beside, messages.TrackUnpublished) == [messages.TrackUnpublished(track_id)]
    assert not room.received(room.host, messages.TrackUnpublished)
