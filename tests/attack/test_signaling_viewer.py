"""A viewer tries to publish by every message that carries SDP. No track and no inbound stream ever comes of it."""

from contextlib import suppress

import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import answer, offer

from conclave.media.commands import AddTrack
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.signaling import messages


def meeting_with_viewer() -> tuple[MeetingInMemory, Participant]:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    room.ask(host.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    room.commands.clear()
    return room, room.sit(room.greet(Role.VIEWER), auto_subscribe=True)


def nothing_is_published(room: MeetingInMemory, viewer: Participant) -> None:
    assert not [command for command in room.commands if isinstance(command, AddTrack)]
    assert viewer.track_ids == set()


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv", "recvonly", "inactive"])
def test_a_publisher_offer_is_unauthorized_whatever_it_says(direction: str) -> None:
    room, viewer = meeting_with_viewer()
    with pytest.raises(Refused) as caught:
        room.ask(viewer.session_id, messages.PublisherOffer(id=1, sdp=offer("audio", direction=direction)), messages.SdpAnswer)
    assert caught.value.code is ErrorCode.UNAUTHORIZED
    nothing_is_published(room, viewer)


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_an_answer_that_sends_publishes_nothing(direction: str) -> None:
    room, viewer = meeting_with_viewer()
    (event,) = room.received(viewer, messages.SubscriberOffer)
    sdp = answer(event.sdp).replace("a=recvonly", f"a={direction}")
    with suppress(Refused):
        room.ask(viewer.session_id, messages.SubscriberAnswer(id=1, revision=event.revision, sdp=sdp), messages.Empty)
    nothing_is_published(room, viewer)


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_a_playback_offer_that_sends_publishes_nothing(direction: str) -> None:
    room, viewer = meeting_with_viewer()
    with suppress(Refused):
        result = room.ask(
            viewer.session_id, messages.PlaybackOffer(id=1, sdp=offer("audio", direction=direction)), messages.SdpAnswer
        )
        assert "a=recvonly" not in result.sdp
        assert "a=sendrecv" not in result.sdp
    nothing_is_published(room, viewer)


def test_a_demoted_host_keeps_what_a_co_host_may_and_no_more() -> None:
    room = MeetingInMemory()
    host, viewer = room.sit(room.open()), room.join(Role.VIEWER)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=viewer.participant_id), messages.Empty)
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    with pytest.raises(Refused) as caught:
        room.ask(host.session_id, messages.HostPass(id=1, participant_id=viewer.participant_id), messages.Empty)
    assert caught.value.code is ErrorCode.UNAUTHORIZED
