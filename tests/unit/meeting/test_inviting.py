import pytest
from tests.support.meetings import WALL_S, MeetingInMemory

from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def listed(room: MeetingInMemory, host: Participant) -> list[messages.InvitationDescription]:
    request = messages.InvitationList(id=1)
    return room.ask(host.session_id, request, messages.InvitationDescriptions).invitations


def test_an_invitation_is_personal_unless_a_shared_one_is_wanted() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    for shared in (False, True):
        wish = messages.InvitationCreate(id=1, role=Role.VIEWER, shared=shared, label="Ada", uses=3)
        made = room.ask(host.session_id, wish, messages.Invitation)
        claims = room.invitations.verify(made.token, WALL_S)
        assert (claims.personal, claims.seats, claims.uses) == (not shared, int(not shared), 3)
    descriptions = [description for description in listed(room, host) if description.label]
    assert [(one.seats, one.max_uses, one.uses, one.label) for one in descriptions] == [(1, 3, 0, "Ada"), (0, 3, 0, "Ada")]


def test_the_list_counts_uses_and_who_is_present() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    ada = room.join(Role.PARTICIPANT, jti="a" * 16)
    room.ask(ada.session_id, messages.Leave(id=1), messages.Empty)
    room.join(Role.PARTICIPANT, jti="a" * 16)
    (one,) = [description for description in listed(room, host) if description.jti == "a" * 16]
    assert (one.uses, one.present, one.revoked) == (2, 1, False)


@pytest.mark.parametrize("remove", [False, True])
def test_a_revoked_invitation_lets_nobody_in_and_removes_only_if_asked(remove: bool) -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT, jti="a" * 16)
    room.ask(host.session_id, messages.InvitationRevoke(id=1, jti="a" * 16, remove=remove), messages.Empty)
    assert (ada.participant_id in room.meeting.participants) is not remove
    with refused(ErrorCode.UNAUTHORIZED):
        room.join(Role.PARTICIPANT, jti="a" * 16, device_id="another device!!")


def test_an_invitation_of_another_meeting_is_not_found() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with refused(ErrorCode.NOT_FOUND):
        room.ask(host.session_id, messages.InvitationRevoke(id=1, jti="z" * 16), messages.Empty)


def test_a_meeting_has_only_so_many_invitations() -> None:
    room = MeetingInMemory(Limits(max_invitations_per_meeting=1))
    host = room.sit(room.open())
    with refused(ErrorCode.TOO_LARGE):
        room.ask(host.session_id, messages.InvitationCreate(id=1, role=Role.VIEWER), messages.Invitation)
