import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import AddTrack, MuteTrack, OpenTransport, RemoveTrack
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TrackId
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def declared(room: MeetingInMemory, who: Participant, request: messages.Request) -> list[str]:
    return room.ask(who.session_id, request, messages.Published).track_ids


def offered(room: MeetingInMemory, who: Participant, *kinds: str) -> str:
    return room.ask(who.session_id, messages.PublisherOffer(id=9, sdp=offer(*kinds)), messages.SdpAnswer).sdp


def test_a_track_is_announced_once_it_was_negotiated() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    microphone, camera = (
        *declared(room, other, messages.AudioPublish(id=1, mid="0")),
        *declared(room, other, messages.VideoPublish(id=2, mid="1")),
    )
    assert not room.received(host, messages.TrackPublished)
    assert "a=recvonly" in offered(room, other, "audio", "video")
    for witness in (host, other):
        tracks = [event.track for event in room.received(witness, messages.TrackPublished)]
        assert {(track.track_id, track.source) for track in tracks} == {
            (microphone, TrackSource.MICROPHONE),
            (camera, TrackSource.CAMERA),
        }
        assert {track.participant_id for track in tracks} == {other.participant_id}
    assert {command.spec.track_id for command in room.commands if isinstance(command, AddTrack)} == {microphone, camera}
    assert sum(isinstance(command, OpenTransport) for command in room.commands) == 1


def test_a_screen_share_declares_its_picture_and_its_sound() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    screen, sound = declared(room, host, messages.ScreenPublish(id=1, mid="0", audio_mid="1"))
    offered(room, host, "video", "audio")
    sources = {event.track.track_id: event.track.source for event in room.received(host, messages.TrackPublished)}
    assert sources == {screen: TrackSource.SCREEN, sound: TrackSource.SCREEN_AUDIO}


def test_a_screen_and_its_sound_cannot_be_one_m_section() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with refused(ErrorCode.INVALID):
        declared(room, host, messages.ScreenPublish(id=1, mid="0", audio_mid="0"))
    assert room.meeting.tracks == {}


def test_a_screen_whose_sound_is_refused_is_not_declared_either() -> None:
    room = MeetingInMemory(Limits(waiting_room=False, max_tracks_per_participant=2))
    host = room.sit(room.open())
    declared(room, host, messages.AudioPublish(id=1, mid="0"))
    with refused(ErrorCode.TOO_LARGE):
        declared(room, host, messages.ScreenPublish(id=1, mid="1", audio_mid="2"))
    assert len(room.meeting.tracks) == 1
    declared(room, host, messages.VideoPublish(id=1, mid="1"))


def test_a_refused_sound_leaves_a_screen_alone_that_was_declared_before() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    screen = declared(room, host, messages.ScreenPublish(id=1, mid="1"))
    declared(room, host, messages.AudioPublish(id=1, mid="2"))
    with refused(ErrorCode.CONFLICT):
        declared(room, host, messages.ScreenPublish(id=1, mid="1", audio_mid="2"))
    assert set(screen) <= room.meeting.tracks.keys()


def test_declaring_the_same_again_gives_the_same_track() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    assert declared(room, host, messages.AudioPublish(id=1, mid="0")) == declared(
        room, host, messages.AudioPublish(id=2, mid="0")
    )


def test_several_people_may_share_their_screens_at_once() -> None:
    room = MeetingInMemory()
    for who in (room.sit(room.open()), room.join(Role.PARTICIPANT)):
        declared(room, who, messages.ScreenPublish(id=1, mid="0"))
        offered(room, who, "video")
    assert [track.source for track in room.meeting.tracks.values()] == [TrackSource.SCREEN] * 2


def test_nobody_declares_more_tracks_than_the_limit() -> None:
    room = MeetingInMemory(Limits(waiting_room=False, max_tracks_per_participant=3))
    host = room.sit(room.open())
    for mid in "012":
        declared(room, host, messages.VideoPublish(id=1, mid=mid))
    with refused(ErrorCode.TOO_LARGE):
        declared(room, host, messages.VideoPublish(id=1, mid="3"))
    assert len(room.meeting.tracks) == 3


def test_an_offer_that_sends_what_was_never_declared_is_refused_and_changes_nothing() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with pytest.raises(Refused):
        offered(room, host, "audio")
    assert room.commands == []
    assert not room.received(host, messages.TrackPublished)


def test_an_offer_that_is_no_sdp_is_invalid() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with refused(ErrorCode.INVALID):
        room.ask(host.session_id, messages.PublisherOffer(id=1, sdp="hello"), messages.SdpAnswer)


def test_an_unpublished_track_is_gone_for_everybody() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    (track_id,) = declared(room, other, messages.AudioPublish(id=1, mid="0"))
    offered(room, other, "audio")
    room.ask(other.session_id, messages.Unpublish(id=1, track_id=track_id), messages.Empty)
    assert room.received(host, messages.TrackUnpublished) == [messages.TrackUnpublished(track_id)]
    assert room.meeting.tracks == {}
    assert RemoveTrack(TrackId(track_id)) in room.commands
    with refused(ErrorCode.NOT_FOUND):
        room.ask(other.session_id, messages.Unpublish(id=1, track_id=track_id), messages.Empty)


def test_a_declaration_can_be_taken_back_and_nobody_hears_of_it() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    (track_id,) = declared(room, host, messages.AudioPublish(id=1, mid="0"))
    room.ask(host.session_id, messages.Unpublish(id=1, track_id=track_id), messages.Empty)
    assert room.meeting.tracks == {}
    assert not room.received(host, messages.TrackUnpublished)


def test_muting_ones_own_track_is_seen_by_all_and_done_by_the_plane() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    (track_id,) = declared(room, other, messages.AudioPublish(id=1, mid="0"))
    offered(room, other, "audio")
    for muted in (True, True, False):
        room.ask(other.session_id, messages.AudioMute(id=1, track_id=track_id, muted=muted), messages.Empty)
    assert [event.track.muted for event in room.received(host, messages.TrackChanged)] == [True, False]
    assert [command.muted for command in room.commands if isinstance(command, MuteTrack)] == [True, False]


def test_a_track_muted_before_it_is_negotiated_comes_muted() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    (track_id,) = declared(room, host, messages.AudioPublish(id=1, mid="0"))
    room.ask(host.session_id, messages.AudioMute(id=1, track_id=track_id, muted=True), messages.Empty)
    assert not room.received(host, messages.TrackChanged)
    offered(room, host, "audio")
    assert [event.track.muted for event in room.received(host, messages.TrackPublished)] == [True]
    assert MuteTrack(TrackId(track_id), True) in room.commands


def test_audio_mute_takes_no_camera_and_video_mute_no_microphone() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    (microphone,) = declared(room, host, messages.AudioPublish(id=1, mid="0"))
    (camera,) = declared(room, host, messages.VideoPublish(id=1, mid="1"))
    with refused(ErrorCode.INVALID):
        room.ask(host.session_id, messages.AudioMute(id=1, track_id=camera, muted=True), messages.Empty)
    with refused(ErrorCode.INVALID):
        room.ask(host.session_id, messages.VideoMute(id=1, track_id=microphone, muted=True), messages.Empty)


def test_nobody_touches_anothers_track() -> None:
    room = MeetingInMemory()
    host, other = room.sit(room.open()), room.join(Role.PARTICIPANT)
    (track_id,) = declared(room, other, messages.AudioPublish(id=1, mid="0"))
    for request in (
        messages.AudioMute(id=1, track_id=track_id, muted=False),
        messages.AudioMute(id=1, track_id=track_id, muted=True),
        messages.Unpublish(id=1, track_id=track_id),
    ):
        with refused(ErrorCode.NOT_FOUND):
            room.ask(host.session_id, request, messages.Empty)


@pytest.mark.parametrize("kind", ["audio", "video", "screen", "offer"])
def test_a_viewer_publishes_nothing_by_any_message(kind: str) -> None:
    room = MeetingInMemory()
    room.open()
    viewer = room.join(Role.VIEWER)
    request = {
        "audio": messages.AudioPublish(id=1, mid="0"),
        "video": messages.VideoPublish(id=1, mid="0"),
        "screen": messages.ScreenPublish(id=1, mid="0"),
        "offer": messages.PublisherOffer(id=1, sdp=offer("audio")),
    }[kind]
    with refused(ErrorCode.UNAUTHORIZED):
        room.ask(viewer.session_id, request, messages.Empty)
    assert room.commands == []
