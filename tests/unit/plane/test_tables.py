from typing import Any

import pytest
from tests.unit.plane.far_end import GCM, PROFILES, SECOND, FarEnd, Room, add_sender, add_track, receiver_report, rtp

from conclave.model.errors import Unavailable
from conclave.plane.plane import PATH_BYTES, Fact, LaneCore, Plane, describe_path, make_path

EMPTY = {"peers": 0, "tracks": 0, "senders": 0, "tcp_connections": 0, "paths": 0}


@pytest.mark.parametrize(
    ("transport", "host", "port", "connection"),
    [("udp", "192.0.2.7", 5004, 0), ("udp", "2001:db8::1", 65535, 0), ("tcp", "192.0.2.7", 9, 77), ("tcp", "::1", 0, 2**64 - 1)],
)
def test_a_path_is_described_as_it_was_made(transport: str, host: str, port: int, connection: int) -> None:
    path = make_path(transport, host, port, connection)
    assert len(path) == PATH_BYTES
    assert describe_path(path) == (transport, host, port)


@pytest.mark.parametrize("path", [b"", bytes(31), bytes(32), b"\x02\x04" + bytes(30), b"\x00\x05" + bytes(30)])
def test_what_is_no_path_is_refused(path: bytes) -> None:
    core = LaneCore()
    peer = core.open_peer()
    for use in (describe_path, lambda p: core.nominate(peer, p), lambda p: core.receive([(p, b"x")], 1)):
        with pytest.raises(ValueError, match="path"):
            use(path)


@pytest.mark.parametrize(("transport", "host", "port"), [("sctp", "1.2.3.4", 1), ("udp", "name", 1), ("udp", "1.2.3.4", 65536)])
def test_a_path_out_of_range_is_not_made(transport: str, host: str, port: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        make_path(transport, host, port)


def test_a_closed_peer_takes_its_tracks_and_senders_along_and_says_when_it_is_gone() -> None:
    room = Room()
    room.core.close_peer(room.publisher.peer)
    room.core.close_peer(room.subscriber.peer)
    closed = [fact.peer for fact in room.core.poll() if isinstance(fact, Fact) and fact.name == "peer_closed"]
    assert closed == [room.publisher.peer, room.subscriber.peer]
    assert room.core.table_sizes() == EMPTY


def test_removed_tracks_and_senders_free_their_slots() -> None:
    room = Room()
    room.publish(1)
    room.core.remove_track(room.track)
    room.core.remove_sender(room.sender)
    sizes = room.core.table_sizes()
    assert (sizes["tracks"], sizes["senders"], sizes["peers"]) == (0, 0, 2)
    with pytest.raises(KeyError):
        room.core.sender_stats(room.sender)


def test_two_hundred_meetings_leave_the_tables_as_they_were() -> None:
    core = LaneCore()
    for _ in range(200):
        publisher, subscriber = FarEnd(core), FarEnd(core)
        track = add_track(core, publisher)
        sender = add_sender(core, subscriber)
        core.route(sender, track, {96: 100}, {})
        assert len(subscriber.rtp_of(core.receive([publisher.sent(seq=1)], 10**9))) == 1
        core.close_peer(publisher.peer)
        core.close_peer(subscriber.peer)
    assert core.table_sizes() == EMPTY


@pytest.mark.parametrize("kind", ["peer", "track", "sender"])
def test_a_full_table_is_unavailable_and_frees_up_again(kind: str) -> None:
    core = LaneCore(max_peers=2, max_tracks=1, max_senders=1)
    end = FarEnd(core)
    makers: dict[str, Any] = {
        "peer": core.open_peer,
        "track": lambda: add_track(core, end, ssrc=0),
        "sender": lambda: add_sender(core, end, ssrc=next(ssrcs)),
    }
    closers: dict[str, Any] = {"peer": core.close_peer, "track": core.remove_track, "sender": core.remove_sender}
    ssrcs = iter(range(100, 200, 2))
    made = makers[kind]()
    with pytest.raises(Unavailable, match="no room"):
        makers[kind]()
    closers[kind](made)
    makers[kind]()


@pytest.mark.parametrize("profile", [*PROFILES, "SRTP_NULL"])
def test_keys_of_a_wrong_length_or_profile_are_refused(profile: str) -> None:
    core = LaneCore()
    peer = core.open_peer()
    with pytest.raises(ValueError, match="SRTP"):
        core.secure(peer, profile, bytes(29), bytes(29))


@pytest.mark.parametrize(
    "values",
    [
        {"mid": b"x" * 17},
        {"payload_types": {128: 90000}},
        {"payload_types": {-1: 90000}},
        {"payload_types": {96: 0}},
        {"rtx_payload_types": {97: 128}},
        {"codecs": {300: "vp8"}},
        {"mid_ext_id": 256},
        {"audio_level_ext_id": -1},
        {"ssrc": 1 << 32},
        {"rtx_ssrc": -1},
    ],
)
def test_a_track_out_of_range_is_refused_and_leaves_nothing(values: dict[str, Any]) -> None:
    core = LaneCore()
    end = FarEnd(core)
    with pytest.raises(ValueError, match=r"must be"):
        add_track(core, end, **values)
    assert core.table_sizes()["tracks"] == 0


@pytest.mark.parametrize(
    "values",
    [
        {"ssrc": 0},
        {"ssrc": 1 << 32},
        {"mid": "text"},
        {"cname": b"x" * 65},
        {"rtx_payload_types": {100: 200}},
        {"mid_ext_id": 900},
    ],
)
def test_a_sender_out_of_range_is_refused_and_leaves_nothing(values: dict[str, Any]) -> None:
    core = LaneCore()
    end = FarEnd(core)
    with pytest.raises(ValueError, match=r"must be"):
        add_sender(core, end, **values)
    assert core.table_sizes()["senders"] == 0


def test_an_outbound_ssrc_is_used_once_under_the_same_keys() -> None:
    core = LaneCore()
    end = FarEnd(core)
    sender = add_sender(core, end, ssrc=500)
    core.remove_sender(sender)
    for ssrc in (500, 501):
        with pytest.raises(ValueError, match="used once"):
            add_sender(core, end, ssrc=ssrc)
    core.secure(end.peer, GCM, bytes(28), bytes(28))
    add_sender(core, end, ssrc=500)


@pytest.mark.parametrize(
    ("payload_types", "extensions"), [({200: 1}, {}), ({1: 128}, {}), ({}, {0: 1}), ({}, {1: 0}), ({}, {1: 256}), ({"a": 1}, {})]
)
def test_a_route_out_of_range_is_refused(payload_types: dict[int, int], extensions: dict[int, int]) -> None:
    room = Room()
    with pytest.raises(ValueError, match="must be"):
        room.core.route(room.sender, room.track, payload_types, extensions)


def test_a_route_cannot_join_audio_and_video() -> None:
    room = Room()
    audio = add_track(room.core, room.publisher, video=False, ssrc=0x77)
    with pytest.raises(ValueError, match="audio and video"):
        room.core.route(room.sender, audio)


@pytest.mark.parametrize("identifier", [0, 1, -1, 1 << 40, 1 << 63, 1 << 80])
def test_numbers_that_are_no_identifiers_raise_key_error(identifier: int) -> None:
    core = LaneCore()
    core.open_peer()
    with pytest.raises(KeyError):
        core.close_peer(identifier)


def test_peers_beyond_eight_paths_forget_the_oldest_that_is_not_nominated() -> None:
    room = Room()
    paths = [make_path("udp", "10.7.0.1", port) for port in range(1, 20)]
    for path in paths:
        room.core.allow_path(room.publisher.peer, path)
    assert room.core.peer_stats(room.publisher.peer)["paths"] == 8
    assert room.core.table_sizes()["paths"] == 9
    assert len(room.publish(1)) == 1
    room.core.receive([(path, b"\x16x") for path in paths], 2 * 10**9)
    assert room.drops() == {"drop_unknown_path": 12}


def heard_from(core: LaneCore, path: bytes) -> list[int]:
    """The peer that a DTLS datagram from `path` comes up with, if any."""
    core.receive([(path, b"\x16x")], SECOND)
    return [each.peer for each in core.poll() if not isinstance(each, Fact)]


def refused(core: LaneCore) -> list[tuple[int, bytes]]:
    return [(fact.peer, fact.path) for fact in core.poll() if isinstance(fact, Fact) and fact.name == "path_refused"]


@pytest.mark.parametrize("claim", ["allow_path", "nominate"])
def test_a_peer_cannot_take_the_path_of_one_that_is_heard_from(claim: str) -> None:
    room = Room()
    thief = FarEnd(room.core)
    getattr(room.core, claim)(thief.peer, room.publisher.path)
    getattr(room.core, claim)(thief.peer, room.subscriber.path)
    assert refused(room.core) == [(thief.peer, room.publisher.path), (thief.peer, room.subscriber.path)]
    assert len(room.publish(1)) == 1
    assert room.drops() == {"drop_path_held": 2}
    assert room.core.peer_stats(thief.peer)["paths"] == 1
    room.core.route(add_sender(room.core, thief, ssrc=0x9100), room.track, {96: 100}, {})
    assert {path for path, _ in room.push(room.publisher.sent(seq=2))} == {thief.path, room.subscriber.path}


@pytest.mark.parametrize("sign", ["rtp", "rtcp", "check"])
def test_a_path_is_held_for_13_seconds_after_the_last_sign_of_life(sign: str) -> None:
    room = Room()
    thief = room.core.open_peer()
    room.publish(1, after_ms=12_000)
    if sign == "check":
        room.core.allow_path(room.publisher.peer, room.publisher.path)
    else:
        room.push(room.publisher.sent(seq=2) if sign == "rtp" else room.publisher.protect_rtcp(receiver_report()))
    room.tick(12_999)
    room.core.allow_path(thief, room.publisher.path)
    assert room.core.counters()["drop_path_held"] == 1
    room.tick(1)
    room.core.allow_path(thief, room.publisher.path)
    assert room.core.counters()["drop_path_held"] == 1
    assert thief in heard_from(room.core, room.publisher.path)


def test_packets_that_fail_to_authenticate_hold_no_path() -> None:
    room = Room()
    other = room.core.open_peer()
    room.push((room.publisher.path, rtp(1)), (room.publisher.path, receiver_report() + bytes(20)), after_ms=13_000)
    room.core.allow_path(other, room.publisher.path)
    assert room.core.counters()["drop_path_held"] == 0


def test_a_path_is_free_as_soon_as_its_peer_is_gone_or_has_moved_on() -> None:
    core = LaneCore()
    gone, moved = FarEnd(core), FarEnd(core)
    newcomer = core.open_peer()
    core.close_peer(gone.peer)
    core.nominate(newcomer, gone.path)
    core.nominate(moved.peer, make_path("udp", "10.7.0.2", 5))
    core.allow_path(newcomer, moved.path)
    assert heard_from(core, gone.path) == heard_from(core, moved.path) == [newcomer]
    assert core.counters()["drop_path_held"] == 0


def test_media_for_a_silent_peer_ends_when_another_has_nominated_its_path() -> None:
    room = Room()
    assert len(room.publish(1)) == 1
    room.push(after_ms=13_000)
    successor = room.core.open_peer()
    room.core.allow_path(successor, room.subscriber.path)
    assert len(room.publish(2)) == 1
    room.core.nominate(successor, room.subscriber.path)
    assert room.push(room.publisher.sent(seq=3)) == []
    assert refused(room.core) == [(room.subscriber.peer, room.subscriber.path)]
    assert room.drops() == {"drop_no_destination": 1}
    room.subscriber.path = make_path("udp", "10.7.0.3", 5)
    room.core.nominate(room.subscriber.peer, room.subscriber.path)
    assert len(room.publish(4)) == 1


def test_a_peer_without_keys_takes_its_path_back_with_its_next_check() -> None:
    core = LaneCore()
    path = make_path("udp", "10.7.0.1", 5)
    victim, thief = core.open_peer(), FarEnd(core).peer
    core.nominate(victim, path)
    core.allow_path(thief, path)
    assert heard_from(core, path) == [thief]
    core.allow_path(victim, path)
    assert heard_from(core, path) == [victim]


def test_a_path_that_nobody_holds_belongs_to_the_peer_that_claimed_it_last() -> None:
    core = LaneCore()
    path = make_path("udp", "10.7.0.1", 5)
    first, second = core.open_peer(), core.open_peer()
    core.allow_path(first, path)
    core.allow_path(second, path)
    core.close_peer(first)
    core.receive([(path, b"\x16x")], 1)
    assert [each.peer for each in core.poll() if not isinstance(each, Fact)] == [second]


@pytest.mark.parametrize("values", [{"max_peers": 0}, {"max_tracks": 1 << 25}, {"keyframe_interval_ms": 0}])
def test_limits_out_of_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LaneCore(**values)


def test_a_plane_needs_an_address() -> None:
    with pytest.raises(ValueError, match="lanes"):
        Plane([])
