import pytest
from tests.support.meetings import WALL_S, MeetingInMemory

from conclave.identity.invitations import Claims
from conclave.meeting.state import Participant
from conclave.model.errors import Refused, Unavailable
from conclave.model.roles import Role
from conclave.signaling import messages


def invite(room: MeetingInMemory, who: Participant, role: Role, *, shared: bool = False) -> messages.Invitation:
    return room.ask(who.session_id, messages.InvitationCreate(id=1, role=role, shared=shared), messages.Invitation)


def is_good(room: MeetingInMemory, invitation: messages.Invitation) -> bool:
    try:
        room.invitations.verify(invitation.token, WALL_S)
    except Refused:
        return False
    return True


def remove(room: MeetingInMemory, host: Participant, who: Participant) -> None:
    room.ask(host.session_id, messages.ParticipantRemove(id=2, participant_id=who.participant_id), messages.Empty)


def meeting() -> tuple[MeetingInMemory, Participant, Participant]:
    room = MeetingInMemory()
    return room, room.sit(room.open()), room.join(Role.CO_HOST, seats=1)


@pytest.mark.parametrize("shared", [False, True])
def test_what_the_removed_invited_to_is_good_no_more(shared: bool) -> None:
    room, host, helper = meeting()
    own, others = invite(room, helper, Role.CO_HOST, shared=shared), invite(room, host, Role.CO_HOST, shared=shared)
    remove(room, host, helper)
    assert (is_good(room, own), is_good(room, others)) == (False, True)
    assert [event.details["reason"] for event in room.audited if event.type == "invitation_revoked"] == [
        "removed",
        "maker removed",
    ]


def test_who_has_come_by_a_personal_link_of_the_removed_may_come_again() -> None:
    room, host, helper = meeting()
    invitation = invite(room, helper, Role.PARTICIPANT)
    jti = room.invitations.verify(invitation.token, WALL_S).jti
    room.join(Role.PARTICIPANT, jti=jti, seats=1)
    remove(room, host, helper)
    assert is_good(room, invitation)


def test_a_demotion_withdraws_invitations_for_higher_roles_alone() -> None:
    room, host, helper = meeting()
    high, low = invite(room, helper, Role.CO_HOST), invite(room, helper, Role.PARTICIPANT)
    request = messages.ParticipantSetRole(id=2, participant_id=helper.participant_id, role=Role.PARTICIPANT)
    room.ask(host.session_id, request, messages.Empty)
    assert (is_good(room, high), is_good(room, low)) == (False, True)


def test_leaving_in_between_does_not_make_them_somebody_elses() -> None:
    room, host, helper = meeting()
    invitation = invite(room, helper, Role.CO_HOST, shared=True)
    room.ask(helper.session_id, messages.Leave(id=3), messages.Empty)
    remove(room, host, room.sit(helper.session_id))
    assert not is_good(room, invitation)


def test_who_came_by_a_shared_link_is_known_by_the_device_on_another_connection() -> None:
    room, host, _ = meeting()
    helper = room.join(Role.CO_HOST, jti="l" * 16, device_id="d" * 16)
    invitation = invite(room, helper, Role.CO_HOST, shared=True)
    room.ask(helper.session_id, messages.Leave(id=3), messages.Empty)
    remove(room, host, room.join(Role.CO_HOST, jti="l" * 16, device_id="d" * 16))
    assert not is_good(room, invitation)


def test_a_withdrawal_that_cannot_be_kept_is_in_force_and_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    room, host, helper = meeting()
    invitation = invite(room, helper, Role.CO_HOST)
    revoke = room.invitations.revoke

    def fail(claims: Claims, now_s: float) -> None:
        revoke(claims, now_s)
        raise Unavailable("revocations", "the disk is full")

    monkeypatch.setattr(room.invitations, "revoke", fail)
    remove(room, host, helper)
    assert not is_good(room, invitation)
    assert [event.type for event in room.audited].count("revocation_not_kept") == 2
