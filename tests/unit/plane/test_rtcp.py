from struct import pack, unpack_from

import pytest
from tests.unit.plane.far_end import (
    GCM,
    MS,
    PROFILES,
    SECOND,
    VP8_DELTA,
    FarEnd,
    Room,
    add_sender,
    add_track,
    feedback,
    nack,
    pli,
    receiver_report,
    report_block,
    rtp,
    sender_report,
)


def kinds(parts: list[bytes]) -> list[tuple[int, int]]:
    """(packet type, count or format) of each part."""
    return [(part[1], part[0] & 31) for part in parts]


def requests(end: FarEnd, output: list[tuple[bytes, bytes]]) -> list[tuple[int, int]]:
    """What `end` was asked for: everything but reports."""
    return [kind for kind in kinds(end.rtcp_of(output)) if kind[0] not in (200, 201, 202)]


def block_of(parts: list[bytes]) -> tuple[int, ...]:
    """The first report block of the first receiver report."""
    report = next(part for part in parts if part[1] == 201 and part[0] & 31)
    return unpack_from("!IIIIII", report, 8)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_nacked_packet_comes_back_as_rtx(profile: str) -> None:
    room = Room(profile=profile)
    first, second = room.publish(1), room.publish(2, payload=VP8_DELTA + b"two", timestamp=9000, marker=True)
    out = room.push(room.subscriber.protect_rtcp(nack(0x9001, (second[0].seq, 0))), after_ms=30)
    rtx = room.subscriber.rtp_of(out)[0]
    assert (rtx.ssrc, rtx.payload_type, rtx.marker) == (0x9002, 101, True)
    assert rtx.timestamp == second[0].timestamp
    assert rtx.payload == pack("!H", second[0].seq) + VP8_DELTA + b"two"
    assert rtx.extensions == {3: b"s0"}
    assert first[0].seq != rtx.seq
    stats = room.core.sender_stats(room.sender)
    assert (stats["nacks"], stats["retransmitted"], stats["nack_misses"]) == (1, 1, 0)


def test_a_nack_bitmask_names_packets_after_its_pid() -> None:
    room = Room()
    first = room.publish(1)[0]
    room.publish(2, 3, 4, payload=VP8_DELTA)
    out = room.push(room.subscriber.protect_rtcp(nack(0x9001, (first.seq, 0b101))))
    lost = [unpack_from("!H", packet.payload)[0] for packet in room.subscriber.rtp_of(out)]
    assert lost == [(first.seq + step) & 0xFFFF for step in (0, 1, 3)]
    assert [p.seq for p in room.subscriber.rtp_of(room.push())] == []


def test_rtx_numbers_are_their_own_and_grow_by_one() -> None:
    room = Room()
    first = room.publish(1)[0]
    room.publish(2, payload=VP8_DELTA)
    out = room.push(room.subscriber.protect_rtcp(nack(0x9001, (first.seq, 1))))
    one, two = room.subscriber.rtp_of(out)
    assert (two.seq - one.seq) & 0xFFFF == 1


def test_a_nack_without_rtx_is_counted_and_not_answered() -> None:
    room = Room(rtx=False)
    first = room.publish(1)[0]
    assert room.push(room.subscriber.protect_rtcp(nack(0x9001, (first.seq, 0)))) == []
    assert room.core.counters()["nacks_without_rtx"] == 1


@pytest.mark.parametrize("step", [-3, -1, 1, 200, 30000])
def test_a_nack_for_what_was_never_sent_is_a_miss(step: int) -> None:
    room = Room()
    first = room.publish(100)[0]
    assert room.push(room.subscriber.protect_rtcp(nack(0x9001, ((first.seq + step) & 0xFFFF, 0)))) == []
    assert room.core.sender_stats(room.sender)["nack_misses"] == 1


def test_a_nack_for_a_packet_before_the_switch_is_not_answered_with_another_sources() -> None:
    room = Room()
    other = FarEnd(room.core)
    second = add_track(room.core, other, ssrc=0x2222)
    first = room.publish(100)[0]
    other_packets = [other.sent(seq=seq, ssrc=0x2222) for seq in range(50, 60)]
    room.push(*other_packets)
    room.core.route(room.sender, second, {96: 100}, {})
    room.push(other.sent(seq=60, ssrc=0x2222))
    assert room.subscriber.rtp_of(room.push(room.subscriber.protect_rtcp(nack(0x9001, (first.seq, 0))))) == []
    assert room.core.sender_stats(room.sender)["nack_misses"] == 1


def test_a_nack_flood_is_bounded_per_packet_and_per_second() -> None:
    room = Room()
    first = room.publish(0)[0]
    for seq in range(1, 500):
        room.publish(seq, payload=VP8_DELTA)
    same = [room.subscriber.protect_rtcp(nack(0x9001, (first.seq + 300, 0))) for _ in range(50)]
    assert len(room.push(*same)) == 1
    everything = [room.subscriber.protect_rtcp(nack(0x9001, ((first.seq + at) & 0xFFFF, 0xFFFF))) for at in range(0, 480, 17)]
    assert len(room.push(*everything)) <= 299
    assert len(room.push(*everything, after_ms=100)) <= 61
    assert room.drops()["drop_nack_limited"] > 200


def test_a_nack_of_endless_length_is_read_in_part() -> None:
    room = Room()
    first = room.publish(1)[0]
    request = nack(0x9001, *[((first.seq + 20) & 0xFFFF, 0xFFFF)] * 64, (first.seq, 0))
    assert room.push(room.subscriber.protect_rtcp(request)) == []
    assert room.core.counters()["nacks_in"] == 64 * 17
    assert room.drops() == {"drop_nack_limited": 1}


def test_one_packet_is_retransmitted_at_most_ten_times() -> None:
    room = Room()
    first = room.publish(1)[0]
    answers = [len(room.push(room.subscriber.protect_rtcp(nack(0x9001, (first.seq, 0))), after_ms=20)) for _ in range(20)]
    assert answers == [1] * 10 + [0] * 10


def test_a_stranger_cannot_nack_anothers_sender() -> None:
    room = Room()
    first = room.publish(1)[0]
    assert room.push(room.publisher.protect_rtcp(nack(0x9001, (first.seq, 0)))) == []
    assert room.core.counters()["nacks_in"] == 0


def test_a_gap_is_nacked_after_a_short_wait_and_again_and_given_up() -> None:
    room = Room()
    room.publish(1)
    room.publish(3, 6, payload=VP8_DELTA)
    assert requests(room.publisher, room.tick(5)) == []
    parts = room.publisher.rtcp_of(room.tick(6))
    assert kinds(parts) == [(201, 0), (202, 1), (205, 1)]
    assert unpack_from("!IHH", parts[2], 8) == (0x1111, 2, 0b110)
    assert requests(room.publisher, room.tick(20)) == []
    asked = 1 + sum((205, 1) in requests(room.publisher, room.tick(50)) for _ in range(40))
    assert asked == 10
    assert room.core.track_stats(room.track)["nacks_sent"] == 30


def test_a_reordered_packet_is_not_nacked() -> None:
    room = Room()
    room.publish(1)
    room.publish(3, payload=VP8_DELTA)
    room.publish(2, payload=VP8_DELTA, after_ms=4)
    assert requests(room.publisher, room.tick(20)) == []
    assert room.core.track_stats(room.track)["repaired"] == 0


def test_a_repair_is_counted_and_ends_the_asking() -> None:
    room = Room(rtx_ssrc=0x1112)
    room.publish(1)
    room.publish(3, payload=VP8_DELTA)
    room.tick(11)
    room.push(room.publisher.sent(seq=9, ssrc=0x1112, payload_type=97, payload=b"\x00\x02" + VP8_DELTA), after_ms=25)
    assert requests(room.publisher, room.tick(500)) == []
    stats = room.core.track_stats(room.track)
    assert (stats["repaired"], stats["lost"]) == (1, 1)


def test_a_gap_too_long_to_repair_asks_for_a_keyframe() -> None:
    room = Room()
    room.publish(1)
    out = room.push(room.publisher.sent(seq=400, payload=VP8_DELTA))
    assert kinds(room.publisher.rtcp_of(out)) == [(201, 0), (202, 1), (206, 1)]
    assert (205, 1) not in kinds(room.publisher.rtcp_of(room.tick(30)))


def test_audio_gaps_are_not_nacked() -> None:
    room = Room(video=False)
    room.publish(1, 5, payload_type=111, payload=b"x")
    assert requests(room.publisher, room.tick(50)) == []


def test_keyframe_requests_are_coalesced_to_one_per_interval() -> None:
    room = Room()
    room.publish(1)
    request = [room.subscriber.protect_rtcp(pli(0x9001)) for _ in range(20)]
    assert kinds(room.publisher.rtcp_of(room.push(*request[:5]))) == [(201, 0), (202, 1), (206, 1)]
    assert room.publisher.rtcp_of(room.push(*request[5:])) == []
    assert requests(room.publisher, room.tick(400)) == []
    assert requests(room.publisher, room.tick(101)) == [(206, 1)]
    assert requests(room.publisher, room.tick(600)) == []
    assert room.core.sender_stats(room.sender)["plis"] == 20


def ask(room: Room, after_ms: float = 0) -> int:
    """Let the subscriber ask for a keyframe; returns how often the publisher is asked."""
    return requests(room.publisher, room.push(room.subscriber.protect_rtcp(pli(0x9001)), after_ms=after_ms)).count((206, 1))


def test_one_receiver_cannot_have_a_keyframe_made_for_everybody_all_the_time() -> None:
    room = Room()
    made = 0
    for seq in range(600):
        room.publish(seq, timestamp=seq * 3000)
        made += ask(room, after_ms=50)
        made += requests(room.publisher, room.tick(50)).count((206, 1))
    assert 25 < made <= 3 + 60 // 2
    assert room.core.counters()["plis_held"] > 400


def test_a_receiver_that_loses_three_keyframes_in_a_row_gets_each_at_once() -> None:
    room = Room()
    for seq in range(3):
        room.publish(seq, timestamp=seq * 90_000, after_ms=300)
        assert ask(room, after_ms=200) == 1
    room.publish(3, timestamp=400_000, after_ms=300)
    assert ask(room, after_ms=200) == 0
    assert room.core.counters()["plis_held"] == 1


def test_repeating_a_request_until_the_keyframe_comes_costs_nothing() -> None:
    room = Room()
    room.publish(1)
    assert sum(ask(room, after_ms=200) for _ in range(50)) >= 15
    assert room.core.counters()["plis_held"] == 0


def test_a_request_that_was_held_back_is_served_when_its_time_has_come() -> None:
    room = Room()
    for seq in range(4):
        room.publish(seq, timestamp=seq * 90_000, after_ms=500)
        ask(room, after_ms=1)
    assert room.core.counters()["plis_held"] == 1
    waited = 0
    while requests(room.publisher, room.tick(20)).count((206, 1)) == 0:
        waited += 20
        assert waited < 2000
    assert sum(requests(room.publisher, room.tick(20)).count((206, 1)) for _ in range(200)) == 0


def test_a_keyframe_that_comes_answers_the_request_that_was_held_back() -> None:
    room = Room()
    for seq in range(4):
        room.publish(seq, timestamp=seq * 90_000, after_ms=500)
        ask(room, after_ms=1)
    room.publish(9, timestamp=800_000, after_ms=100)
    room.tick(20)
    asked = room.core.track_stats(room.track)["plis_sent"]
    for _ in range(200):
        room.tick(20)
    assert room.core.track_stats(room.track)["plis_sent"] == asked


def test_a_receiver_that_used_its_share_up_does_not_hold_back_another() -> None:
    room = Room()
    other = FarEnd(room.core)
    room.core.route(add_sender(room.core, other, ssrc=0x9100), room.track, {96: 100}, {})
    for seq in range(4):
        room.publish(seq, timestamp=seq * 90_000, after_ms=500)
        ask(room, after_ms=1)
    assert requests(room.publisher, room.push(other.protect_rtcp(pli(0x9100)), after_ms=500)) == [(206, 1)]


def test_requests_for_a_track_without_keyframe_marks_are_limited_as_well() -> None:
    room = Room(codecs={})
    made = 0
    for seq in range(300):
        room.publish(seq, timestamp=seq * 3000)
        made += ask(room, after_ms=100)
        made += requests(room.publisher, room.tick()).count((206, 1))
    assert made <= 3 + 30 // 2 + 1


def test_everything_that_we_send_to_a_publisher_carries_our_name() -> None:
    room = Room()
    room.publish(1)
    room.publish(3, payload=VP8_DELTA)
    ask(room)
    compounds = [room.publisher.rtcp_of(out) for out in (room.tick(20), room.tick(1000), room.tick(1000)) if out]
    names = {part[8:26] for parts in compounds for part in parts[1:2]}
    assert len(compounds) == 3
    assert {kinds(parts)[1] for parts in compounds} == {(202, 1)}
    assert len(names) == 1
    assert names.pop()[:2] == b"\x01\x10"
    other = Room()
    other.publish(1)
    assert kinds(other.publisher.rtcp_of(other.tick(1000)))[:2] == [(201, 1), (202, 1)]


def test_a_keyframe_that_comes_answers_the_waiting_request() -> None:
    room = Room()
    room.publish(1)
    for _ in range(2):
        room.push(room.subscriber.protect_rtcp(pli(0x9001)))
    room.publish(2, timestamp=4000)
    assert (206, 1) not in kinds(room.publisher.rtcp_of(room.tick(600)))


def test_a_route_that_waits_repeats_its_request() -> None:
    room = Room()
    room.publish(1, payload=VP8_DELTA)
    asked = sum((206, 1) in kinds(room.publisher.rtcp_of(room.tick(100))) for _ in range(20))
    assert asked == 4


def test_a_full_intra_request_counts_as_a_keyframe_request() -> None:
    room = Room()
    room.publish(1)
    out = room.push(room.subscriber.protect_rtcp(feedback(206, 4, 0, pack("!IBxxx", 0x9001, 7))))
    assert kinds(room.publisher.rtcp_of(out)) == [(201, 0), (202, 1), (206, 1)]


def test_a_muted_publisher_is_not_asked_for_keyframes() -> None:
    room = Room()
    room.publish(1)
    room.core.set_muted(room.track, True)
    assert room.push(room.subscriber.protect_rtcp(pli(0x9001))) == []


def test_receiver_reports_say_what_was_lost() -> None:
    room = Room()
    room.publish(0xFFFE)
    for seq in (0, 1, 3):
        room.publish(seq, payload=VP8_DELTA)
    ssrc, loss, highest, _, lsr, dlsr = block_of(room.publisher.rtcp_of(room.tick(1100)))
    assert ssrc == 0x1111
    assert loss == (2 * 256 // 6) << 24 | 2
    assert highest == 0x10003
    assert (lsr, dlsr) == (0, 0)
    assert block_of(room.publisher.rtcp_of(room.tick(1100)))[1] == 2


def test_receiver_reports_carry_the_last_sender_report_and_its_delay() -> None:
    room = Room()
    room.publish(1)
    room.push(room.publisher.protect_rtcp(sender_report(0x1111, 0x0123456789ABCDEF, 5000)))
    block = block_of(room.publisher.rtcp_of(room.tick(1500)))
    assert block[4] == 0x456789AB
    assert block[5] == 65536 * 3 // 2


def test_jitter_grows_with_unsteady_arrival() -> None:
    room = Room()
    for seq in range(50):
        room.publish(seq, timestamp=seq * 3000, after_ms=33.3333 + (10 if seq % 2 else -10))
    assert 700 < room.core.track_stats(room.track)["jitter"] < 901


def test_sender_reports_are_rewritten_for_each_receiver() -> None:
    room = Room()
    got = room.publish(1, timestamp=90000)[0]
    ntp = 0xE0000000_80000000
    out = room.push(room.publisher.protect_rtcp(sender_report(0x1111, ntp, 90000 + 450, 77, 7777)))
    report, description = room.subscriber.rtcp_of(out)
    ssrc, got_ntp, rtp_timestamp, packets, octets = unpack_from("!IQIII", report, 4)
    assert (ssrc, got_ntp, packets, octets) == (0x9001, ntp, 1, 100)
    assert (rtp_timestamp - got.timestamp) & 0xFFFFFFFF == 450
    assert kinds([description]) == [(202, 1)]
    assert description[8:18] == b"\x01\x08conclave"


def test_a_datagram_full_of_sender_reports_becomes_one_for_each_receiver() -> None:
    room = Room()
    receivers = [FarEnd(room.core) for _ in range(9)]
    for receiver in receivers:
        room.core.route(add_sender(room.core, receiver), room.track, {96: 100}, {})
    room.publish(1)
    out = room.push(room.publisher.protect_rtcp(sender_report(0x1111, 5 << 32, 0) * 40))
    assert [len(end.rtcp_of(out)) for end in (room.subscriber, *receivers)] == [2] * 10
    assert room.core.counters()["rtcp_ignored"] == 39
    again = room.publisher.protect_rtcp(sender_report(0x1111, 6 << 32, 0))
    assert room.subscriber.rtcp_of(room.push(again, after_ms=99)) == []
    again = room.publisher.protect_rtcp(sender_report(0x1111, 6 << 32, 0))
    assert len(room.subscriber.rtcp_of(room.push(again, after_ms=1))) == 2


def test_a_fresh_route_gets_a_sender_report_soon() -> None:
    room = Room()
    room.push(room.publisher.sent(seq=1), room.publisher.protect_rtcp(sender_report(0x1111, 5 << 32, 1000)))
    other = FarEnd(room.core)
    room.core.route(add_sender(room.core, other), room.track, {96: 100}, {})
    out = room.push(room.publisher.sent(seq=2, timestamp=4000), after_ms=40) + room.tick(25)
    report = other.rtcp_of(out)[0]
    assert unpack_from("!Q", report, 8)[0] >> 32 == 5
    assert report[1] == 200


def test_round_trip_and_loss_of_a_receiver_are_read() -> None:
    room = Room()
    room.publish(1)
    out = room.push(room.publisher.protect_rtcp(sender_report(0x1111, 7 << 32, 0)))
    middle = unpack_from("!Q", room.subscriber.rtcp_of(out)[0], 8)[0] >> 16 & 0xFFFFFFFF
    block = report_block(0x9001, fraction=25, lost=3, jitter=9, lsr=middle, dlsr=65536 // 10)
    room.push(room.subscriber.protect_rtcp(receiver_report(1, [block])), after_ms=180)
    stats = room.core.sender_stats(room.sender)
    assert (stats["fraction_lost"], stats["packets_lost"], stats["jitter"]) == (25, 3, 9)
    assert 79_900 < stats["rtt_us"] < 80_100


def test_a_report_about_a_foreign_sender_changes_nothing() -> None:
    room = Room()
    room.push(room.publisher.protect_rtcp(receiver_report(1, [report_block(0x9001, fraction=255)])))
    assert room.core.sender_stats(room.sender)["fraction_lost"] == 0


def test_remb_goes_out_once_a_second_until_it_is_taken_back() -> None:
    room = Room()
    room.publish(1)
    room.core.set_remb(room.publisher.peer, 1_500_000)
    parts = room.publisher.rtcp_of(room.tick(200))
    remb = parts[-1]
    assert kinds([remb]) == [(206, 15)]
    assert remb[12:16] == b"REMB"
    exponent, mantissa = remb[17] >> 2, (remb[17] & 3) << 16 | unpack_from("!H", remb, 18)[0]
    assert mantissa << exponent <= 1_500_000 < (mantissa + 1) << exponent
    assert unpack_from("!I", remb, 20)[0] == 0x1111
    assert sum((206, 15) in kinds(room.publisher.rtcp_of(room.tick(100))) for _ in range(30)) == 3
    room.core.set_remb(room.publisher.peer, 0)
    assert all((206, 15) not in kinds(room.publisher.rtcp_of(room.tick(500))) for _ in range(4))


@pytest.mark.parametrize(
    "packet",
    [
        b"\x81\xc9\x00\x01\x00\x00\x00\x01",
        b"\x80\xc9\xff\xff\x00\x00\x00\x01",
        b"\x80\xc9\x00\x00\x00\x00\x00\x01",
        b"\x80\xc9\x00\x01\x00\x00\x00\x01\x80\xc9\x00",
        b"\x80\xc9\x00\x01\x00\x00\x00\x01\x40\xc9\x00\x01\x00\x00\x00\x01",
    ],
)
def test_malformed_compounds_are_counted(packet: bytes) -> None:
    room = Room()
    assert room.push(room.subscriber.protect_rtcp(packet)) == []
    assert room.drops() == {"drop_rtcp_malformed": 1}


def test_replayed_and_forged_rtcp_is_dropped() -> None:
    room = Room()
    request = room.subscriber.protect_rtcp(pli(0x9001))
    path, other = room.subscriber.protect_rtcp(pli(0x9001))
    room.push(request, request, (path, other[:-6] + bytes((other[-6] ^ 1,)) + other[-5:]))
    assert room.drops() == {"drop_replay": 1, "drop_authentication": 1}


def test_feedback_that_ends_here_is_counted() -> None:
    room = Room()
    room.push(room.subscriber.protect_rtcp(feedback(205, 15, 0x9001, bytes(8)) + pack("!BBHI", 0x81, 203, 1, 1)))
    assert room.core.counters()["rtcp_ignored"] == 2


def test_retransmission_of_a_padded_group_is_the_original() -> None:
    room = Room()
    payloads = [b"\x10\x00" + bytes(98), b"\x00" + bytes(100)]
    got = room.subscriber.rtp_of(room.push(*(room.publisher.sent(seq=n, payload=p) for n, p in enumerate(payloads))))
    assert got[0].padding == 1
    out = room.push(room.subscriber.protect_rtcp(nack(0x9001, (got[0].seq, 0))))
    rtx = room.subscriber.rtp_of(out)[0]
    assert (rtx.payload[2:], rtx.padding) == (payloads[0], 0)


def test_keys_may_be_replaced_and_the_old_ones_stop_working() -> None:
    room = Room()
    first = room.publish(1)[0]
    old = room.publisher.sent(seq=2)
    fresh = FarEnd(room.core)
    room.core.secure(room.publisher.peer, GCM, fresh.inbound, fresh.outbound)
    assert room.push(old) == []
    got = room.subscriber.rtp_of(room.push((room.publisher.path, fresh.sent(seq=3)[1])))
    assert (got[0].seq - first.seq) & 0xFFFF == 2


def test_rtx_from_a_learnt_ssrc_repairs() -> None:
    room = Room(announced=False)
    room.publish(1, ssrc=0xA, extensions={4: b"0"})
    room.publish(3, ssrc=0xA, payload=VP8_DELTA)
    rtx = rtp(1, ssrc=0xB, payload_type=97, payload=b"\x00\x02" + VP8_DELTA, extensions={4: b"0"})
    assert len(room.subscriber.rtp_of(room.push(room.publisher.protect(rtx)))) == 1


def test_reports_leave_for_every_track_of_a_peer_in_one_packet() -> None:
    room = Room()
    add_track(room.core, room.publisher, video=False, mid=b"1", ssrc=0x3333)
    room.publish(1)
    room.push(room.publisher.sent(seq=5, ssrc=0x3333, payload_type=111, payload=b"x"))
    reports = [part for part in room.publisher.rtcp_of(room.tick(1001)) if part[1] == 201]
    assert kinds(reports) == [(201, 2)]


def test_times_are_taken_from_the_caller() -> None:
    room = Room()
    assert room.now == SECOND
    room.publish(1, after_ms=5)
    assert room.now == SECOND + 5 * MS
