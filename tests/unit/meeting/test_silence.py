from itertools import product

import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting import silence
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.rules import MeetingState
from conclave.signaling import messages


@pytest.mark.parametrize(("chosen", "held", "suspended"), list(product((False, True), repeat=3)))
def test_each_reason_alone_silences_a_track(chosen: bool, held: bool, suspended: bool) -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    (track,) = room.meeting.tracks.values()
    track.muted_by_owner = chosen
    host.held = {TrackSource.MICROPHONE} if held else set()
    room.meeting.state = MeetingState.SUSPENDED if suspended else MeetingState.ACTIVE
    silence.settle_all(room.change())
    assert track.muted is (chosen or held or suspended)
    assert room.meeting.main.media.is_muted(track.track_id) is track.muted


def test_a_held_source_cannot_be_unmuted_by_any_role() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    host.held = {TrackSource.CAMERA}
    assert not silence.may_unmute(room.change(), host, TrackSource.CAMERA)
    assert silence.may_unmute(room.change(), host, TrackSource.MICROPHONE)


def test_the_sound_of_a_screen_is_held_with_the_microphone_but_not_its_picture() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    host.held = {TrackSource.MICROPHONE}
    assert silence.is_held(host, TrackSource.SCREEN_AUDIO)
    assert not silence.is_held(host, TrackSource.SCREEN)
    host.held = {TrackSource.SCREEN_AUDIO}
    assert not silence.is_held(host, TrackSource.MICROPHONE)


def test_the_switch_holds_for_sound_of_those_under_co_hosts() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    helper, ada = room.join(Role.CO_HOST), room.join(Role.PARTICIPANT)
    room.ask(host.session_id, messages.MeetingModify(id=1, unmute=False), messages.Empty)
    context = room.change()
    assert silence.may_unmute(context, helper, TrackSource.MICROPHONE)
    assert not silence.may_unmute(context, ada, TrackSource.MICROPHONE)
    assert not silence.may_unmute(context, ada, TrackSource.SCREEN_AUDIO)
    assert silence.may_unmute(context, ada, TrackSource.CAMERA)
