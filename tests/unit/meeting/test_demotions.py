import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.demotions import MAX_DEMOTIONS_PER_MEETING, MAX_MEETINGS, Demotions, holds
from conclave.meeting.state import Participant
from conclave.model.entry import Demotion
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.signaling import messages

ROOM, OTHER_ROOM = MeetingId("r" * 16), MeetingId("o" * 16)
LINK, DEVICE, OTHER_DEVICE, NETWORK = "l" * 16, "d" * 16, "e" * 16, b"n" * 16


def demotion(*, personal: bool = False, role: Role = Role.VIEWER, jti: str = LINK, device_id: str = DEVICE) -> Demotion:
    return Demotion(
        jti=jti, personal=personal, device_id=device_id, source_hash=NETWORK, role=role, until_s=100.0, source_until_s=50.0
    )


def meant(by: Demotion, jti: str, device_id: str, *source_hashes: bytes, wall_s: float = 1.0) -> bool:
    return holds(by, jti, device_id, source_hashes, wall_s)


def left(demotions: Demotions, meeting_id: MeetingId = ROOM, wall_s: float = 1.0, jti: str = LINK) -> Role:
    return demotions.role_left(meeting_id, Role.HOST, jti, DEVICE, (), wall_s)


def test_a_personal_link_is_lowered_for_everybody_who_shows_it() -> None:
    assert meant(demotion(personal=True), LINK, OTHER_DEVICE)
    assert not meant(demotion(personal=True), "other", DEVICE, NETWORK)


def test_a_shared_link_is_lowered_on_the_device_and_without_a_device_from_the_network() -> None:
    assert meant(demotion(), LINK, DEVICE)
    assert meant(demotion(), LINK, "", NETWORK)
    assert not meant(demotion(), LINK, "", NETWORK, wall_s=50.0)
    assert not meant(demotion(), LINK, OTHER_DEVICE, NETWORK)
    assert not meant(demotion(device_id=""), LINK, "", b"elsewhere")


def test_a_demotion_holds_for_its_meeting_and_its_time() -> None:
    demotions = Demotions()
    demotions.add(ROOM, demotion())
    assert left(demotions) is Role.VIEWER
    assert left(demotions, OTHER_ROOM) is Role.HOST
    assert left(demotions, wall_s=100.0) is Role.HOST


def test_nobody_gets_more_by_it_than_the_invitation_is_good_for() -> None:
    demotions = Demotions()
    demotions.add(ROOM, demotion(role=Role.CO_HOST))
    assert demotions.role_left(ROOM, Role.VIEWER, LINK, DEVICE, (), 1.0) is Role.VIEWER


def test_what_is_lifted_leaves_everything_of_that_link_and_nothing_of_others() -> None:
    demotions = Demotions()
    demotions.add(ROOM, demotion())
    demotions.add(ROOM, demotion(jti="k" * 16))
    (lifted,) = demotions.lifted(ROOM, LINK, DEVICE, (), 1.0)
    demotions.add(ROOM, lifted)
    assert (left(demotions), left(demotions, jti="k" * 16)) == (Role.HOST, Role.VIEWER)
    assert demotions.lifted(ROOM, LINK, DEVICE, (), 1.0) == []


def test_what_is_restored_does_not_displace_what_is_known() -> None:
    demotions = Demotions()
    demotions.add(ROOM, demotion(role=Role.CO_HOST))
    demotions.restore(ROOM, [demotion(), demotion(jti="k" * 16)])
    assert (left(demotions), left(demotions, jti="k" * 16)) == (Role.CO_HOST, Role.VIEWER)


def test_too_many_demotions_push_out_the_oldest() -> None:
    demotions = Demotions()
    demotions.add(ROOM, demotion())
    for number in range(MAX_DEMOTIONS_PER_MEETING):
        demotions.add(ROOM, demotion(jti=f"{number:016}"))
    assert left(demotions) is Role.HOST
    for number in range(MAX_MEETINGS):
        demotions.add(MeetingId(f"{number:016}"), demotion())
    assert left(demotions, jti=f"{1:016}") is Role.HOST


def opened_anew(seats: int) -> tuple[MeetingInMemory, Participant, Participant]:
    """Let a host demote another one, end the meeting and open it again."""
    room = MeetingInMemory()
    host = room.sit(room.open())
    other = room.join(Role.HOST, jti=LINK, seats=seats, device_id=DEVICE)
    room.ask(
        host.session_id, messages.ParticipantSetRole(id=1, participant_id=other.participant_id, role=Role.VIEWER), messages.Empty
    )
    for session_id in (host.session_id, other.session_id):
        request = messages.MeetingEnd(id=2) if session_id == host.session_id else messages.Leave(id=3)
        room.ask(session_id, request, messages.Empty)
    return room, host, other


@pytest.mark.parametrize("seats", [0, 1])
def test_a_demoted_host_neither_opens_the_meeting_again_nor_leads_it(seats: int) -> None:
    room, host, other = opened_anew(seats)
    again = messages.MeetingCreate(id=4, title="Mine")
    with pytest.raises(Refused, check=lambda error: error.code is ErrorCode.UNAUTHORIZED):
        room.ask(other.session_id, again, messages.MeetingCreated)
    room.ask(host.session_id, messages.Leave(id=5), messages.Empty)
    room.ask(host.session_id, again, messages.MeetingCreated)
    leader, back = room.sit(host.session_id), room.join(Role.HOST, jti=LINK, seats=seats, device_id=DEVICE)
    assert (leader.role, back.role, back.role_limit) == (Role.HOST, Role.VIEWER, Role.VIEWER)


@pytest.mark.parametrize("how", ["set", "passed"])
def test_a_host_who_gives_the_role_back_gives_it_for_good(how: str) -> None:
    room, host, _ = opened_anew(1)
    room.ask(host.session_id, messages.Leave(id=5), messages.Empty)
    room.ask(host.session_id, messages.MeetingCreate(id=4, title="Mine"), messages.MeetingCreated)
    leader, back = room.sit(host.session_id), room.join(Role.HOST, jti=LINK, seats=1, device_id=DEVICE)
    giving = (
        messages.HostPass(id=6, participant_id=back.participant_id)
        if how == "passed"
        else messages.ParticipantSetRole(id=6, participant_id=back.participant_id, role=Role.HOST)
    )
    room.ask(leader.session_id, giving, messages.Empty)
    room.ask(back.session_id, messages.Leave(id=7), messages.Empty)
    assert room.sit(back.session_id).role is Role.HOST
