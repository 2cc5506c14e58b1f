"""Attacks and accidents on the way in: each has its own counter, reaches nobody, and grows nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.plane.far_end import MS, SECOND, VP8_DELTA, FarEnd, Room, add_sender, add_track, receiver_report, rtp

from conclave.plane.plane import Datagram, Fact, LaneCore, make_path

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
STRANGER = make_path("udp", "10.66.6.6", 666)


def facts(core: LaneCore, name: str) -> list[Fact]:
    return [each for each in core.poll() if isinstance(each, Fact) and each.name == name]


def test_a_replayed_packet_is_dropped() -> None:
    room = Room()
    packet = room.publisher.sent(seq=1)
    assert len(room.push(packet)) == 1
    assert room.push(packet) == []
    assert room.drops() == {"drop_replay": 1}


def test_a_forged_tag_is_dropped() -> None:
    room = Room()
    path, packet = room.publisher.sent(seq=1)
    assert room.push((path, packet[:-1] + bytes((packet[-1] ^ 1,)))) == []
    assert room.drops() == {"drop_authentication": 1}


def test_a_packet_under_another_key_is_dropped() -> None:
    room = Room()
    intruder = FarEnd(room.core)
    assert room.push((room.publisher.path, intruder.sent(seq=1)[1])) == []
    assert room.drops() == {"drop_authentication": 1}


def test_a_packet_from_a_path_of_nobody_is_dropped_before_anything_is_tried() -> None:
    room = Room()
    assert room.push((STRANGER, room.publisher.sent(seq=1)[1])) == []
    assert room.drops() == {"drop_unknown_path": 1}


def test_a_packet_from_an_allowed_path_that_is_not_nominated_is_dropped() -> None:
    room = Room()
    room.core.allow_path(room.publisher.peer, STRANGER)
    assert room.push((STRANGER, room.publisher.sent(seq=1)[1])) == []
    assert room.drops() == {"drop_not_nominated": 1}


def test_media_before_keys_is_dropped() -> None:
    core = LaneCore()
    core.nominate(core.open_peer(), STRANGER)
    assert core.receive([(STRANGER, rtp(1))], SECOND) == []
    assert core.counters()["drop_not_secured"] == 1


def test_an_unknown_ssrc_of_an_announced_track_is_dropped_without_decryption() -> None:
    room = Room()
    assert room.publish(1, ssrc=0x9999, extensions={4: b"0"}) == []
    assert room.drops() == {"drop_unknown_ssrc": 1}


def test_a_payload_type_that_was_not_negotiated_is_dropped() -> None:
    room = Room()
    assert room.publish(1, payload_type=98) == []
    assert room.drops() == {"drop_payload_type": 1}


def test_a_viewer_without_tracks_cannot_send_media() -> None:
    room = Room()
    assert room.push(room.subscriber.sent(seq=1)) == []
    assert room.drops() == {"drop_unknown_ssrc": 1}


def test_a_removed_tracks_packets_are_refused_also_to_a_learning_track() -> None:
    room = Room()
    old = room.publisher.sent(seq=1)
    room.push(old)
    room.core.remove_track(room.track)
    add_track(room.core, room.publisher, ssrc=0)
    assert room.push(room.publisher.sent(seq=2, extensions={4: b"0"}), old) == []
    assert room.drops() == {"drop_unknown_ssrc": 2}


def test_an_ssrc_is_learnt_by_mid() -> None:
    room = Room(announced=False)
    add_track(room.core, room.publisher, mid=b"1", ssrc=0)
    assert len(room.publish(1, ssrc=0xABCD, extensions={4: b"0"})) == 1
    assert [(fact.track, fact.value) for fact in facts(room.core, "ssrc_learnt")] == [(room.track, 0xABCD)]
    assert len(room.publish(2, ssrc=0xABCD)) == 1


def test_an_ssrc_is_learnt_by_its_unique_payload_type() -> None:
    room = Room(announced=False)
    assert len(room.publish(1, ssrc=0xABCD)) == 1


def test_an_rtx_ssrc_is_learnt_where_only_the_medias_was_announced() -> None:
    room = Room()
    room.publish(1)
    room.publish(3, payload=VP8_DELTA)
    room.push(room.publisher.sent(seq=1, ssrc=0xEE, payload_type=97, payload=b"\x00\x02" + VP8_DELTA, extensions={4: b"0"}))
    assert room.core.sender_stats(room.sender)["packets"] == 3
    assert room.publish(4, ssrc=0xEF, extensions={4: b"0"}) == []


def test_an_ambiguous_payload_type_teaches_nothing() -> None:
    room = Room(announced=False)
    add_track(room.core, room.publisher, mid=b"1", ssrc=0)
    assert room.publish(1, ssrc=0xABCD) == []
    assert room.drops() == {"drop_unknown_ssrc": 1}


def test_a_wrong_mid_teaches_nothing() -> None:
    room = Room(announced=False)
    assert room.publish(1, ssrc=0xABCD, extensions={4: b"9"}) == []
    assert room.drops() == {"drop_unknown_ssrc": 1}


def test_a_forged_packet_teaches_nothing() -> None:
    room = Room(announced=False)
    path, packet = room.publisher.sent(seq=1, ssrc=0xABCD, extensions={4: b"0"})
    room.push((path, packet[:-1] + bytes((packet[-1] ^ 1,))))
    assert facts(room.core, "ssrc_learnt") == []
    assert room.core.track_stats(room.track)["ssrc"] == 0


def test_a_stream_that_restarts_under_another_ssrc_goes_on_at_a_keyframe() -> None:
    room = Room(announced=False)
    first = room.publish(60000, ssrc=0xAAAA, extensions={4: b"0"})[0]
    assert room.publish(5, ssrc=0xBBBB, extensions={4: b"0"}, payload=VP8_DELTA) == []
    second = room.publish(6, ssrc=0xBBBB)[0]
    assert (second.seq - first.seq) & 0xFFFF == 1
    assert room.publish(60001, ssrc=0xAAAA, extensions={4: b"0"}) == []


def test_a_flood_of_ssrcs_stops_at_the_limit_of_the_peer() -> None:
    room = Room(announced=False)
    for number in range(700):
        room.push(room.publisher.sent(seq=1, ssrc=0x10000 + number, extensions={4: b"0"}))
    assert room.core.peer_stats(room.publisher.peer)["ssrcs"] == 512
    assert room.core.counters()["ssrcs_learnt"] == 512
    assert room.drops()["drop_ssrc_limit"] == 188


def test_a_flood_of_rtcp_ssrcs_stops_at_the_limit_of_the_peer() -> None:
    room = Room()
    for number in range(700):
        room.push(room.publisher.protect_rtcp(receiver_report(0x20000 + number)))
    assert room.core.peer_stats(room.publisher.peer)["ssrcs"] == 512
    assert room.drops() == {"drop_ssrc_limit": 189}


def test_a_flood_of_ssrcs_with_a_wrong_mid_binds_nothing() -> None:
    room = Room(announced=False)
    for number in range(50):
        room.push(room.publisher.sent(seq=1, ssrc=0x10000 + number, extensions={4: b"9"}))
    assert room.core.peer_stats(room.publisher.peer)["ssrcs"] == 0


@pytest.mark.parametrize("cut", range(1, 38))
def test_a_truncated_packet_is_dropped(cut: int) -> None:
    room = Room()
    path, packet = room.publisher.sent(seq=1, payload=b"\x10\x00", extensions={4: b"0"})
    assert room.push((path, packet[:cut])) == []
    assert sum(room.drops().values()) == 1


@pytest.mark.parametrize(
    "packet",
    [
        b"\x90\x60\x00\x01\x00\x00\x00\x01\x00\x00\x11\x11\xbe\xde\xff\xff" + bytes(40),
        b"\x8f\x60\x00\x01\x00\x00\x00\x01\x00\x00\x11\x11" + bytes(40),
        b"\x90\x60\x00\x01\x00\x00\x00\x01\x00\x00\x11\x11\xbe\xde",
    ],
)
def test_header_lengths_that_do_not_hold_are_dropped(packet: bytes) -> None:
    room = Room()
    assert room.push((room.publisher.path, packet)) == []
    assert room.drops() == {"drop_rtp_malformed": 1}


@pytest.mark.parametrize("padding", [0, 5, 255])
def test_padding_that_does_not_hold_is_dropped(padding: int) -> None:
    room = Room()
    header = b"\xa0\x60\x00\x01\x00\x00\x00\x01\x00\x00\x11\x11"
    packet = header + b"\x10\x00\x00" + bytes((padding,))
    assert room.push(room.publisher.protect(packet)) == []
    assert room.drops() == {"drop_rtp_malformed": 1}


def test_first_bytes_of_no_protocol_are_dropped() -> None:
    core = LaneCore()
    for first in (4, 19, 64, 79, 127, 192, 255):
        core.receive([(STRANGER, bytes((first,)) * 30)], SECOND)
    core.receive([(STRANGER, b"")], SECOND)
    assert core.counters()["drop_first_byte"] == 8
    assert core.poll() == []


def test_datagrams_above_2048_bytes_are_dropped() -> None:
    core = LaneCore()
    core.receive([(STRANGER, b"\x16" * 2049), (STRANGER, b"\x80" * 60000)], SECOND)
    assert core.counters()["drop_too_large"] == 2


def test_stun_comes_up_from_anybody_and_dtls_only_from_allowed_paths() -> None:
    core = LaneCore()
    peer = core.open_peer()
    core.receive([(STRANGER, STUN), (STRANGER, b"\x16dtls")], SECOND)
    core.allow_path(peer, STRANGER)
    core.receive([(STRANGER, STUN), (STRANGER, b"\x16dtls")], SECOND)
    up = [(each.kind, each.peer, each.data) for each in core.poll() if isinstance(each, Datagram)]
    assert up == [("stun", -1, STUN), ("stun", peer, STUN), ("dtls", peer, b"\x16dtls")]
    assert core.counters()["drop_unknown_path"] == 1


def test_stun_with_a_wrong_cookie_or_length_is_dropped() -> None:
    core = LaneCore()
    core.receive(
        [(STRANGER, bad) for bad in (STUN[:19], STUN + b"\0", STUN[:4] + bytes(16), STUN[:3] + b"\x04" + STUN[4:])], SECOND
    )
    assert core.counters()["drop_stun_malformed"] == 4
    assert core.poll() == []


def test_a_stun_flood_leaves_room_for_known_peers() -> None:
    core = LaneCore()
    peer = core.open_peer()
    core.allow_path(peer, STRANGER)
    core.receive([(make_path("udp", "10.0.0.1", 1), STUN)] * 2000, SECOND)
    core.receive([(STRANGER, b"\x16hello")], SECOND)
    up = core.poll(10_000)
    assert len(up) == 769
    assert up[-1].peer == peer
    assert core.counters()["drop_ring_full"] == 2000 - 768


def test_one_peer_cannot_fill_the_ring_of_all() -> None:
    core = LaneCore()
    paths = [make_path("udp", "10.0.0.1", port) for port in (1, 2)]
    peers = [core.open_peer() for _ in paths]
    for peer, path in zip(peers, paths, strict=True):
        core.allow_path(peer, path)
    for _ in range(2):
        core.receive([(paths[0], b"\x16flood")] * 500, SECOND)
        core.receive([(paths[1], b"\x16hello")], SECOND)
        up = [each.peer for each in core.poll(10_000) if isinstance(each, Datagram)]
        assert up == [peers[0]] * 128 + [peers[1]]


def test_lost_facts_are_reported() -> None:
    room = Room()
    path, packet = room.publisher.sent(seq=1)
    forged = packet[:-1] + bytes((packet[-1] ^ 1,))
    for _ in range(1100):
        room.push((path, forged), after_ms=1001)
    polled = [fact for fact in room.core.poll(10_000) if isinstance(fact, Fact)]
    assert [fact.value for fact in polled if fact.name == "ring_overflow"] == [76]
    assert len([fact for fact in polled if fact.name == "srtp_failing"]) == 1024


def test_failures_are_told_once_a_second_with_their_number() -> None:
    room = Room()
    path, packet = room.publisher.sent(seq=1)
    forged = (path, packet[:-1] + bytes((packet[-1] ^ 1,)))
    room.push(forged)
    room.push(*[forged] * 5, after_ms=500)
    room.push(forged, after_ms=600)
    assert [(fact.peer, fact.value) for fact in facts(room.core, "srtp_failing")] == [
        (room.publisher.peer, 1), (room.publisher.peer, 6),
    ]  # fmt: skip
    assert room.core.peer_stats(room.publisher.peer)["srtp_failures"] == 7


def test_a_repaired_packet_and_its_late_original_are_forwarded_once() -> None:
    room = Room(rtx_ssrc=0x1112)
    room.publish(1)
    room.publish(3, payload=VP8_DELTA)
    rtx = rtp(70, ssrc=0x1112, payload_type=97, payload=b"\x00\x02" + VP8_DELTA + b"two")
    got = room.subscriber.rtp_of(room.push(room.publisher.protect(rtx)))
    assert [packet.payload for packet in got] == [VP8_DELTA + b"two"]
    assert room.publish(2, payload=VP8_DELTA + b"two") == []
    assert room.drops() == {"drop_duplicate": 1}


@pytest.mark.parametrize(
    ("payload", "reason"), [(b"", None), (b"\x00", "drop_rtx_malformed"), (b"\x00\x09x", "drop_rtx_unneeded")]
)
def test_rtx_of_nothing_useful_is_not_forwarded(payload: bytes, reason: str | None) -> None:
    room = Room(rtx_ssrc=0x1112)
    room.publish(1)
    padding = 8 if not payload else 0
    assert room.push(room.publisher.sent(seq=5, ssrc=0x1112, payload_type=97, payload=payload, padding=padding)) == []
    assert room.drops() == ({reason: 1} if reason else {})


def test_rtx_before_any_media_is_dropped() -> None:
    room = Room(rtx_ssrc=0x1112)
    assert room.push(room.publisher.sent(seq=5, ssrc=0x1112, payload_type=97, payload=b"\0\0x")) == []
    assert room.drops() == {"drop_rtx_unneeded": 1}


def test_a_packet_too_late_for_the_cache_is_stale() -> None:
    room = Room()
    room.publish(1000)
    for seq in range(1001, 1600):
        room.publish(seq, payload=VP8_DELTA)
    assert room.publish(999) == []
    assert room.drops() == {"drop_stale": 1}


def test_audio_levels_are_read_from_authenticated_packets() -> None:
    room = Room(video=False)
    for seq, level in enumerate((10, 20, 60)):
        room.publish(seq, payload_type=111, payload=b"x", extensions={1: bytes((0x80 | level,))})
    assert room.core.audio_levels() == [(room.track, 30, 10)]
    assert room.core.audio_levels() == []
    room.publish(9, payload_type=111, payload=b"x", extensions={1: b"\x7f"})
    assert room.core.audio_levels() == [(room.track, 127, 127)]


def test_a_silent_track_and_its_return_are_facts() -> None:
    room = Room()
    room.publish(1)
    room.tick(5200)
    room.publish(2)
    names = [fact.name for fact in room.core.poll() if isinstance(fact, Fact)]
    assert names == ["first_packet", "track_silent", "track_alive"]


closers: list[Callable[[Room], Any]] = [
    lambda room: room.core.nominate(room.publisher.peer, STRANGER),
    lambda room: room.core.allow_path(room.publisher.peer, STRANGER),
    lambda room: room.core.secure(room.publisher.peer, "SRTP_AEAD_AES_128_GCM", bytes(28), bytes(28)),
    lambda room: room.core.close_peer(room.publisher.peer),
    lambda room: room.core.set_muted(room.track, True),
    lambda room: room.core.set_opaque(room.track, True),
    lambda room: room.core.request_keyframe(room.track),
    lambda room: room.core.update_track(room.track, ssrc=5),
    lambda room: room.core.remove_track(room.track),
    lambda room: room.core.track_stats(room.track),
    lambda room: room.core.peer_stats(room.publisher.peer),
    lambda room: room.core.set_remb(room.publisher.peer, 1),
    lambda room: room.core.route(room.sender, room.track, {96: 100}, {}),
    lambda room: add_track(room.core, room.publisher),
    lambda room: add_sender(room.core, room.publisher),
]


@pytest.mark.parametrize("use", closers)
def test_what_was_closed_raises_key_error_and_stays_harmless(use: Callable[[Room], Any]) -> None:
    room = Room()
    room.core.close_peer(room.publisher.peer)
    with pytest.raises(KeyError):
        use(room)
    assert room.publish(1) == []
    assert room.drops() == {"drop_unknown_path": 1}


def test_a_reused_slot_does_not_revive_an_old_identifier() -> None:
    core = LaneCore(max_peers=1)
    first = core.open_peer()
    core.close_peer(first)
    second = core.open_peer()
    assert first != second
    with pytest.raises(KeyError):
        core.close_peer(first)
    core.peer_stats(second)


@given(data=st.binary(min_size=1, max_size=200), at=st.integers(0, 150), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_no_changed_packet_reaches_anybody(data: bytes, at: int, bit: int) -> None:
    room = Room()
    path, packet = room.publisher.sent(seq=1, extensions={4: b"0"}, payload=b"\x10\x00" + data)
    changed = bytearray(packet)
    changed[at % len(packet)] ^= 1 << bit
    assert room.push((path, bytes(changed))) == []


def test_timers_of_an_idle_lane_send_nothing() -> None:
    core = LaneCore()
    assert [core.tick(now * 100 * MS) for now in range(20)] == [[]] * 20
