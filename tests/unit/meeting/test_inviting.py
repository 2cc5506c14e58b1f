import pytest
from tests.support.meetings import WALL_S, MeetingInMemory

from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused, Unavailable
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


@pytest.mark.parametrize("remove", [False, True])
def test_who_waits_by_an_invitation_is_sent_away_when_it_is_revoked(remove: bool) -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.MeetingModify(id=1, waiting_room=True), messages.Empty)
    made = room.ask(host.session_id, messages.InvitationCreate(id=2, role=Role.VIEWER, shared=True), messages.Invitation)
    jti = room.invitations.verify(made.token, WALL_S).jti
    guest, other = room.greet(Role.VIEWER, jti=jti), room.greet(Role.VIEWER)
    for session_id in (guest, other):
        room.ask(session_id, messages.Join(id=3, display_name="Guest"), messages.Joined)
    room.ask(host.session_id, messages.InvitationRevoke(id=4, jti=jti, remove=remove), messages.Empty)
    assert room.disconnected == [guest]
    assert len(room.received(host, messages.LobbyChanged)[-1].guests) == 1


def test_who_came_by_a_revoked_invitation_goes_even_if_the_revocation_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT, jti="a" * 16)

    def fail(*_: object) -> None:
        raise Unavailable("revocations", "the disk is full")

    monkeypatch.setattr(room.invitations, "revoke", fail)
    with pytest.raises(Unavailable):
        room.ask(host.session_id, messages.InvitationRevoke(id=1, jti="a" * 16, remove=True), messages.Empty)
    assert ada.participant_id not in room.meeting.participants


def test_a_label_is_made_safe_to_show() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    wish = messages.InvitationCreate(id=1, role=Role.VIEWER, label=" Ada\u202e\n ")
    room.ask(host.session_id, wish, messages.Invitation)
    assert [one.label for one in listed(room, host) if one.role is Role.VIEWER] == ["Ada"]


def test_an_invitation_of_another_meeting_is_not_found() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with refused(ErrorCode.NOT_FOUND):
        room.ask(host.session_id, messages.InvitationRevoke(id=1, jti="z" * 16), messages.Empty)


def test_a_meeting_has_only_so_many_invitations() -> None:
    room = MeetingInMemory(Limits(waiting_room=False, max_invitations_per_meeting=1))
    host = room.sit(room.open())
    with refused(ErrorCode.TOO_LARGE):
        room.ask(host.session_id, messages.InvitationCreate(id=1, role=Role.VIEWER), messages.Invitation)


def test_the_label_of_a_personal_link_suggests_a_name_and_that_of_a_shared_one_does_not() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    for shared, name in ((False, "Bob"), (True, None)):
        wish = messages.InvitationCreate(id=1, role=Role.VIEWER, shared=shared, label="Bob")
        assert room.invitations.verify(room.ask(host.session_id, wish, messages.Invitation).token, WALL_S).name == name
