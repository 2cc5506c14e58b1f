import pytest
from msgspec import structs
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import CloseTransport, OpenTransport
from conclave.media.room import MediaRoom
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import MeetingState
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def publish(room: MeetingInMemory, participant: object) -> None:
    session_id = participant.session_id  # type: ignore[attr-defined]
    room.ask(session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    room.ask(session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)


def test_a_host_opens_a_meeting_and_those_who_wait_are_told() -> None:
    room = MeetingInMemory()
    waiting = room.greet(Role.PARTICIPANT)
    room.open("Weekly")
    assert room.meeting.state is MeetingState.ACTIVE
    assert room.inbox[waiting] == [messages.MeetingOpened("Weekly")]


def test_nobody_joins_a_meeting_that_is_not_open() -> None:
    room = MeetingInMemory()
    with refused(ErrorCode.NOT_FOUND):
        room.sit(room.greet(Role.HOST))


def test_an_open_meeting_is_not_opened_again() -> None:
    room = MeetingInMemory()
    host = room.open()
    with refused(ErrorCode.CONFLICT):
        room.ask(host, messages.MeetingCreate(id=1, title="Again"), messages.MeetingCreated)


def test_a_newcomer_gets_the_whole_state_and_the_others_hear_of_it() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open(), "Ada")
    publish(room, host)
    session_id = room.greet(Role.VIEWER)
    joined = room.ask(session_id, messages.Join(id=1, display_name="Bob"), messages.Joined)
    assert [seat.display_name for seat in joined.snapshot.participants] == ["Ada", "Bob"]
    assert [track.participant_id for track in joined.snapshot.tracks] == [host.participant_id]
    assert (joined.title, joined.role) == ("Weekly", Role.VIEWER)
    assert [event.participant.display_name for event in room.received(host, messages.ParticipantJoined)] == ["Bob"]
    assert not [event for event in room.inbox[session_id] if isinstance(event, messages.ParticipantJoined)]


def test_a_track_that_was_only_declared_is_in_nobodys_snapshot() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    joined = room.ask(room.greet(Role.VIEWER), messages.Join(id=1, display_name="Bob"), messages.Joined)
    assert joined.snapshot.tracks == []


def test_with_auto_subscribe_an_offer_comes_with_joining() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    publish(room, host)
    viewer = room.sit(room.greet(Role.VIEWER), auto_subscribe=True)
    assert len(room.received(viewer, messages.SubscriberOffer)) == 1


def test_a_full_meeting_takes_nobody_and_nobody_is_put_out() -> None:
    room = MeetingInMemory(Limits(waiting_room=False, max_participants=2))
    room.sit(room.open())
    second = room.join(Role.PARTICIPANT)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.HOST)
    assert room.meeting.seat_of(second.session_id) is second


def test_an_invitation_with_two_seats_seats_two_at_once() -> None:
    room = MeetingInMemory()
    room.open()
    first = room.join(Role.PARTICIPANT, seats=2, jti="s" * 16)
    room.join(Role.PARTICIPANT, seats=2, jti="s" * 16)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.PARTICIPANT, seats=2, jti="s" * 16)
    room.ask(first.session_id, messages.Leave(id=1), messages.Empty)
    room.join(Role.PARTICIPANT, seats=2, jti="s" * 16)


def test_an_invitation_without_a_number_of_seats_seats_any_number() -> None:
    room = MeetingInMemory()
    room.open()
    assert {room.join(Role.PARTICIPANT, jti="s" * 16).jti for _ in range(20)} == {"s" * 16}


def test_a_second_join_of_a_session_is_forbidden() -> None:
    room = MeetingInMemory()
    host = room.open()
    room.sit(host)
    with refused(ErrorCode.FORBIDDEN):
        room.sit(host)


def test_leaving_takes_seat_tracks_and_connections_away_and_tells_the_others() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    leaver = room.join(Role.PARTICIPANT)
    publish(room, leaver)
    room.ask(leaver.session_id, messages.Leave(id=1), messages.Empty)
    assert room.meeting.seat_of(leaver.session_id) is None
    assert room.meeting.tracks == {}
    assert len(room.received(host, messages.TrackUnpublished)) == 1
    assert room.received(host, messages.ParticipantLeft) == [messages.ParticipantLeft(leaver.participant_id, "left")]
    opened = [command.transport.transport_id for command in room.commands if isinstance(command, OpenTransport)]
    closed = [command.transport_id for command in room.commands if isinstance(command, CloseTransport)]
    assert opened == closed
    assert not room.received(leaver, messages.ParticipantLeft)


def test_whoever_left_can_come_back_with_the_same_connection() -> None:
    room = MeetingInMemory()
    host = room.open()
    first = room.sit(host)
    room.ask(host, messages.Leave(id=1), messages.Empty)
    assert room.sit(host).participant_id != first.participant_id


def test_a_host_ends_the_meeting_for_everybody() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    other = room.join(Role.PARTICIPANT)
    publish(room, other)
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    assert room.meeting.state is MeetingState.ENDED
    for participant in (host, other):
        assert room.received(participant, messages.MeetingEnded) == [messages.MeetingEnded("host")]
    assert room.meeting.tracks == {}
    assert isinstance(room.commands[-1], CloseTransport)


def test_in_an_ended_meeting_one_leaves_and_nothing_else() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    with refused(ErrorCode.FORBIDDEN):
        room.ask(host.session_id, messages.HandRaise(id=1, raised=True), messages.Empty)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    with refused(ErrorCode.NOT_FOUND):
        room.sit(host.session_id)


def test_an_ended_meeting_can_be_opened_anew_and_forgets_who_sat_in_it() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    other = room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    room.open("Second")
    assert room.meeting.participants == {}
    assert room.received(other, messages.MeetingOpened) == [messages.MeetingOpened("Second")]
    room.sit(other.session_id)


def test_a_meeting_that_stays_empty_for_a_minute_is_ended() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    room.advance(59.9)
    assert room.meeting.state is MeetingState.ACTIVE
    room.advance(0.2)
    assert room.meeting.state is MeetingState.ENDED
    assert room.audited[-1].type == "meeting_ended"


def test_somebody_who_comes_in_time_keeps_an_empty_meeting_alive() -> None:
    room = MeetingInMemory()
    room.open()
    room.advance(59)
    room.join(Role.PARTICIPANT)
    room.advance(1000)
    assert room.meeting.state is MeetingState.ACTIVE


def test_a_lost_connection_keeps_its_seat_for_the_grace_time() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    lost = room.join(Role.PARTICIPANT)
    publish(room, lost)
    room.lose(lost)
    assert room.received(host, messages.ParticipantChanged)[-1].participant.connected is False
    room.advance(29.9)
    assert room.meeting.seat_of(lost.session_id) is lost
    assert len(room.meeting.tracks) == 1
    room.advance(0.2)
    assert room.meeting.seat_of(lost.session_id) is None
    assert room.received(host, messages.ParticipantLeft)[-1].reason == "lost"
    assert room.meeting.tracks == {}


def test_a_connection_that_comes_back_in_time_keeps_seat_and_tracks() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    lost = room.join(Role.PARTICIPANT)
    publish(room, lost)
    room.lose(lost)
    room.advance(20)
    room.resume(lost)
    assert room.received(host, messages.ParticipantChanged)[-1].participant.connected is True
    room.advance(1000)
    assert room.meeting.seat_of(lost.session_id) is lost
    assert len(room.meeting.tracks) == 1


def test_an_unanswered_offer_is_sent_again_after_a_resume() -> None:
    room = MeetingInMemory()
    publish(room, room.sit(room.open()))
    viewer = room.sit(room.greet(Role.VIEWER), auto_subscribe=True)
    room.lose(viewer)
    room.resume(viewer)
    first, second = room.received(viewer, messages.SubscriberOffer)
    assert first == second


def test_a_connection_lost_after_the_end_gives_its_seat_up_at_once() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    room.lose(host)
    assert room.meeting.participants == {}


def test_whoever_was_lost_when_the_meeting_ended_has_no_seat_any_more() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    lost = room.join(Role.PARTICIPANT)
    room.lose(lost)
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    assert list(room.meeting.participants.values()) == [host]


def test_a_headless_participant_goes_with_its_connection() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    encoder = room.join(Role.PARTICIPANT, headless=True)
    room.lose(encoder)
    assert room.meeting.seat_of(encoder.session_id) is None


def test_the_end_of_a_meeting_disconnects_headless_participants() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    encoder = room.join(Role.PARTICIPANT, headless=True)
    room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    assert room.disconnected == [encoder.session_id]
    assert room.meeting.seat_of(encoder.session_id) is None


@pytest.mark.parametrize("request_of", ["create", "join", "end", "pass", "invite"])
def test_what_cannot_be_recorded_does_not_happen(request_of: str) -> None:
    room = MeetingInMemory()
    opener = room.greet(Role.HOST) if request_of == "create" else room.open()
    if request_of not in ("create", "join"):
        room.sit(opener)
    other = room.join(Role.PARTICIPANT).participant_id if request_of == "pass" else ""
    request = {
        "create": messages.MeetingCreate(id=1, title="Weekly"),
        "join": messages.Join(id=1, display_name="Ada"),
        "end": messages.MeetingEnd(id=1),
        "pass": messages.HostPass(id=1, participant_id=other),
        "invite": messages.InvitationCreate(id=1, role=Role.VIEWER),
    }[request_of]
    room.audit_works = False
    before = (room.meeting.state, [seat.info for seat in room.meeting.participants.values()], dict(room.inbox))
    with pytest.raises(Unavailable):
        room.ask(opener, request, messages.Empty)
    assert before == (room.meeting.state, [seat.info for seat in room.meeting.participants.values()], dict(room.inbox))
    room.audit_works = True


def test_leaving_is_possible_without_an_audit_log() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.audit_works = False
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert room.meeting.participants == {}


def test_coming_and_going_is_audited_without_names() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open(), "Ada Lovelace")
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert [event.type for event in room.audited] == ["meeting_created", "participant_joined", "participant_left"]
    assert "Ada" not in str(room.audited)


def test_a_meeting_whose_media_cannot_be_made_is_not_opened() -> None:
    room = MeetingInMemory()
    host = room.greet(Role.HOST)

    def fail(_: MeetingId) -> MediaRoom:
        raise RuntimeError("no room")

    room.house = structs.replace(room.house, open_room=fail)
    with pytest.raises(RuntimeError):
        room.ask(host, messages.MeetingCreate(id=1, title="Weekly"), messages.MeetingCreated)
    assert room.meeting.state is MeetingState.ABSENT
