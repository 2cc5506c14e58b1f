from tests.support.meetings import MeetingInMemory

from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import MeetingState, Phase
from conclave.signaling import messages


def test_a_standing_follows_greeting_waiting_and_joining() -> None:
    room = MeetingInMemory(Limits(waiting_room=True))
    host = room.sit(room.open())
    guest = room.greet(Role.VIEWER)
    assert room.standing(guest).phase is Phase.GREETED
    room.ask(guest, messages.Join(id=1, display_name="Ada"), messages.Joined)
    waiting = room.standing(guest)
    assert (waiting.phase, waiting.role, waiting.meeting) == (Phase.LOBBY, Role.VIEWER, MeetingState.ACTIVE)
    assert list(waiting.participants) == []
    assert room.standing(host.session_id).guests == room.meeting.guest_ids
    room.ask(host.session_id, messages.ParticipantAdmit(id=2), messages.Empty)
    assert room.standing(guest).phase is Phase.GREETED
    seat = room.sit(guest)
    assert (room.standing(guest).phase, room.standing(guest).participant_id) == (Phase.JOINED, seat.participant_id)
