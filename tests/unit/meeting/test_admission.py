import pytest
from tests.support.meetings import MeetingInMemory

from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages

LINK = "l" * 16


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def test_a_personal_link_belongs_to_the_first_device_that_uses_it() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    ada = room.join(Role.PARTICIPANT, jti=LINK, seats=1, device_id="a" * 16)
    room.ask(ada.session_id, messages.Leave(id=1), messages.Empty)
    for device_id in ("b" * 16, ""):
        with refused(ErrorCode.CONFLICT):
            room.join(Role.PARTICIPANT, jti=LINK, seats=1, device_id=device_id)
    assert room.join(Role.PARTICIPANT, jti=LINK, seats=1, device_id="a" * 16)
    assert host.participant_id in room.meeting.participants


def test_a_personal_link_is_for_one_at_a_time_also_without_a_device() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    room.join(Role.PARTICIPANT, jti=LINK, seats=1)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.PARTICIPANT, jti=LINK, seats=1)


def test_an_invitation_is_used_up_after_as_many_uses_as_it_has() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    for _ in range(2):
        room.join(Role.VIEWER, jti=LINK, uses=2)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.VIEWER, jti=LINK, uses=2)


def test_a_link_that_is_counted_is_known_also_where_there_are_too_many() -> None:
    room = MeetingInMemory(Limits(waiting_room=False, max_invitations_per_meeting=0))
    room.sit(room.open())
    room.join(Role.VIEWER, jti=LINK, uses=1)
    assert list(room.meeting.invitations) == [LINK]
    with refused(ErrorCode.CONFLICT):
        room.join(Role.VIEWER, jti=LINK, uses=1)


def test_an_own_link_that_was_fetched_anew_may_come_from_another_device_and_the_old_one_not() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    for device_id, issued_s in (("a" * 16, 0), ("b" * 16, 10)):
        seat = room.join(Role.VIEWER, jti=LINK, seats=1, device_id=device_id, account="e" * 16, issued_s=issued_s)
        room.ask(seat.session_id, messages.Leave(id=1), messages.Empty)
    for device_id, issued_s in (("a" * 16, 0), ("c" * 16, 10)):
        with refused(ErrorCode.CONFLICT):
            room.join(Role.VIEWER, jti=LINK, seats=1, device_id=device_id, account="e" * 16, issued_s=issued_s)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.VIEWER, jti=LINK, seats=1, device_id="c" * 16, issued_s=20)


def test_who_lost_the_connection_takes_the_seat_anew_by_the_same_personal_link() -> None:
    room = MeetingInMemory()
    host = room.sit(room.greet_first_host(jti=LINK, seats=1, device_id="a" * 16))
    guest = room.join(Role.PARTICIPANT)
    room.lose(host)
    with refused(ErrorCode.CONFLICT):
        room.join(Role.HOST, jti=LINK, seats=1, device_id="b" * 16)
    again = room.join(Role.HOST, jti=LINK, seats=1, device_id="a" * 16)
    assert {seat.participant_id: seat.role for seat in room.meeting.participants.values()} == {
        guest.participant_id: Role.PARTICIPANT, again.participant_id: Role.HOST,
    }  # fmt: skip
    assert [left.participant_id for left in room.received(guest, messages.ParticipantLeft)] == [host.participant_id]
    with refused(ErrorCode.CONFLICT):
        room.join(Role.HOST, jti=LINK, seats=1, device_id="a" * 16)


@pytest.mark.parametrize("closing", [messages.MeetingLock(id=1, locked=True), messages.MeetingSuspend(id=1)])
def test_a_closed_meeting_lets_a_host_in_and_no_host_who_was_demoted(closing: messages.Request) -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.HOST, jti=LINK, seats=1)
    demotion = messages.ParticipantSetRole(id=1, participant_id=other.participant_id, role=Role.CO_HOST)
    room.ask(host.session_id, demotion, messages.Empty)
    room.ask(host.session_id, closing, messages.Empty)
    room.ask(other.session_id, messages.Leave(id=1), messages.Empty)
    for again in (lambda: room.sit(other.session_id), lambda: room.join(Role.HOST, jti=LINK, seats=1)):
        with refused(ErrorCode.FORBIDDEN):
            again()
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert room.sit(host.session_id).role is Role.HOST
