import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import MuteTrack
from conclave.meeting.snapshots import snapshot_for
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.rules import MeetingState
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def do(room: MeetingInMemory, who: Participant, request: messages.Request) -> None:
    room.ask(who.session_id, request, messages.Empty)


def microphone(room: MeetingInMemory, who: Participant) -> str:
    (track_id,) = room.ask(who.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published).track_ids
    room.ask(who.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    return track_id


def test_a_locked_meeting_takes_nobody_else_and_keeps_who_is_in() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    do(room, host, messages.MeetingLock(id=1, locked=True))
    with refused(ErrorCode.FORBIDDEN):
        room.join(Role.CO_HOST)
    room.lose(ada)
    room.resume(ada)
    assert ada.participant_id in room.meeting.participants
    do(room, host, messages.MeetingLock(id=2, locked=False))
    assert room.join(Role.PARTICIPANT)
    assert [event.state for event in room.received(ada, messages.MeetingChanged)] == [MeetingState.LOCKED, MeetingState.ACTIVE]


def test_a_suspended_meeting_forwards_nothing_and_takes_no_words() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    tracks = {microphone(room, host), microphone(room, ada)}
    do(room, host, messages.MeetingSuspend(id=3))
    muted = [command for command in room.commands if isinstance(command, MuteTrack)]
    assert {command.track_id for command in muted if command.muted} == tracks
    for request in (
        messages.ReactionSend(id=4, reaction="👍"),
        messages.AudioPublish(id=5, mid="4"),
        messages.HandRaise(id=6, raised=True),
    ):
        with refused(ErrorCode.FORBIDDEN):
            do(room, ada, request)
    with refused(ErrorCode.FORBIDDEN):
        room.join(Role.PARTICIPANT)


def test_resuming_unmutes_only_what_was_not_muted_before() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    loud, silent = microphone(room, host), microphone(room, ada)
    do(room, ada, messages.AudioMute(id=3, track_id=silent, muted=True))
    do(room, host, messages.MeetingLock(id=4, locked=True))
    do(room, host, messages.MeetingSuspend(id=5))
    do(room, host, messages.MeetingResume(id=6))
    muted = {track.track_id: track.muted for track in room.meeting.tracks.values()}
    assert muted == {loud: False, silent: True}
    assert room.meeting.state is MeetingState.LOCKED


def test_where_unmuting_is_off_a_microphone_begins_muted_and_stays_so() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    do(room, host, messages.MeetingModify(id=1, unmute=False))
    track_id = microphone(room, ada)
    assert room.meeting.tracks[next(iter(ada.track_ids))].muted
    with refused(ErrorCode.FORBIDDEN):
        do(room, ada, messages.AudioMute(id=3, track_id=track_id, muted=False))
    do(room, host, messages.ParticipantAllowUnmute(id=4, participant_id=ada.participant_id))
    do(room, ada, messages.AudioMute(id=5, track_id=track_id, muted=False))
    assert not room.meeting.tracks[next(iter(ada.track_ids))].muted


def test_a_hidden_roster_shows_hosts_and_who_publishes() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    do(room, host, messages.MeetingModify(id=1, roster=False))
    bob = room.join(Role.PARTICIPANT, "Bob")
    assert not room.received(ada, messages.ParticipantJoined)
    assert [event.participant.display_name for event in room.received(host, messages.ParticipantJoined)][-1] == "Bob"
    snapshot = snapshot_for(room.change(), ada, room.now)
    assert {info.participant_id for info in snapshot.participants} == {host.participant_id, ada.participant_id}
    microphone(room, bob)
    assert room.received(ada, messages.ParticipantChanged)[-1].participant.display_name == "Bob"
    assert len(snapshot_for(room.change(), ada, room.now).participants) == 3


def test_a_new_title_is_cleaned_and_told() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    do(room, host, messages.MeetingModify(id=1, title="  Budget\u202e  2027 "))
    assert [event.title for event in room.received(host, messages.MeetingChanged)] == ["Budget 2027"]


def test_everybody_learns_why_before_what_is_muted_by_a_suspension() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    microphone(room, ada)
    start = len(room.inbox[ada.session_id])
    do(room, host, messages.MeetingSuspend(id=3))
    do(room, host, messages.MeetingResume(id=4))
    told = [type(event) for event in room.inbox[ada.session_id][start:]]
    assert told == [messages.MeetingChanged, messages.TrackChanged] * 2
