import os

import pytest
from tests.support.offers import offer

from conclave.app.rooms import Rooms, candidates_of
from conclave.media.commands import OpenTransport
from conclave.media.room import RoomLimits
from conclave.model.ids import MeetingId, ParticipantId
from conclave.model.media import TrackSource
from conclave.plane.plane import LaneAddress

LANES = (LaneAddress("127.0.0.1", 7_000), LaneAddress("127.0.0.1", 7_001))
ANN = ParticipantId("ann")


def lane_of_next(rooms: Rooms) -> tuple[int, str]:
    room = rooms.open(MeetingId("m"))
    room.declare(ANN, "0", TrackSource.MICROPHONE)
    answer = room.publisher_offer(ANN, offer("audio"), 0.0)
    return next(effect.lane for effect in room.take_effects() if isinstance(effect, OpenTransport)), answer


def test_udp_comes_before_tcp_on_the_same_port() -> None:
    candidates = candidates_of(["192.0.2.1", "2001:db8::1"], 7_000)
    assert [candidate.transport for candidate in candidates] == ["udp", "udp", "tcp", "tcp"]
    assert {candidate.port for candidate in candidates} == {7_000}


def test_meetings_take_the_lanes_in_turn_with_the_port_of_their_lane() -> None:
    rooms = Rooms(LANES, ["127.0.0.1"], os.urandom, RoomLimits())
    opened = [lane_of_next(rooms) for _ in range(4)]
    assert [lane for lane, _ in opened] == [0, 1, 0, 1]
    for lane, answer in opened:
        assert f" {LANES[lane].port} typ host" in answer
        assert f" {LANES[1 - lane].port} typ host" not in answer


def test_an_announced_address_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="localhost"):
        Rooms(LANES, ["localhost"], os.urandom, RoomLimits())
