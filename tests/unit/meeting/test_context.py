import pytest
from tests.support.meetings import WALL_S, MeetingInMemory

from conclave.meeting.context import Call
from conclave.meeting.effects import Audit, Broadcast, Send
from conclave.signaling import messages

EVENT = messages.MeetingOpened("Weekly")


def test_effects_are_kept_in_order() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    context = room.change()
    session_id = host.session_id
    context.send(session_id, EVENT)
    context.broadcast(EVENT, None)
    context.audit(context.event("fact"))
    assert context.effects == [Send(session_id, EVENT), Broadcast(EVENT, (session_id,)), Audit(context.event("fact"))]


def test_an_audit_event_names_meeting_session_and_participant_and_no_display_name() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open(), "Ada")
    event = room.change().event("fact", host, how="so")
    assert (event.meeting_id, event.session_id, event.participant_id) == (
        room.meeting.meeting_id,
        host.session_id,
        host.participant_id,
    )
    assert event.details == {"how": "so"}
    assert "Ada" not in str(event)


def test_the_callers_seat_is_its_own_and_is_there_only_when_it_sits() -> None:
    room = MeetingInMemory()
    host = room.open()
    call = Call(room.house, room.meeting, room.callers[host], WALL_S)
    with pytest.raises(AssertionError):
        _ = call.me
    assert room.sit(host) is call.me
