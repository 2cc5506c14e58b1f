import pytest
from tests.support.media_rooms import ANN, AV_OFFER, BOB, Room, refused
from tests.support.sdp_clients import offer, section, sources_of

from conclave.media.commands import (
    AddTrack,
    MuteTrack,
    OpenTransport,
    RemoveTrack,
    RestartIce,
    SetRemb,
    SetRoute,
    UpdateTrack,
)
from conclave.media.notices import (
    SlotsChanged,
    TrackGone,
    TrackLive,
    TransportStateChanged,
)
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode
from conclave.model.ids import TrackId
from conclave.model.media import TrackSource


@pytest.fixture
def meeting() -> Room:
    return Room()


def test_publishing_opens_a_transport_adds_tracks_caps_them_and_puts_them_on_the_roster(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    effects = meeting.take()
    assert [type(effect) for effect in effects] == [
        OpenTransport,
        TransportStateChanged,
        AddTrack,
        TrackLive,
        AddTrack,
        TrackLive,
        SetRemb,
    ]
    assert isinstance(effects[0], OpenTransport)
    assert effects[0].lane == 3
    assert effects[3] == TrackLive(microphone, ANN, TrackSource.MICROPHONE, False)
    assert isinstance(effects[-1], SetRemb)
    assert effects[-1].bitrate_bps == 2_500_000 + 128_000
    assert meeting.tracks == {microphone, camera}


def test_a_refused_offer_leaves_nothing_behind(meeting: Room) -> None:
    assert refused(meeting.room.publisher_offer, ANN, AV_OFFER, 0.0) is ErrorCode.FORBIDDEN
    assert meeting.take() == []
    meeting.publish(ANN)
    assert len(meeting.tracks) == 0
    meeting.take()
    assert len(meeting.tracks) == 2


def test_declaring_the_same_twice_gives_the_same_track_and_something_else_is_a_conflict(meeting: Room) -> None:
    first = meeting.room.declare(ANN, "0", TrackSource.MICROPHONE)
    assert meeting.room.declare(ANN, "0", TrackSource.MICROPHONE) == first
    assert refused(meeting.room.declare, ANN, "0", TrackSource.CAMERA) is ErrorCode.CONFLICT


def test_a_participant_publishes_at_most_eight_tracks(meeting: Room) -> None:
    for number in range(8):
        meeting.room.declare(ANN, str(number), TrackSource.CAMERA)
    assert refused(meeting.room.declare, ANN, "8", TrackSource.CAMERA) is ErrorCode.TOO_LARGE


def test_unpublishing_takes_a_track_from_everybody_before_it_is_removed(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.room.auto_subscribe(BOB, True, 0.0)
    meeting.settle()
    meeting.room.unpublish(ANN, camera, meeting.now)
    effects = meeting.take()
    assert [type(effect) for effect in effects] == [SetRoute, SlotsChanged, RemoveTrack, TrackGone, SetRemb]
    assert meeting.shown(BOB) == {microphone}
    assert refused(meeting.room.publisher_offer, ANN, AV_OFFER, meeting.now) is ErrorCode.FORBIDDEN


def test_only_ones_own_track_can_be_unpublished(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    assert refused(meeting.room.unpublish, BOB, microphone, 0.0) is ErrorCode.NOT_FOUND
    assert refused(meeting.room.unpublish, BOB, TrackId("ghost"), 0.0) is ErrorCode.NOT_FOUND


def test_a_track_can_be_declared_anew_for_the_section_of_an_unpublished_one(meeting: Room) -> None:
    _, camera = meeting.publish(ANN)
    meeting.room.unpublish(ANN, camera, 0.0)
    again = meeting.room.declare(ANN, "1", TrackSource.CAMERA)
    assert again != camera
    meeting.room.publisher_offer(ANN, AV_OFFER, 0.0)
    meeting.take()
    assert again in meeting.tracks
    assert camera not in meeting.tracks


def test_a_re_offer_that_ends_a_section_ends_its_track(meeting: Room) -> None:
    microphone, camera = meeting.publish(ANN)
    meeting.take()
    meeting.room.publisher_offer(ANN, offer(section("0", "audio"), section("1", direction="inactive")), 0.0)
    effects = meeting.take()
    assert TrackGone(camera, ANN) in effects
    assert meeting.tracks == {microphone}


def test_an_ssrc_that_is_announced_later_updates_the_track(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    meeting.take()
    meeting.room.publisher_offer(ANN, offer(section("0", "audio", sources=sources_of(77)), section("1")), 0.0)
    (update,) = meeting.take()
    assert isinstance(update, UpdateTrack)
    assert (update.spec.track_id, update.spec.ssrc) == (microphone, 77)


def test_a_publisher_ice_restart_changes_our_credentials_too(meeting: Room) -> None:
    meeting.publish(ANN)
    before = parse_sdp(meeting.room.publisher_offer(ANN, AV_OFFER, 0.0)).sections[0]
    meeting.take()
    text = offer(section("0", "audio", ice_ufrag="newu", ice_pwd="n" * 24), section("1", ice_ufrag="newu", ice_pwd="n" * 24))
    after = parse_sdp(meeting.room.publisher_offer(ANN, text, 0.0)).sections[0]
    (restart,) = meeting.take()
    assert isinstance(restart, RestartIce)
    assert restart.old_ufrag == before.ice_ufrag
    assert after.ice_ufrag != before.ice_ufrag


def test_muting_reaches_the_plane_once_and_the_roster_of_those_who_publish_later(meeting: Room) -> None:
    microphone, _ = meeting.publish(ANN)
    meeting.take()
    meeting.room.mute(microphone, True)
    meeting.room.mute(microphone, True)
    assert meeting.take() == [MuteTrack(microphone, True)]
    assert meeting.room.is_muted(microphone)
    assert refused(meeting.room.mute, TrackId("ghost"), True) is ErrorCode.NOT_FOUND


def test_a_track_that_was_muted_before_it_went_live_is_live_muted(meeting: Room) -> None:
    microphone = meeting.room.declare(ANN, "0", TrackSource.MICROPHONE)
    meeting.room.mute(microphone, True)
    meeting.room.publisher_offer(ANN, offer(section("0", "audio")), 0.0)
    effects = meeting.take()
    assert MuteTrack(microphone, True) in effects
    assert TrackLive(microphone, ANN, TrackSource.MICROPHONE, True) in effects


def test_a_check_of_declarations_says_what_declaring_would_and_declares_nothing(meeting: Room) -> None:
    room = meeting.room
    room.declare(ANN, "0", TrackSource.MICROPHONE)
    assert refused(room.check_declarations, ANN, {"0": TrackSource.CAMERA}) is ErrorCode.CONFLICT
    assert refused(room.check_declarations, ANN, {str(mid): TrackSource.MICROPHONE for mid in range(9)}) is ErrorCode.TOO_LARGE
    for _ in range(2):
        room.check_declarations(ANN, {str(mid): TrackSource.MICROPHONE for mid in range(8)})
