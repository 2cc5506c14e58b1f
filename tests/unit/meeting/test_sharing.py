import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.roles import Role
from conclave.signaling import messages
from conclave.signaling.messages import ScreenShareMode


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def share(room: MeetingInMemory, who: Participant, *, take_over: bool = False) -> None:
    room.ask(who.session_id, messages.ScreenPublish(id=1, mid="5", take_over=take_over), messages.Published)


def control(room: MeetingInMemory, host: Participant, who: Participant, *, allowed: bool) -> None:
    request = messages.ScreenShareControl(id=2, participant_id=who.participant_id, allowed=allowed)
    room.ask(host.session_id, request, messages.Empty)


def meeting(mode: ScreenShareMode) -> tuple[MeetingInMemory, Participant, Participant, Participant]:
    room = MeetingInMemory()
    host, ada, bob = room.sit(room.open()), room.join(Role.PARTICIPANT), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.MeetingModify(id=1, screen_share=mode), messages.Empty)
    return room, host, ada, bob


def test_one_at_a_time_means_that_the_second_waits() -> None:
    room, host, ada, bob = meeting(ScreenShareMode.ONE)
    share(room, ada)
    with refused(ErrorCode.CONFLICT):
        share(room, bob)
    with refused(ErrorCode.FORBIDDEN):
        share(room, bob, take_over=True)
    share(room, host, take_over=True)
    assert ada.track_ids == set()
    assert [event.reason for event in room.received(ada, messages.ScreenShareStopped)] == ["taken_over"]


def test_taking_over_is_on_record_and_happens_to_nobody_while_it_cannot_be() -> None:
    room, host, ada, _ = meeting(ScreenShareMode.ONE)
    share(room, ada)
    room.audit_works = False
    with pytest.raises(Unavailable):
        share(room, host, take_over=True)
    assert (len(ada.track_ids), host.track_ids) == (1, set())
    room.audit_works = True
    share(room, host, take_over=True)
    event = room.audited[-1]
    assert (event.type, event.participant_id, event.details) == (
        "screen_share_taken_over", ada.participant_id, {"by": host.participant_id},
    )  # fmt: skip


@pytest.mark.parametrize("audio_mid", [None, "0"])
def test_a_share_that_cannot_begin_takes_over_none(audio_mid: str | None) -> None:
    room, host, ada, _ = meeting(ScreenShareMode.ONE)
    share(room, ada)
    mid = "0" if audio_mid is None else "1"
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    request = messages.ScreenPublish(id=2, mid=mid, audio_mid=audio_mid, take_over=True)
    before = len(room.audited)
    with refused(ErrorCode.CONFLICT):
        room.ask(host.session_id, request, messages.Published)
    assert (len(ada.track_ids), len(host.track_ids), len(room.audited)) == (1, 1, before)


def test_who_is_no_host_any_more_shares_no_longer_where_only_hosts_may() -> None:
    room, host, _, _ = meeting(ScreenShareMode.HOSTS)
    helper = room.join(Role.CO_HOST)
    share(room, helper)
    request = messages.ParticipantSetRole(id=3, participant_id=helper.participant_id, role=Role.PARTICIPANT)
    room.ask(host.session_id, request, messages.Empty)
    assert helper.track_ids == set()
    assert [event.reason for event in room.received(helper, messages.ScreenShareStopped)] == ["demoted"]


def test_only_hosts_share_where_they_say_so_and_whom_they_allow() -> None:
    room, host, ada, bob = meeting(ScreenShareMode.HOSTS)
    with refused(ErrorCode.FORBIDDEN):
        share(room, ada)
    control(room, host, bob, allowed=True)
    share(room, bob)
    share(room, host)


def test_a_stopped_share_cannot_begin_anew_until_it_is_allowed() -> None:
    room, host, ada, _ = meeting(ScreenShareMode.ALL)
    share(room, ada)
    control(room, host, ada, allowed=False)
    assert ada.track_ids == set()
    with refused(ErrorCode.FORBIDDEN):
        share(room, ada)
    control(room, host, ada, allowed=True)
    share(room, ada)


def test_restricting_to_hosts_ends_the_shares_of_others() -> None:
    room, host, ada, _ = meeting(ScreenShareMode.ALL)
    share(room, ada)
    room.ask(host.session_id, messages.MeetingModify(id=3, screen_share=ScreenShareMode.HOSTS), messages.Empty)
    assert room.meeting.tracks == {}
