import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.restraints import MAX_RESTRAINTS, role_left
from conclave.meeting.state import Participant
from conclave.model.ids import SessionId
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.signaling import messages

DEVICE, OTHER_DEVICE, NETWORK, OTHER_NETWORK, LINK = "d" * 16, "e" * 16, b"n" * 16, b"o" * 16, "l" * 16


def do(room: MeetingInMemory, who: Participant, request: messages.Request) -> None:
    room.ask(who.session_id, request, messages.Empty)


def mute(room: MeetingInMemory, host: Participant, who: Participant) -> None:
    do(room, host, messages.ParticipantMute(id=3, participant_id=who.participant_id, hard=True))


def set_role(room: MeetingInMemory, host: Participant, who: Participant, role: Role) -> None:
    do(room, host, messages.ParticipantSetRole(id=4, participant_id=who.participant_id, role=role))


def again(room: MeetingInMemory, session_id: SessionId) -> Participant:
    return room.sit(session_id)


def meeting() -> tuple[MeetingInMemory, Participant]:
    room = MeetingInMemory()
    return room, room.sit(room.open())


def test_leaving_and_joining_again_on_one_connection_lifts_no_hard_mute() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT)
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    assert again(room, ada.session_id).held == {TrackSource.MICROPHONE}


@pytest.mark.parametrize(
    ("seats", "first", "second"),
    [
        (1, ("", NETWORK), ("", OTHER_NETWORK)),
        (0, (DEVICE, NETWORK), (DEVICE, OTHER_NETWORK)),
        (0, (DEVICE, NETWORK), (OTHER_DEVICE, NETWORK)),
        (0, (DEVICE, NETWORK), ("", NETWORK)),
    ],
)
def test_another_connection_of_the_same_person_lifts_none(
    seats: int, first: tuple[str, bytes], second: tuple[str, bytes]
) -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, seats=seats, jti=LINK, device_id=first[0], source_hash=first[1])
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    back = room.join(Role.PARTICIPANT, seats=seats, jti=LINK, device_id=second[0], source_hash=second[1])
    assert back.held == {TrackSource.MICROPHONE}


def test_taking_a_lost_seat_anew_lifts_nothing() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, jti=LINK, seats=1, device_id=DEVICE)
    mute(room, host, ada)
    room.lose(ada)
    assert room.join(Role.PARTICIPANT, jti=LINK, seats=1, device_id=DEVICE).held == {TrackSource.MICROPHONE}


def test_who_comes_by_another_link_from_another_device_is_free() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, jti=LINK, device_id=DEVICE, source_hash=NETWORK)
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    assert room.join(Role.PARTICIPANT, device_id=OTHER_DEVICE, source_hash=NETWORK).held == set()
    assert room.join(Role.PARTICIPANT, jti=LINK, device_id=OTHER_DEVICE, source_hash=OTHER_NETWORK).held == set()


@pytest.mark.parametrize("headless", [False, True])
def test_a_network_that_has_another_name_since_midnight_lifts_nothing(headless: bool) -> None:
    room, host = meeting()
    ada = room.join(Role.CO_HOST, jti=LINK, source_hash=NETWORK)
    mute(room, host, ada)
    set_role(room, host, ada, Role.PARTICIPANT)
    do(room, ada, messages.Leave(id=5))
    way = {"source_hash": OTHER_NETWORK, "former_hashes": (NETWORK,), "headless": headless}
    back = room.join(Role.CO_HOST, jti=LINK, **way)
    assert (back.held, back.role) == ({TrackSource.MICROPHONE}, Role.PARTICIPANT)
    do(room, host, messages.ParticipantAllowUnmute(id=6, participant_id=back.participant_id))
    do(room, back, messages.Leave(id=7))
    assert room.join(Role.PARTICIPANT, jti=LINK, source_hash=OTHER_NETWORK).held == set()


def test_networks_without_a_name_in_common_are_different_ones() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, jti=LINK, source_hash=NETWORK, former_hashes=(b"a" * 16,))
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    assert room.join(Role.PARTICIPANT, jti=LINK, source_hash=OTHER_NETWORK, former_hashes=(b"b" * 16,)).held == set()
    assert room.join(Role.PARTICIPANT, jti=LINK).held == set()


def test_a_colleague_with_a_device_of_his_own_is_free_while_the_muted_one_sits_there() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, jti=LINK, device_id=DEVICE, source_hash=NETWORK)
    mute(room, host, ada)
    assert room.join(Role.PARTICIPANT, jti=LINK, device_id=OTHER_DEVICE, source_hash=NETWORK).held == set()


@pytest.mark.parametrize("device_id", [DEVICE, ""])
def test_a_second_seat_beside_the_first_is_held_as_well(device_id: str) -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT, jti=LINK, device_id=DEVICE, source_hash=NETWORK)
    mute(room, host, ada)
    beside = room.join(Role.PARTICIPANT, jti=LINK, device_id=device_id, source_hash=NETWORK, headless=not device_id)
    assert beside.held == {TrackSource.MICROPHONE}


def test_what_a_host_lifted_stays_lifted() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT)
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    back = again(room, ada.session_id)
    do(room, host, messages.ParticipantAllowUnmute(id=6, participant_id=back.participant_id))
    do(room, back, messages.Leave(id=7))
    assert again(room, ada.session_id).held == set()


def test_a_stopped_share_stays_stopped_until_it_is_allowed() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT)
    control = messages.ScreenShareControl(id=5, participant_id=ada.participant_id, allowed=False)
    do(room, host, control)
    do(room, ada, messages.Leave(id=6))
    back = again(room, ada.session_id)
    assert TrackSource.SCREEN in back.held
    do(room, host, messages.ScreenShareControl(id=7, participant_id=back.participant_id, allowed=True))
    do(room, back, messages.Leave(id=8))
    assert again(room, ada.session_id).held == set()


def test_who_was_demoted_comes_back_with_the_role_that_was_left() -> None:
    room, host = meeting()
    helper = room.join(Role.CO_HOST)
    set_role(room, host, helper, Role.VIEWER)
    do(room, helper, messages.Leave(id=5))
    back = again(room, helper.session_id)
    assert back.role is Role.VIEWER
    set_role(room, host, back, Role.PARTICIPANT)
    do(room, back, messages.Leave(id=6))
    assert again(room, helper.session_id).role is Role.PARTICIPANT
    set_role(room, host, room.meeting.seat_of(helper.session_id) or back, Role.CO_HOST)
    do(room, back, messages.Leave(id=7))
    assert again(room, helper.session_id).role is Role.CO_HOST


def test_a_demoted_co_host_does_not_pass_the_waiting_room() -> None:
    room, host = meeting()
    helper = room.join(Role.CO_HOST)
    set_role(room, host, helper, Role.PARTICIPANT)
    do(room, host, messages.MeetingModify(id=5, waiting_room=True, admit_personal=False))
    do(room, helper, messages.Leave(id=6))
    joined = room.ask(helper.session_id, messages.Join(id=7, display_name="Helper"), messages.Joined)
    assert joined.state == "lobby"


def test_who_gave_the_hosts_role_away_gets_it_back_by_the_same_link() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT)
    do(room, host, messages.HostPass(id=5, participant_id=ada.participant_id))
    do(room, host, messages.Leave(id=6))
    assert again(room, host.session_id).role is Role.HOST


def test_who_inherits_the_hosts_role_is_demoted_no_more() -> None:
    room, host = meeting()
    helper = room.join(Role.CO_HOST)
    set_role(room, host, helper, Role.PARTICIPANT)
    do(room, host, messages.Leave(id=5))
    assert (helper.role, helper.role_limit) == (Role.HOST, None)


def test_a_meeting_that_is_opened_anew_begins_without_restraints() -> None:
    room, host = meeting()
    ada = room.join(Role.PARTICIPANT)
    mute(room, host, ada)
    do(room, ada, messages.Leave(id=5))
    do(room, host, messages.MeetingEnd(id=6))
    do(room, host, messages.Leave(id=7))
    room.ask(host.session_id, messages.MeetingCreate(id=8, title="Again"), messages.MeetingCreated)
    assert again(room, ada.session_id).held == set()


def test_restraints_are_bounded_and_one_person_has_one() -> None:
    room, host = meeting()
    session_id = room.greet(Role.PARTICIPANT)
    for _ in range(3):
        seat = again(room, session_id)
        mute(room, host, seat)
        do(room, seat, messages.Leave(id=5))
    assert len(room.meeting.restrained) == 1
    room.meeting.restrained *= MAX_RESTRAINTS
    other = room.join(Role.PARTICIPANT)
    mute(room, host, other)
    do(room, other, messages.Leave(id=6))
    assert len(room.meeting.restrained) == MAX_RESTRAINTS
    assert room.meeting.restrained[-1] is other


@pytest.mark.parametrize("seats", [0, 1])
def test_a_link_that_is_shown_alone_is_good_for_what_a_host_left_of_it(seats: int) -> None:
    room, host = meeting()
    other = room.join(Role.HOST, jti=LINK, seats=seats, source_hash=NETWORK)
    set_role(room, host, other, Role.VIEWER)
    for _ in range(2):
        assert role_left(room.meeting, other.claims, (NETWORK,)) is Role.VIEWER
        assert role_left(room.meeting, other.claims, (OTHER_NETWORK,)) is (Role.VIEWER if seats else Role.HOST)
        assert role_left(room.meeting, host.claims, (NETWORK,)) is Role.HOST
        if other.participant_id in room.meeting.participants:
            do(room, other, messages.Leave(id=5))
