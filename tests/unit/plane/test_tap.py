"""The tap: what a recorder gets of a track, and that it cannot hold up or reach beyond it."""

import pytest
from tests.unit.plane.far_end import VP8_KEYFRAME, FarEnd, Room, add_track, rtcp_parts, rtp, sender_report

from conclave.plane.plane import LaneAddress, LaneCore, Plane, TappedPacket, TappedReport

NTP = 0xE0000000_80000000


def tapped(room: Room) -> list[TappedPacket]:
    return [entry for entry in room.core.read_tap() if isinstance(entry, TappedPacket)]


def test_a_tapped_packet_comes_up_decrypted_and_is_still_forwarded() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    forwarded = room.publish(65_534, payload=VP8_KEYFRAME + b"picture", timestamp=7, marker=True)
    assert [packet.payload for packet in forwarded] == [VP8_KEYFRAME + b"picture"]
    (packet,) = tapped(room)
    assert packet.payload == VP8_KEYFRAME + b"picture"
    assert (packet.track, packet.payload_type, packet.marker, packet.timestamp) == (room.track, 96, True, 7)
    assert packet.arrival_ns == room.now
    assert packet.sequence_number & 0xFFFF == 65_534


def test_numbers_go_on_over_a_wrap_of_the_sequence_number() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    room.publish(65_534, 65_535, 0, 1)
    indexes = [packet.sequence_number for packet in tapped(room)]
    assert indexes == list(range(indexes[0], indexes[0] + 4))


def test_nothing_comes_up_before_the_tap_is_on_nor_after_it_is_off() -> None:
    room = Room()
    room.publish(1)
    room.core.set_tap(room.track, True)
    room.publish(2)
    room.core.set_tap(room.track, False)
    room.publish(3)
    assert [packet.sequence_number & 0xFFFF for packet in tapped(room)] == [2]


def test_only_the_tapped_track_comes_up() -> None:
    room = Room()
    other = add_track(room.core, room.publisher, video=False, mid=b"1", ssrc=0x2222)
    room.core.set_tap(other, True)
    room.push(room.publisher.sent(seq=1), room.publisher.sent(seq=1, ssrc=0x2222, payload_type=111, payload=b"sound"))
    assert [packet.payload for packet in tapped(room)] == [b"sound"]


def test_a_muted_track_gives_nothing_to_the_tap() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    room.core.set_muted(room.track, True)
    room.publish(1)
    assert tapped(room) == []


def test_a_repaired_packet_comes_up_once_with_its_own_number() -> None:
    room = Room(rtx_ssrc=0x1112)
    room.core.set_tap(room.track, True)
    room.publish(1, 3)
    repaired = rtp(9, ssrc=0x1112, payload_type=97, payload=(2).to_bytes(2, "big") + b"\x00again")
    room.push(room.publisher.protect(repaired))
    room.publish(2)
    assert [packet.sequence_number & 0xFFFF for packet in tapped(room)] == [1, 3, 2]


def repair(room: Room, seq: int) -> None:
    again = rtp(100 + seq, ssrc=0x1112, payload_type=97, payload=seq.to_bytes(2, "big") + b"\x00again")
    room.push(room.publisher.protect(again))


def test_what_was_sent_before_the_tap_was_on_does_not_come_up_when_it_arrives_later() -> None:
    room = Room(rtx_ssrc=0x1112)
    room.publish(1, 4)
    room.core.set_tap(room.track, True)
    room.publish(2)
    repair(room, 3)
    room.publish(5, 7)
    repair(room, 6)
    assert [packet.sequence_number & 0xFFFF for packet in tapped(room)] == [5, 7, 6]


def test_what_was_sent_while_muted_does_not_come_up_when_it_arrives_later() -> None:
    room = Room(rtx_ssrc=0x1112)
    room.core.set_tap(room.track, True)
    room.publish(1)
    room.core.set_muted(room.track, True)
    room.publish(2, 5)
    room.core.set_muted(room.track, False)
    room.publish(3)
    repair(room, 4)
    room.publish(6)
    assert [packet.sequence_number & 0xFFFF for packet in tapped(room)] == [1, 6]


def test_padding_is_taken_off_and_padding_alone_is_an_empty_packet() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    room.publish(1, payload=VP8_KEYFRAME, padding=20)
    room.publish(2, payload=b"", padding=20)
    assert [packet.payload for packet in tapped(room)] == [VP8_KEYFRAME, b""]


def test_sender_reports_come_up_and_the_latest_from_before_comes_first() -> None:
    room = Room()
    room.publish(1)
    room.push(room.publisher.protect_rtcp(sender_report(0x1111, NTP, 900)))
    before = room.now
    room.core.set_tap(room.track, True)
    room.publish(2, after_ms=100)
    room.push(room.publisher.protect_rtcp(sender_report(0x1111, NTP + 1, 1000)))
    first, packet, second = room.core.read_tap()
    assert first == TappedReport(room.track, NTP, 900, before)
    assert isinstance(packet, TappedPacket)
    assert second == TappedReport(room.track, NTP + 1, 1000, room.now)


def test_tapping_video_asks_for_a_keyframe() -> None:
    room = Room()
    room.publish(1)
    room.tick(1000)
    room.core.set_tap(room.track, True)
    out = room.tick(1000)
    kinds = {part[1] for part in room.publisher.rtcp_of(out)}
    assert 206 in kinds
    assert rtcp_parts(b"") == []


def test_a_full_tap_is_counted_and_holds_up_nobody() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    forwarded = 0
    for seq in range(4200):
        forwarded += len(room.publish(seq, payload=VP8_KEYFRAME + bytes(1000)))
    assert forwarded == 4200
    assert room.core.counters()["drop_tap_overflow"] > 0
    taken = []
    while batch := room.core.read_tap(0, 500):
        taken += batch
    assert len(taken) == room.core.counters()["tapped"]
    assert len(taken) + room.core.counters()["drop_tap_overflow"] == 4200
    room.publish(4200)
    assert len(room.core.read_tap()) == 1


def test_entries_survive_the_wrap_of_the_ring() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    for seq in range(9000):
        payload = VP8_KEYFRAME + seq.to_bytes(2, "big") * 450
        room.publish(seq, payload=payload)
        (packet,) = tapped(room)
        assert packet.payload == payload


def test_a_removed_track_ends_its_tap_and_a_stale_number_is_refused() -> None:
    room = Room()
    room.core.set_tap(room.track, True)
    room.core.remove_track(room.track)
    room.publish(1)
    assert tapped(room) == []
    with pytest.raises(KeyError):
        room.core.set_tap(room.track, True)


@pytest.mark.parametrize("limit", [0, -1, 1 << 21])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        LaneCore().read_tap(0, limit)


def test_a_lane_without_a_tap_has_nothing_and_one_that_does_not_exist_is_refused() -> None:
    core = LaneCore()
    assert core.read_tap() == []
    with pytest.raises(ValueError, match="lane"):
        core.read_tap(1)


def test_a_closed_plane_has_nothing_in_its_tap() -> None:
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    end = FarEnd(plane)
    track = plane.add_track(end.peer, video=True, mid=b"0", payload_types={96: 90000}, rtx_payload_types={}, codecs={96: "vp8"})
    plane.set_tap(track, True)
    plane.close()
    assert plane.read_tap() == []
    with pytest.raises(RuntimeError):
        plane.set_tap(track, True)
