import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import OpenTransport
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.signaling import messages


def refused(code: ErrorCode) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def publishing() -> tuple[MeetingInMemory, Participant, str]:
    room = MeetingInMemory()
    host = room.sit(room.open())
    (track_id,) = room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published).track_ids
    room.ask(host.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    return room, host, track_id


def test_a_subscription_brings_an_offer() -> None:
    room, _, track_id = publishing()
    viewer = room.join(Role.VIEWER)
    room.ask(viewer.session_id, messages.Subscribe(id=1, track_ids=[track_id]), messages.Empty)
    room.advance(0.2)
    (offer_event,) = room.received(viewer, messages.SubscriberOffer)
    assert "a=sendonly" in offer_event.sdp
    assert room.received(viewer, messages.TransportState) == [messages.TransportState("subscriber", "connecting")]
    assert sum(isinstance(command, OpenTransport) for command in room.commands) == 2


def test_an_unknown_track_cannot_be_subscribed_and_nothing_of_the_request_is_done() -> None:
    room, _, track_id = publishing()
    viewer = room.join(Role.VIEWER)
    with refused(ErrorCode.NOT_FOUND):
        room.ask(viewer.session_id, messages.Subscribe(id=1, track_ids=[track_id, "x" * 16]), messages.Empty)
    room.advance(1)
    assert not room.received(viewer, messages.SubscriberOffer)


def test_nobody_receives_its_own_tracks() -> None:
    room, host, track_id = publishing()
    with refused(ErrorCode.FORBIDDEN):
        room.ask(host.session_id, messages.Subscribe(id=1, track_ids=[track_id]), messages.Empty)


def test_unsubscribing_what_is_gone_is_harmless() -> None:
    room, _, _ = publishing()
    viewer = room.join(Role.VIEWER)
    room.ask(viewer.session_id, messages.Unsubscribe(id=1, track_ids=["x" * 16]), messages.Empty)


def test_an_answer_that_nobody_asked_for_is_a_conflict() -> None:
    room, _, _ = publishing()
    viewer = room.join(Role.VIEWER)
    with refused(ErrorCode.CONFLICT):
        room.ask(viewer.session_id, messages.SubscriberAnswer(id=1, revision=1, sdp=offer("audio")), messages.Empty)


def test_asking_for_a_restart_opens_the_receiving_connection_when_there_is_none() -> None:
    room, _, _ = publishing()
    viewer = room.join(Role.VIEWER)
    room.ask(viewer.session_id, messages.SubscriberRestart(id=1), messages.Empty)


def test_a_client_that_offers_gets_an_answer_that_sends() -> None:
    room, _, track_id = publishing()
    viewer = room.join(Role.VIEWER)
    request = messages.PlaybackOffer(id=1, sdp=offer("audio", direction="recvonly"))
    assert "a=sendonly" in room.ask(viewer.session_id, request, messages.SdpAnswer).sdp
    room.ask(viewer.session_id, messages.Subscribe(id=2, track_ids=[track_id]), messages.Empty)
    (mapping,) = (event.slots for event in room.received(viewer, messages.SubscriberSlots)[-1:])
    assert mapping == [messages.SlotInfo("0", track_id)]
