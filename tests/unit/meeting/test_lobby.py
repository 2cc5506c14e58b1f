import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import SessionId
from conclave.model.roles import Role
from conclave.policy.limits import KNOCKS, Limits
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def with_waiting_room(**limits: int) -> tuple[MeetingInMemory, Participant]:
    room = MeetingInMemory(Limits(waiting_room=True, **limits))
    return room, room.sit(room.open())


def wait(room: MeetingInMemory, **how: object) -> tuple[SessionId, messages.Joined]:
    session_id = room.greet(Role.PARTICIPANT, **how)  # type: ignore[arg-type]
    return session_id, room.ask(session_id, messages.Join(id=1, display_name="Ada"), messages.Joined)


def guests(room: MeetingInMemory, host: Participant) -> list[messages.LobbyGuest]:
    return room.received(host, messages.LobbyChanged)[-1].guests


def test_a_guest_waits_and_learns_nothing() -> None:
    room, host = with_waiting_room()
    session_id, joined = wait(room)
    assert (joined.state, joined.participant_id, joined.snapshot, joined.title) == ("lobby", None, None, "")
    assert [guest.display_name for guest in guests(room, host)] == ["Ada"]
    room.join(Role.CO_HOST)
    assert room.inbox[session_id] == []


def test_an_admitted_guest_joins_by_asking_again() -> None:
    room, host = with_waiting_room()
    session_id, _ = wait(room)
    guest = guests(room, host)[0].guest_id
    room.ask(host.session_id, messages.ParticipantAdmit(id=2, guest_id=guest), messages.Empty)
    assert room.inbox[session_id] == [messages.LobbyAdmitted()]
    assert room.sit(session_id).role is Role.PARTICIPANT
    assert guests(room, host) == []


def test_everybody_is_admitted_at_once() -> None:
    room, host = with_waiting_room()
    waiting = [wait(room)[0] for _ in range(3)]
    room.ask(host.session_id, messages.ParticipantAdmit(id=2), messages.Empty)
    assert all(room.sit(session_id) for session_id in waiting)


def test_a_denied_guest_is_disconnected_and_may_try_again_unless_blocked() -> None:
    room, host = with_waiting_room()
    for block in (False, True):
        session_id, _ = wait(room, device_id="d" * 16)
        guest = guests(room, host)[0].guest_id
        room.ask(host.session_id, messages.LobbyDeny(id=2, guest_id=guest, block=block), messages.Empty)
        assert room.disconnected[-1] == session_id
    with refused(ErrorCode.FORBIDDEN):
        wait(room, device_id="d" * 16)


def test_a_personal_link_passes_once_a_host_is_there() -> None:
    room = MeetingInMemory(Limits(waiting_room=True))
    opener = room.open()
    early, joined = wait(room, seats=1)
    assert joined.state == "lobby"
    room.sit(opener)
    assert room.inbox[early][-1] == messages.LobbyAdmitted()
    assert wait(room, seats=1)[1].state == "joined"


def test_switching_the_waiting_room_off_admits_who_waits() -> None:
    room, host = with_waiting_room()
    session_id, _ = wait(room)
    room.ask(host.session_id, messages.MeetingModify(id=2, waiting_room=False), messages.Empty)
    assert room.sit(session_id)


def test_admission_without_a_waiting_room_is_forbidden() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with refused(ErrorCode.FORBIDDEN):
        room.ask(host.session_id, messages.ParticipantAdmit(id=2), messages.Empty)


def test_the_waiting_room_is_bounded() -> None:
    room, _ = with_waiting_room(max_lobby=2)
    wait(room), wait(room)
    with refused(ErrorCode.CONFLICT):
        wait(room)


def test_knocking_changes_name_and_reason_and_is_limited() -> None:
    room, host = with_waiting_room()
    session_id, _ = wait(room)
    knock = messages.Knock(id=2, display_name="Ada L.", reason="the audit")
    for _ in range(int(KNOCKS.burst) - 1):
        room.ask(session_id, knock, messages.Empty)
    assert [(guest.display_name, guest.reason) for guest in guests(room, host)] == [("Ada L.", "the audit")]
    with refused(ErrorCode.RATE_LIMITED):
        room.ask(session_id, knock, messages.Empty)


def test_a_client_without_signaling_cannot_wait() -> None:
    room, _ = with_waiting_room()
    with refused(ErrorCode.FORBIDDEN):
        wait(room, headless=True)


def test_leaving_the_lobby_takes_the_guest_off_the_list() -> None:
    room, host = with_waiting_room()
    session_id, _ = wait(room)
    room.ask(session_id, messages.Leave(id=2), messages.Empty)
    assert guests(room, host) == []


def test_who_waits_is_told_when_the_meeting_ends() -> None:
    room, host = with_waiting_room()
    session_id, _ = wait(room)
    room.ask(host.session_id, messages.MeetingEnd(id=2), messages.Empty)
    assert room.inbox[session_id] == [messages.MeetingEnded("host")]
    assert room.meeting.lobby == {}


def test_an_encoder_by_a_hosts_link_lets_nobody_in() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.join(Role.HOST, headless=True)
    room.ask(host.session_id, messages.MeetingModify(id=1, waiting_room=True), messages.Empty)
    room.ask(host.session_id, messages.Leave(id=2), messages.Empty)
    early = room.greet(Role.PARTICIPANT, seats=1)
    assert room.ask(early, messages.Join(id=3, display_name="Early"), messages.Joined).state == "lobby"
