from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.plane.far_end import (
    MS,
    PROFILES,
    SECOND,
    VP8_CONTINUATION,
    VP8_DELTA,
    VP8_KEYFRAME,
    FarEnd,
    Room,
    add_sender,
    add_track,
)

from conclave.plane.plane import LaneCore, make_path


@pytest.mark.parametrize("profile", PROFILES)
def test_a_packet_arrives_with_the_senders_names_and_the_same_payload(profile: str) -> None:
    room = Room(profile=profile)
    sent = [b"\x10\x00frame" + bytes((n,)) * 100 for n in range(3)]
    got = room.subscriber.rtp_of(room.push(*(room.publisher.sent(seq=500 + n, payload=p) for n, p in enumerate(sent))))
    assert [packet.payload for packet in got] == sent
    assert {packet.ssrc for packet in got} == {0x9001}
    assert {packet.payload_type for packet in got} == {100}
    assert {packet.extensions[3] for packet in got} == {b"s0"}
    assert [packet.seq - got[0].seq for packet in got] == [0, 1, 2]
    assert room.drops() == {}


def test_marker_timestamp_steps_and_loss_gaps_survive() -> None:
    room = Room()
    first = room.publish(65534, timestamp=2**32 - 1000)[0]
    second = room.publish(0, timestamp=2000, marker=True)[0]
    assert (second.seq - first.seq) & 0xFFFF == 2
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 3000
    assert second.marker
    assert not first.marker


def test_extensions_are_mapped_or_removed() -> None:
    room = Room()
    room.core.route(room.sender, room.track, {96: 100}, {5: 9, 6: 10})
    got = room.publish(1, extensions={4: b"0", 5: b"abc", 6: b"z", 7: b"secret"})[0]
    assert got.extensions == {9: b"abc", 10: b"z", 3: b"s0"}
    assert got.profile == 0xBEDE


def test_two_byte_extensions_stay_two_byte() -> None:
    room = Room()
    room.core.route(room.sender, room.track, {96: 100}, {20: 30, 21: 31})
    got = room.publish(1, extensions={20: b"x" * 40, 21: b""}, two_byte=True)[0]
    assert got.extensions == {30: b"x" * 40, 31: b"", 3: b"s0"}
    assert got.profile == 0x1000


def test_a_mapping_to_an_id_above_14_makes_the_block_two_byte() -> None:
    room = Room()
    room.core.route(room.sender, room.track, {96: 100}, {5: 40})
    got = room.publish(1, extensions={5: b"abc"})[0]
    assert got.extensions == {40: b"abc", 3: b"s0"}
    assert got.profile == 0x1000


def test_a_sender_without_mid_extension_sends_no_block() -> None:
    core = LaneCore()
    publisher, subscriber = FarEnd(core), FarEnd(core)
    track = add_track(core, publisher)
    core.route(add_sender(core, subscriber, mid_ext_id=0), track, {96: 100}, {})
    out = core.receive([publisher.sent(seq=1, extensions={4: b"0"})], SECOND)
    assert subscriber.rtp_of(out)[0].extensions == {}


def test_an_overlong_element_ends_the_block_and_the_packet_goes_on() -> None:
    room = Room()
    room.core.route(room.sender, room.track, {96: 100}, {5: 9})
    packet = bytearray(b"\x90\x60\x00\x01\x00\x00\x00\x01\x00\x00\x11\x11\xbe\xde\x00\x01\x50a\x5f\x00\x10\x00payload")
    got = room.subscriber.rtp_of(room.push(room.publisher.protect(bytes(packet))))[0]
    assert got.extensions == {9: b"a", 3: b"s0"}
    assert got.payload == b"\x10\x00payload"


def test_a_video_route_waits_for_a_keyframe_and_asks_for_it() -> None:
    room = Room()
    assert room.publish(1, payload=VP8_DELTA + bytes(50)) == []
    assert room.drops() == {"drop_awaiting_keyframe": 1}
    assert room.core.track_stats(room.track)["plis_sent"] == 0
    room.tick(20)
    assert room.core.track_stats(room.track)["plis_sent"] == 1
    assert [len(room.publish(2)), len(room.publish(3, payload=VP8_DELTA))] == [1, 1]


def test_audio_opaque_and_unknown_codecs_are_not_gated() -> None:
    audio = Room(video=False)
    assert len(audio.publish(1, payload_type=111, payload=b"opus")) == 1
    opaque = Room()
    opaque.core.set_opaque(opaque.track, True)
    assert len(opaque.publish(1, payload=VP8_DELTA)) == 1
    unknown = Room(codecs={96: "h266"})
    assert len(unknown.publish(1, payload=VP8_DELTA)) == 1


def test_numbers_and_timestamps_go_on_over_a_switch_of_source() -> None:
    room = Room()
    other = FarEnd(room.core)
    second = add_track(room.core, other, ssrc=0x2222)
    last = room.publish(100, timestamp=5000)[0]
    room.core.route(room.sender, second, {96: 100}, {})
    out = room.push(other.sent(seq=9000, timestamp=777, ssrc=0x2222), after_ms=40)
    first = room.subscriber.rtp_of(out)[0]
    assert (first.seq - last.seq) & 0xFFFF == 1
    assert (first.timestamp - last.timestamp) & 0xFFFFFFFF == 3600
    assert room.publish(101) == []


def test_late_packets_of_a_route_map_to_the_gap_they_left() -> None:
    room = Room()
    first = room.publish(10)[0]
    third = room.publish(12, payload=VP8_DELTA)[0]
    second = room.publish(11, payload=VP8_DELTA)[0]
    assert [(p.seq - first.seq) & 0xFFFF for p in (first, second, third)] == [0, 1, 2]


def test_packets_older_than_the_route_are_dropped() -> None:
    room = Room()
    room.publish(10)
    assert room.publish(9, payload=VP8_DELTA) == []
    assert room.drops() == {"drop_before_route": 1}


def test_a_muted_track_reaches_nobody_and_goes_on_without_a_gap() -> None:
    room = Room()
    before = room.publish(1)[0]
    room.core.set_muted(room.track, True)
    assert room.publish(2, 3, 4) == []
    assert room.drops() == {"drop_muted": 3}
    room.core.set_muted(room.track, False)
    assert room.publish(5, payload=VP8_DELTA) == []
    after = room.publish(6)[0]
    assert (after.seq - before.seq) & 0xFFFF == 1


def test_what_was_sent_while_muted_reaches_nobody_when_it_arrives_later() -> None:
    """Out of order, as the first packet after the mute, it would begin the route anew."""
    room = Room()
    room.publish(1)
    room.core.set_muted(room.track, True)
    room.publish(2, 4)
    room.core.set_muted(room.track, False)
    assert room.publish(3, payload=VP8_KEYFRAME + b"said while muted") == []
    assert room.drops() == {"drop_muted": 3}
    assert len(room.publish(5)) == 1


def test_unmuting_video_asks_for_a_keyframe() -> None:
    room = Room()
    room.publish(1)
    room.core.set_muted(room.track, True)
    room.core.set_muted(room.track, False)
    room.push(after_ms=1)
    assert room.core.track_stats(room.track)["plis_sent"] == 1


def test_an_unmapped_payload_type_is_a_counted_drop() -> None:
    room = Room()
    room.core.route(room.sender, room.track, {}, {})
    assert room.publish(1) == []
    assert room.drops() == {"drop_unmapped_payload_type": 1}


def test_a_route_to_nothing_sends_nothing() -> None:
    room = Room()
    room.publish(1)
    room.core.route(room.sender, None)
    assert room.publish(2) == []


def test_routing_the_same_track_again_changes_only_the_maps() -> None:
    room = Room()
    first = room.publish(1)[0]
    room.core.route(room.sender, room.track, {96: 105}, {})
    second = room.publish(2, payload=VP8_DELTA)[0]
    assert second.payload_type == 105
    assert (second.seq - first.seq) & 0xFFFF == 1


def test_a_new_route_begins_with_a_fresh_keyframe_of_the_cache() -> None:
    room = Room()
    late_comer = FarEnd(room.core)
    room.publish(1, timestamp=100, after_ms=600)
    room.publish(2, payload=VP8_CONTINUATION + bytes(40), timestamp=100)
    sender = add_sender(room.core, late_comer)
    room.core.route(sender, room.track, {96: 100}, {})
    out = room.push(room.publisher.sent(seq=3, payload=VP8_DELTA, timestamp=3100), after_ms=10)
    assert [packet.payload[:2] for packet in late_comer.rtp_of(out)] == [b"\x10\x00", VP8_CONTINUATION, VP8_DELTA]
    assert room.core.counters()["cache_replays"] == 1
    assert room.core.counters()["drop_protect"] == 0


def test_a_replayed_keyframe_need_not_be_asked_for() -> None:
    room = Room()
    late_comer = FarEnd(room.core)
    room.publish(1, after_ms=600)
    room.core.route(add_sender(room.core, late_comer), room.track, {96: 100}, {})
    assert len(late_comer.rtp_of(room.tick(50))) == 1
    assert room.core.track_stats(room.track)["plis_sent"] == 0


def test_a_peer_with_new_keys_gets_the_cached_keyframe_at_once_and_the_next_is_asked_for() -> None:
    room = Room()
    room.publish(1)
    late_comer = FarEnd(room.core)
    room.core.route(add_sender(room.core, late_comer), room.track, {96: 100}, {})
    assert len(late_comer.rtp_of(room.push())) == 1
    assert room.core.track_stats(room.track)["plis_sent"] == 1
    for _ in range(11):
        room.tick(100)
    assert room.core.track_stats(room.track)["plis_sent"] == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_wave_of_new_peers_is_served_from_the_cache_with_one_request_an_interval(profile: str) -> None:
    room = Room(profile=profile)
    room.publish(1, 2)
    for _ in range(20):
        late_comer = FarEnd(room.core, profile=profile)
        room.core.route(add_sender(room.core, late_comer), room.track, {96: 100}, {})
        got = late_comer.rtp_of(room.push(after_ms=15))
        assert len(got) == 2
        assert (got[1].seq - got[0].seq) & 0xFFFF == 1
    assert room.core.track_stats(room.track)["plis_sent"] == 1
    assert room.core.counters()["cache_replays"] == 20
    assert room.core.counters()["drop_protect"] == 0


def test_keyframes_are_asked_for_only_when_somebody_can_be_reached() -> None:
    room = Room()
    room.publish(1)
    peer = room.core.open_peer()
    sender = room.core.add_sender(peer, video=True, mid=b"x", ssrc=5, clock_rate=90000)
    room.core.route(sender, room.track, {96: 100}, {})
    for seq in range(2, 20):
        room.publish(seq, payload=VP8_DELTA, after_ms=100)
        room.tick()
    assert room.core.track_stats(room.track)["plis_sent"] == 0
    room.core.nominate(peer, make_path("udp", "10.4.4.4", 4))
    room.core.secure(peer, "SRTP_AEAD_AES_128_GCM", bytes(28), bytes(28))
    assert room.core.track_stats(room.track)["plis_sent"] == 1


def test_packets_that_had_no_destination_leave_no_gap() -> None:
    room = Room()
    end = FarEnd(room.core)
    silent = room.core.open_peer()
    sender = room.core.add_sender(silent, video=True, mid=b"x", ssrc=5, clock_rate=90000)
    room.core.route(sender, room.track, {96: 100}, {})
    room.publish(*range(60))
    room.push(after_ms=401)
    room.core.close_peer(end.peer)
    room.core.nominate(silent, end.path)
    room.core.secure(silent, "SRTP_AEAD_AES_128_GCM", end.inbound, end.outbound)
    assert end.rtp_of(room.push(room.publisher.sent(seq=60, payload=VP8_DELTA))) == []
    got = end.rtp_of(room.push(room.publisher.sent(seq=61), room.publisher.sent(seq=62)))
    assert [(packet.seq - got[0].seq) & 0xFFFF for packet in got] == [0, 1]


def test_a_payload_type_without_a_mapping_leaves_no_gap() -> None:
    room = Room(payload_types={96: 90000, 98: 90000}, codecs={96: "vp8", 98: "vp8"})
    first = room.publish(1)[0]
    assert room.publish(2, 3, payload_type=98) == []
    second = room.publish(4)[0]
    assert (second.seq - first.seq) & 0xFFFF == 1


def test_an_old_keyframe_is_not_replayed() -> None:
    room = Room()
    late_comer = FarEnd(room.core)
    room.publish(1, after_ms=600)
    room.push(after_ms=401)
    room.core.route(add_sender(room.core, late_comer), room.track, {96: 100}, {})
    assert late_comer.rtp_of(room.push()) == []
    assert room.core.counters()["cache_replays"] == 0


def test_a_late_keyframe_opens_the_route_and_brings_what_followed() -> None:
    room = Room()
    room.publish(10, payload=VP8_DELTA)
    room.publish(12, 13, payload=VP8_CONTINUATION + bytes(9))
    got = room.publish(11)
    assert [packet.payload[:2] for packet in got] == [b"\x10\x00", VP8_CONTINUATION, VP8_CONTINUATION]
    assert [(packet.seq - got[0].seq) & 0xFFFF for packet in got] == [0, 1, 2]


SPS, PPS, IDR, SLICE = b"\x67sps", b"\x68pps", b"\x65idr", b"\x41slice"


def h264_room() -> Room:
    """A room whose route waits for a keyframe, and whose track has shown packet 10."""
    room = Room(codecs={96: "h264"})
    assert room.publish(10, payload=SLICE, timestamp=1000) == []
    return room


@pytest.mark.parametrize("together", [True, False])
def test_parameter_sets_that_an_idr_overtook_reach_a_route_that_opens_with_it(together: bool) -> None:
    room = h264_room()
    overtaken = [(13, IDR), (11, SPS), (12, PPS)]
    packets = [room.publisher.sent(seq=seq, payload=payload, timestamp=4000) for seq, payload in overtaken]
    batches = [packets] if together else [[packet] for packet in packets]
    got = [packet for batch in batches for packet in room.subscriber.rtp_of(room.push(*batch))]
    by_number = sorted(got, key=lambda packet: (packet.seq - got[0].seq + 100) & 0xFFFF)
    assert [packet.payload for packet in by_number] == [SPS, PPS, IDR]
    assert (by_number[2].seq - by_number[0].seq) & 0xFFFF == 2
    assert room.drops() == {"drop_awaiting_keyframe": 1}


def test_parameters_that_came_before_the_idr_they_belong_to_are_sent_with_it() -> None:
    room = h264_room()
    assert room.publish(12, payload=PPS, timestamp=4000) == []
    got = room.publish(13, payload=IDR, timestamp=4000) + room.publish(11, payload=SPS, timestamp=4000)
    assert [packet.payload for packet in got] == [PPS, IDR, SPS]
    assert [(packet.seq - got[2].seq) & 0xFFFF for packet in got] == [1, 2, 0]


def test_packets_of_the_frame_before_an_idr_are_no_part_of_a_new_route() -> None:
    room = h264_room()
    got = room.publish(11, payload=IDR, timestamp=4000) + room.publish(12, payload=SLICE, timestamp=7000)
    assert [packet.payload for packet in got] == [IDR, SLICE]


def test_payload_types_that_alternate_cost_no_more_than_their_packets() -> None:
    """Each packet that is not mapped pauses the route and each IDR opens it: opening must not begin again with those before."""
    room = Room(payload_types={96: 90000, 98: 90000}, codecs={96: "h264", 98: "h264"})
    got = [room.publish(seq, payload=IDR, timestamp=4000, payload_type=96 if seq % 2 else 98) for seq in range(10, 40)]
    assert [len(packets) for packets in got] == [seq % 2 for seq in range(10, 40)]
    assert room.drops() == {"drop_unmapped_payload_type": 15}


def test_a_replayed_keyframe_begins_with_the_parameter_sets_that_came_late() -> None:
    room = h264_room()
    for seq, payload in ((12, IDR), (11, SPS), (13, SLICE)):
        room.publish(seq, payload=payload, timestamp=4000 if seq < 13 else 7000)
    late_comer = FarEnd(room.core)
    room.core.route(add_sender(room.core, late_comer), room.track, {96: 100}, {})
    got = late_comer.rtp_of(room.push())
    assert [packet.payload for packet in got] == [SPS, IDR, SLICE]
    assert [(packet.seq - got[0].seq) & 0xFFFF for packet in got] == [0, 1, 2]
    assert room.core.track_stats(room.track)["keyframes"] == 1


def test_sizes_that_differ_by_a_byte_are_evened_by_padding() -> None:
    room = Room()
    payloads = [b"\x10\x00" + bytes(98), b"\x00" + bytes(100), b"\x00" + bytes(100), b"\x00" + bytes(20)]
    out = room.push(*(room.publisher.sent(seq=n, payload=p) for n, p in enumerate(payloads)))
    assert [len(data) for _, data in out][:3] == [len(out[1][1])] * 3
    got = room.subscriber.rtp_of(out)
    assert [packet.padding for packet in got] == [1, 0, 0, 0]
    assert [packet.payload for packet in got] == payloads


@given(sizes=st.lists(st.integers(1, 1200), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_padding_never_changes_a_payload_and_stays_small(sizes: list[int]) -> None:
    room = Room()
    room.core.set_opaque(room.track, True)
    payloads = [bytes((n,)) * size for n, size in enumerate(sizes)]
    got = room.publish_all(payloads)
    assert [packet.payload for packet in got] == payloads
    assert all(packet.padding <= 8 for packet in got)


def test_a_run_of_growing_sizes_becomes_one_size() -> None:
    room = Room()
    room.core.set_opaque(room.track, True)
    got = room.publish_all([bytes(size) for size in (1099, 1099, 1100, 1100, 1098)])
    assert [packet.padding for packet in got] == [1, 1, 0, 0, 0]


def test_inbound_padding_and_csrcs_are_understood() -> None:
    room = Room()
    padded = room.publish(1, padding=7)[0]
    assert padded.padding == 7
    csrc = b"\x81\x60\x00\x02\x00\x00\x03\xe8\x00\x00\x11\x11" + b"CSRC" + b"\x10\x00data"
    got = room.subscriber.rtp_of(room.push(room.publisher.protect(csrc)))[0]
    assert got.payload == b"\x10\x00data"
    assert got.data[0] & 15 == 0


@pytest.mark.parametrize(
    ("codec", "key", "delta"),
    [
        ("vp8", "9080811234", "9080811235"),
        ("vp8", "10" + "00", "1101"),
        ("vp9", "88" + "00" * 4, "c8" + "00" * 4),
        ("vp9", "a8" + "00" * 4, "28" + "02" * 4),
        ("h264", "65" + "88" * 4, "41" + "88" * 4),
        ("h264", "6742", "6842"),
        ("h264", "7c85" + "88", "7c05" + "88"),
        ("h264", "7800026742000268ce", "7800026842"),
        ("av1", "1812", "1012"),
        ("av1", "0812", "9812"),
    ],
)
def test_keyframes_of_each_codec_are_recognised(codec: str, key: str, delta: str) -> None:
    room = Room(codecs={96: codec})
    assert room.publish(1, payload=bytes.fromhex(delta)) == []
    assert len(room.publish(2, timestamp=4000, payload=bytes.fromhex(key))) == 1


@given(payload=st.binary(max_size=12), codec=st.sampled_from(["vp8", "vp9", "h264", "av1"]))
@settings(max_examples=200, deadline=None)
def test_any_payload_is_looked_at_without_harm(payload: bytes, codec: str) -> None:
    room = Room(codecs={96: codec})
    assert len(room.publish(1, payload=payload)) <= 1


steps = st.one_of(
    st.tuples(st.just("packet"), st.integers(0, 1), st.integers(1, 3)),
    st.tuples(st.just("switch"), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("mute"), st.integers(0, 1), st.integers(0, 1)),
)


@given(script=st.lists(steps, max_size=60), starts=st.tuples(st.integers(0, 65535), st.integers(0, 65535)))
@settings(max_examples=100, deadline=None)
def test_outgoing_numbers_only_grow_by_what_the_source_skipped(script: list[Any], starts: tuple[int, int]) -> None:
    room = Room()
    ends = [room.publisher, FarEnd(room.core)]
    ssrcs = [0x1111, 0x2222]
    tracks = [room.track, add_track(room.core, ends[1], ssrc=0x2222)]
    seqs, muted, current, step_of = list(starts), [0, 0], 0, [0, 0]
    last, fresh = None, True
    for kind, which, value in script:
        if kind == "switch":
            fresh = fresh or which != current
            current = which
            room.core.route(room.sender, tracks[which], {96: 100}, {})
        elif kind == "mute":
            fresh = fresh or (which == current and bool(muted[which]) and not value)
            muted[which] = value
            room.core.set_muted(tracks[which], bool(value))
        else:
            seqs[which] += value
            step_of[which] = value
            out = room.push(ends[which].sent(seq=seqs[which], ssrc=ssrcs[which]), after_ms=1)
            got = room.subscriber.rtp_of(out)
            for packet in got:
                if last is not None:
                    step = (packet.seq - last) & 0xFFFF
                    assert 1 <= step <= 3
                    if fresh:
                        assert step == 1
                last, fresh = packet.seq, False
    assert room.core.counters()["drop_protect"] == 0


def test_one_publisher_reaches_a_hundred_subscribers_grouped_by_destination() -> None:
    core = LaneCore(max_peers=101)
    publisher = FarEnd(core)
    track = add_track(core, publisher)
    ends = [FarEnd(core) for _ in range(100)]
    for end in ends:
        core.route(add_sender(core, end), track, {96: 100}, {})
    out = core.receive([publisher.sent(seq=n, payload=b"\x10\x00" + bytes(1000)) for n in range(4)], SECOND)
    media = [path for path, data in out if not 192 <= data[1] <= 223]
    assert len(media) == 400
    assert [media[at : at + 4] for at in range(0, 400, 4)] == [[path] * 4 for path in media[::4]]
    for end in ends:
        assert len(end.rtp_of(out)) == 4


def test_a_peer_without_keys_or_path_gets_nothing_and_is_counted() -> None:
    room = Room()
    peer = room.core.open_peer()
    sender = room.core.add_sender(peer, video=True, mid=b"x", ssrc=5, clock_rate=90000)
    room.core.route(sender, room.track, {96: 100}, {})
    assert len(room.publish(1)) == 1
    assert room.drops() == {"drop_no_destination": 1}


def test_a_new_path_takes_over_when_nominated() -> None:
    room = Room()
    room.publish(1)
    elsewhere = make_path("udp", "10.9.9.9", 99)
    room.core.nominate(room.subscriber.peer, elsewhere)
    out = room.push(room.publisher.sent(seq=2, payload=VP8_DELTA), after_ms=1)
    assert [path for path, data in out if not 192 <= data[1] <= 223] == [elsewhere]


def test_timestamps_of_audio_follow_the_clock_over_a_silent_time() -> None:
    room = Room(video=False)
    first = room.publish(1, payload_type=111, timestamp=0, payload=b"a")[0]
    room.core.route(room.sender, None)
    room.now += 250 * MS
    room.core.receive([], room.now)
    room.core.route(room.sender, room.track, {111: 120}, {})
    second = room.publish(2, payload_type=111, timestamp=999999, payload=b"b")[0]
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 12000
