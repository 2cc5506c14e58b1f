import pytest
from tests.support.meetings import WALL_S, MeetingInMemory

from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def test_a_host_passes_the_role_on_and_becomes_co_host() -> None:
    room = MeetingInMemory()
    host, heir = room.sit(room.open()), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=heir.participant_id), messages.Empty)
    assert (heir.role, host.role) == (Role.HOST, Role.CO_HOST)
    changed = [event.participant for event in room.received(host, messages.ParticipantChanged)]
    assert [(info.participant_id, info.role) for info in changed] == [
        (heir.participant_id, Role.HOST),
        (host.participant_id, Role.CO_HOST),
    ]


def test_passing_on_is_recorded_as_two_changes_of_permission() -> None:
    room = MeetingInMemory()
    host, heir = room.sit(room.open()), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=heir.participant_id), messages.Empty)
    changes = [(event.participant_id, event.details["role"]) for event in room.audited if event.type == "permission_changed"]
    assert changes == [(heir.participant_id, Role.HOST), (host.participant_id, Role.CO_HOST)]


def test_whoever_passed_the_role_on_has_lost_it() -> None:
    room = MeetingInMemory()
    host, heir = room.sit(room.open()), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=heir.participant_id), messages.Empty)
    with refused(ErrorCode.UNAUTHORIZED):
        room.ask(host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    room.ask(heir.session_id, messages.MeetingEnd(id=1), messages.Empty)


def test_a_host_may_pass_the_role_to_a_viewer_on_purpose() -> None:
    room = MeetingInMemory()
    host, viewer = room.sit(room.open()), room.join(Role.VIEWER)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=viewer.participant_id), messages.Empty)
    assert viewer.role is Role.HOST


@pytest.mark.parametrize("headless", [False, True])
def test_the_role_does_not_pass_to_whoever_is_not_connected(headless: bool) -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT, headless=headless)
    if not headless:
        room.lose(other)
    with refused(ErrorCode.FORBIDDEN):
        room.ask(host.session_id, messages.HostPass(id=1, participant_id=other.participant_id), messages.Empty)


def test_when_the_last_host_leaves_the_co_host_who_is_there_longest_takes_over() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.join(Role.PARTICIPANT)
    first, second = room.join(Role.CO_HOST), room.join(Role.CO_HOST)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert (first.role, second.role) == (Role.HOST, Role.CO_HOST)


def test_without_a_co_host_the_participant_who_is_there_longest_takes_over() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.join(Role.VIEWER)
    first, second = room.join(Role.PARTICIPANT), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert (first.role, second.role) == (Role.HOST, Role.PARTICIPANT)
    assert "inherited" in [event.details.get("how") for event in room.audited]


def test_a_viewer_never_takes_over_by_itself() -> None:
    room = MeetingInMemory()
    host, viewer = room.sit(room.open()), room.join(Role.VIEWER)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert viewer.role is Role.VIEWER
    assert not list(room.meeting.hosts())


def test_nobody_takes_over_while_there_is_another_host() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    participant, _ = room.join(Role.PARTICIPANT), room.join(Role.HOST)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert participant.role is Role.PARTICIPANT


def test_somebody_connected_takes_over_before_somebody_whose_connection_is_lost() -> None:
    room = MeetingInMemory()
    host, lost, there = room.sit(room.open()), room.join(Role.CO_HOST), room.join(Role.PARTICIPANT)
    room.lose(lost)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert (lost.role, there.role) == (Role.CO_HOST, Role.HOST)


def test_a_headless_participant_never_takes_over() -> None:
    room = MeetingInMemory()
    host, encoder = room.sit(room.open()), room.join(Role.PARTICIPANT, headless=True)
    room.ask(host.session_id, messages.Leave(id=1), messages.Empty)
    assert encoder.role is Role.PARTICIPANT


def test_the_role_passes_on_when_a_lost_host_does_not_come_back() -> None:
    room = MeetingInMemory()
    host, heir = room.sit(room.open()), room.join(Role.PARTICIPANT)
    room.lose(host)
    assert heir.role is Role.PARTICIPANT
    room.advance(31)
    assert heir.role is Role.HOST


def test_an_invitation_is_for_this_meeting_and_its_role() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    request = messages.InvitationCreate(id=1, role=Role.PARTICIPANT, expires_in_s=600)
    invitation = room.ask(host.session_id, request, messages.Invitation)
    claims = room.invitations.verify(invitation.token, WALL_S)
    assert (claims.sub, claims.role, claims.exp) == (room.meeting.meeting_id, Role.PARTICIPANT, invitation.expires_at_s)
    assert invitation.path == "/#" + invitation.token


def test_a_co_host_cannot_invite_a_host() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    co_host = room.join(Role.CO_HOST)
    with refused(ErrorCode.FORBIDDEN):
        room.ask(co_host.session_id, messages.InvitationCreate(id=1, role=Role.HOST), messages.Invitation)
    room.ask(co_host.session_id, messages.InvitationCreate(id=1, role=Role.CO_HOST), messages.Invitation)


def test_the_record_of_an_invitation_holds_its_identifier_and_not_the_token() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    invitation = room.ask(host.session_id, messages.InvitationCreate(id=1, role=Role.VIEWER), messages.Invitation)
    event = room.audited[-1]
    assert event.type == "invitation_created"
    assert event.details["jti"] == room.invitations.verify(invitation.token, WALL_S).jti
    assert invitation.token not in str(event)


def test_who_may_admit_no_more_is_left_with_no_list_of_who_waits() -> None:
    room = MeetingInMemory()
    host, helper = room.sit(room.open()), room.join(Role.CO_HOST)
    request = messages.ParticipantSetRole(id=1, participant_id=helper.participant_id, role=Role.PARTICIPANT)
    room.ask(host.session_id, request, messages.Empty)
    assert room.received(helper, messages.LobbyChanged)[-1].guests == []
