import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import AddTrack, CloseTransport, MuteTrack, RemoveTrack
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def do(room: MeetingInMemory, who: Participant, request: messages.Request) -> None:
    room.ask(who.session_id, request, messages.Empty)


def microphone(room: MeetingInMemory, who: Participant) -> str:
    (track_id,) = room.ask(who.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published).track_ids
    room.ask(who.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    return track_id


def mute(who: Participant, *, hard: bool) -> messages.ParticipantMute:
    return messages.ParticipantMute(id=3, participant_id=who.participant_id, hard=hard)


def muted_in_plane(room: MeetingInMemory, track_id: str) -> bool:
    mutes = [command.muted for command in room.commands if isinstance(command, MuteTrack) and command.track_id == track_id]
    return bool(mutes) and mutes[-1]


def test_a_hard_mute_silences_the_plane_and_its_owner_cannot_undo_it() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id = microphone(room, ada)
    do(room, host, mute(ada, hard=True))
    assert muted_in_plane(room, track_id)
    with refused(ErrorCode.FORBIDDEN):
        do(room, ada, messages.AudioMute(id=4, track_id=track_id, muted=False))
    assert muted_in_plane(room, track_id)
    assert room.received(host, messages.ParticipantChanged)[-1].participant.held == [TrackSource.MICROPHONE]


def test_the_owner_learns_that_it_is_held_before_it_is_muted() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    microphone(room, ada)
    start = len(room.inbox[ada.session_id])
    do(room, host, mute(ada, hard=True))
    assert [type(event) for event in room.inbox[ada.session_id][start:]] == [messages.ParticipantChanged, messages.TrackChanged]


def test_a_hard_mute_holds_for_a_track_that_is_published_later() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    do(room, host, mute(ada, hard=True))
    track_id = microphone(room, ada)
    about = [type(command) for command in room.commands if isinstance(command, AddTrack | MuteTrack)]
    assert about == [AddTrack, MuteTrack]
    assert muted_in_plane(room, track_id)
    assert room.received(host, messages.TrackPublished)[-1].track.muted


def test_lifting_a_hard_mute_unmutes_nobody_and_asks_the_owner() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id = microphone(room, ada)
    do(room, host, mute(ada, hard=True))
    do(room, host, messages.ParticipantAllowUnmute(id=5, participant_id=ada.participant_id))
    assert muted_in_plane(room, track_id)
    assert [event.source for event in room.received(ada, messages.UnmuteRequested)] == [TrackSource.MICROPHONE]
    do(room, ada, messages.AudioMute(id=6, track_id=track_id, muted=False))
    assert not muted_in_plane(room, track_id)


def test_a_soft_mute_is_undone_by_its_owner() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    track_id = microphone(room, ada)
    do(room, host, mute(ada, hard=False))
    assert muted_in_plane(room, track_id)
    do(room, ada, messages.AudioMute(id=6, track_id=track_id, muted=False))
    assert not muted_in_plane(room, track_id)


def test_lifting_a_hard_mute_does_not_let_the_sound_of_a_screen_through_either() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    request = messages.ScreenPublish(id=1, mid="1", audio_mid="0")
    _, sound = room.ask(ada.session_id, request, messages.Published).track_ids
    room.ask(ada.session_id, messages.PublisherOffer(id=2, sdp=offer("audio", "video")), messages.SdpAnswer)
    do(room, host, mute(ada, hard=True))
    assert muted_in_plane(room, sound)
    do(room, host, messages.ParticipantAllowUnmute(id=5, participant_id=ada.participant_id))
    assert muted_in_plane(room, sound)
    do(room, ada, messages.AudioMute(id=6, track_id=sound, muted=False))
    assert not muted_in_plane(room, sound)


def test_stopping_a_camera_leaves_the_permission_to_unmute() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    do(room, host, messages.MeetingModify(id=1, unmute=False))
    do(room, host, messages.ParticipantAllowUnmute(id=2, participant_id=ada.participant_id))
    do(room, host, messages.ParticipantMute(id=3, participant_id=ada.participant_id, source=TrackSource.CAMERA))
    assert ada.unmute_allowed
    do(room, host, mute(ada, hard=False))
    assert not ada.unmute_allowed


def test_muting_everybody_spares_hosts_and_co_hosts() -> None:
    room = MeetingInMemory()
    host, helper, ada = room.sit(room.open()), room.join(Role.CO_HOST), room.join(Role.PARTICIPANT)
    tracks = [microphone(room, who) for who in (host, helper, ada)]
    do(room, host, messages.ParticipantsMute(id=3, hard=True))
    assert [muted_in_plane(room, track_id) for track_id in tracks] == [False, False, True]


def test_muting_everybody_is_one_record_however_many_they_are() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    for _ in range(3):
        room.join(Role.PARTICIPANT)
    before = len(room.audited)
    do(room, host, messages.ParticipantsMute(id=3, hard=True))
    (event,) = room.audited[before:]
    assert (event.type, event.participant_id, event.details["count"]) == ("participants_muted", host.participant_id, 3)


def test_a_co_host_cannot_mute_a_host() -> None:
    room = MeetingInMemory()
    host, helper = room.sit(room.open()), room.join(Role.CO_HOST)
    with refused(ErrorCode.FORBIDDEN):
        do(room, helper, mute(host, hard=True))


def test_a_demotion_to_viewer_ends_tracks_and_the_publishing_connection() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    microphone(room, ada)
    room.ask(ada.session_id, messages.VideoPublish(id=4, mid="7"), messages.Published)
    do(room, host, messages.ParticipantSetRole(id=5, participant_id=ada.participant_id, role=Role.VIEWER))
    assert [type(command) for command in room.commands[-2:]] == [RemoveTrack, CloseTransport]
    assert (ada.role, ada.track_ids) == (Role.VIEWER, set())
    assert room.meeting.tracks == {}
    with refused(ErrorCode.UNAUTHORIZED):
        room.ask(ada.session_id, messages.PublisherOffer(id=6, sdp=offer("audio")), messages.SdpAnswer)


def test_a_promotion_gives_the_right_to_publish() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.VIEWER)
    do(room, host, messages.ParticipantSetRole(id=5, participant_id=ada.participant_id, role=Role.PARTICIPANT))
    assert microphone(room, ada)


def test_only_a_host_changes_roles() -> None:
    room = MeetingInMemory()
    room.sit(room.open())
    helper, ada = room.join(Role.CO_HOST), room.join(Role.VIEWER)
    with refused(ErrorCode.UNAUTHORIZED):
        do(room, helper, messages.ParticipantSetRole(id=5, participant_id=ada.participant_id, role=Role.PARTICIPANT))


def test_removal_closes_the_transports_in_the_same_drain() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
    microphone(room, ada)
    do(room, host, messages.ParticipantRemove(id=5, participant_id=ada.participant_id))
    assert sum(isinstance(command, CloseTransport) for command in room.commands) == 2
    assert room.disconnected == [ada.session_id]
    assert [event.reason for event in room.received(host, messages.ParticipantLeft)] == ["removed"]


def test_nothing_happens_to_anybody_while_the_audit_log_fails() -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    room.audit_works = False
    for request in (
        messages.ParticipantRemove(id=5, participant_id=ada.participant_id, ban=True),
        mute(ada, hard=True),
        messages.ParticipantSetRole(id=5, participant_id=ada.participant_id, role=Role.VIEWER),
    ):
        with pytest.raises(Unavailable):
            do(room, host, request)
    assert (ada.role, ada.held, room.disconnected) == (Role.PARTICIPANT, set(), [])
    room.audit_works = True
    assert room.sit(room.greet(Role.PARTICIPANT, jti=ada.jti))


def test_a_removed_host_loses_a_second_seat_as_host_and_the_one_who_removes_keeps_his() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    host.device_id = "d" * 16
    for _ in range(2):
        other = room.join(Role.HOST, device_id="d" * 16)
    do(room, host, messages.ParticipantRemove(id=5, participant_id=other.participant_id))
    assert list(room.meeting.participants) == [host.participant_id]
