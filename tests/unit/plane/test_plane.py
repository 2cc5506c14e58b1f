"""The plane on real sockets over loopback."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from tests.unit.plane.far_end import FarEnd, add_sender, add_track, nack

from conclave.plane.plane import Datagram, Fact, LaneAddress, Plane, describe_path, make_path

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
SO_NO_CHECK = 11


@pytest.fixture
def plane() -> Iterator[Plane]:
    made = Plane([LaneAddress("127.0.0.1", 0)])
    made.start()
    yield made
    made.close()


def polled(plane: Plane, wanted: Callable[[Datagram | Fact], bool]) -> Datagram | Fact:
    """Wait on the plane's descriptor until something `wanted` came up."""
    deadline = monotonic() + 20
    while monotonic() < deadline:
        for each in plane.poll():
            if wanted(each):
                return each
        select.select([plane.event_fd], [], [], 1)
    raise AssertionError("nothing came up")


def until(plane: Plane, done: Callable[[], bool]) -> None:
    """Wait until a counter says so."""
    deadline = monotonic() + 20
    while not done():
        assert monotonic() < deadline
        select.select([plane.event_fd], [], [], 0.005)


class SocketEnd(FarEnd):
    """A far end with a UDP socket of its own."""

    def __init__(self, plane: Plane, lane: int = 0, *, profile: str = "SRTP_AEAD_AES_128_GCM") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20)
        self.socket.connect(tuple(plane.addresses[lane]))
        super().__init__(plane, path=make_path("udp", *self.socket.getsockname()), lane=lane, profile=profile)

    def send(self, *packets: tuple[bytes, bytes]) -> None:
        for _, data in packets:
            self.socket.send(data)

    def receive(self, number: int) -> list[tuple[bytes, bytes]]:
        return [(self.path, self.socket.recv(2048)) for _ in range(number)]


def joined(plane: Plane) -> tuple[SocketEnd, SocketEnd, int, int]:
    publisher, subscriber = SocketEnd(plane), SocketEnd(plane)
    track = add_track(plane, publisher)
    sender = add_sender(plane, subscriber)
    plane.route(sender, track, {96: 100}, {})
    publisher.socket.send(STUN)
    polled(plane, lambda each: isinstance(each, Datagram))
    return publisher, subscriber, track, sender


def test_stun_comes_up_and_its_answer_goes_back(plane: Plane) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect(tuple(plane.addresses[0]))
        client.send(STUN)
        up = polled(plane, lambda each: isinstance(each, Datagram))
        assert isinstance(up, Datagram)
        assert describe_path(up.path) == ("udp", *client.getsockname())
        plane.send(0, up.path, b"answer")
        assert client.recv(100) == b"answer"


def test_an_answer_finds_the_path_that_was_allowed_just_before_it_was_asked_for(plane: Plane) -> None:
    """The lane must not read the answer to a datagram before it has obeyed the command given ahead of that datagram."""
    for _ in range(200):
        peer = plane.open_peer(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(tuple(plane.addresses[0]))
            path = make_path("udp", *client.getsockname())
            plane.allow_path(peer, path)
            plane.send(0, path, b"ask")
            client.recv(100)
            client.send(b"\x16" + bytes(20))
            answer = polled(plane, lambda each: isinstance(each, Datagram))
        assert isinstance(answer, Datagram)
        assert answer.peer == peer
        plane.close_peer(peer)
    assert plane.counters()["drop_unknown_path"] == 0


def test_media_travels_between_two_sockets_and_is_repaired(plane: Plane) -> None:
    publisher, subscriber, track, sender = joined(plane)
    publisher.send(*(publisher.sent(seq=n, payload=b"\x10\x00" + bytes(1100)) for n in range(8)))
    got = subscriber.rtp_of(subscriber.receive(8))
    assert [(packet.seq - got[0].seq) & 0xFFFF for packet in got] == list(range(8))
    subscriber.send(subscriber.protect_rtcp(nack(0x9001, (got[3].seq, 0))))
    assert subscriber.rtp_of(subscriber.receive(1))[0].payload[2:] == got[3].payload
    assert plane.track_stats(track)["packets"] == 8
    assert plane.sender_stats(sender)["retransmitted"] == 1


def test_a_kernel_that_refuses_gso_gets_single_datagrams(plane: Plane) -> None:
    publisher, subscriber, _, _ = joined(plane)
    for name in os.listdir("/proc/self/fd"):
        if not os.path.exists(f"/proc/self/fd/{name}") or not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
            continue
        with socket.socket(fileno=os.dup(int(name))) as copy:
            if copy.type == socket.SOCK_DGRAM and copy.family == socket.AF_INET and copy.getsockname() == plane.addresses[0]:
                copy.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    for start in range(0, 4000, 8):
        publisher.send(*(publisher.sent(seq=start + n, payload=b"\x10\x00" + bytes(1100)) for n in range(8)))
        assert len(subscriber.rtp_of(subscriber.receive(8))) == 8
        if plane.counters()["gso_refused"]:
            break
    assert plane.counters()["gso_refused"] == 1
    assert plane.counters()["drop_send_error"] == 0


def test_groups_of_equal_size_leave_as_one_message(plane: Plane) -> None:
    publisher, subscriber, _, _ = joined(plane)
    start = 0
    while plane.counters()["gso_sends"] == 0 and start < 4000:
        publisher.send(*(publisher.sent(seq=start + n, payload=b"\x10\x00" + bytes(1100)) for n in range(8)))
        assert len(subscriber.rtp_of(subscriber.receive(8))) == 8
        start += 8
    assert plane.counters()["gso_sends"] > 0


def test_a_closed_peer_is_reported_and_its_media_refused(plane: Plane) -> None:
    publisher, _, _, _ = joined(plane)
    plane.close_peer(publisher.peer)
    fact = polled(plane, lambda each: isinstance(each, Fact) and each.name == "peer_closed")
    assert fact.peer == publisher.peer
    publisher.send(publisher.sent(seq=1))
    until(plane, lambda: plane.counters()["drop_unknown_path"] == 1)


def test_two_hundred_peers_come_and_go_without_growth(plane: Plane) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        end = FarEnd(plane)
        track = add_track(plane, end)
        plane.route(add_sender(plane, end), track, {96: 100}, {})
        plane.close_peer(end.peer)
        polled(plane, lambda each: isinstance(each, Fact) and each.name == "peer_closed")
    assert set(plane.table_sizes().values()) == {0}
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_lanes_have_their_own_sockets_and_peers_and_routes_stay_inside() -> None:
    plane = Plane([LaneAddress("127.0.0.1", 0), LaneAddress("::1", 0)])
    try:
        plane.start()
        plane.start()
        assert plane.addresses[0].port != 0
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            client.connect(tuple(plane.addresses[1]))
            client.send(STUN)
            up = polled(plane, lambda each: isinstance(each, Datagram))
            assert (up.lane, describe_path(up.path)[1]) == (1, "::1")
            plane.send(1, up.path, b"six")
            assert client.recv(10) == b"six"
        here, there = FarEnd(plane, lane=0), FarEnd(plane, lane=1)
        with pytest.raises(ValueError, match="leave its lane"):
            plane.route(add_sender(plane, here), add_track(plane, there))
    finally:
        plane.close()


def test_a_dual_stack_lane_knows_ipv4_peers_by_their_ipv4_paths() -> None:
    plane = Plane([LaneAddress("::", 0)])
    try:
        plane.start()
        port = plane.addresses[0].port
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.settimeout(20)
                client.connect((host, port))
                client.send(STUN)
                up = polled(plane, lambda each: isinstance(each, Datagram))
                assert describe_path(up.path)[1] == host
                plane.send(0, up.path, b"answer")
                assert client.recv(10) == b"answer"
    finally:
        plane.close()


def test_an_address_in_use_is_named_in_the_error(plane: Plane) -> None:
    host, port = plane.addresses[0]
    with pytest.raises(OSError, match=f"{host} port {port}"):
        Plane([LaneAddress(host, port)])


def test_a_closed_plane_refuses_and_gives_everything_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for start in (True, False):
        plane = Plane([LaneAddress("127.0.0.1", 0)])
        if start:
            plane.start()
        end = FarEnd(plane)
        add_track(plane, end)
        plane.close()
        plane.close()
        assert plane.poll() == []
        with pytest.raises(RuntimeError):
            plane.open_peer(0)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("lane", [-1, 1, 256])
def test_a_lane_that_is_not_there_is_a_value_error(plane: Plane, lane: int) -> None:
    with pytest.raises(ValueError, match="no lane"):
        plane.open_peer(lane)


@pytest.mark.parametrize("data", [b"", bytes(2049)])
def test_a_datagram_of_a_wrong_size_is_not_sent(plane: Plane, data: bytes) -> None:
    with pytest.raises(ValueError, match="2048"):
        plane.send(0, make_path("udp", "127.0.0.1", 9), data)


def test_a_small_poll_leaves_the_descriptor_readable(plane: Plane) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(tuple(plane.addresses[0]))
        for _ in range(3):
            client.send(STUN)
        until(plane, lambda: plane.counters()["stun_in"] == 3)
        taken = 0
        while taken < 3:
            assert select.select([plane.event_fd], [], [], 20)[0]
            taken += len(plane.poll(1))
        plane.poll()
        assert select.select([plane.event_fd], [], [], 0)[0] == []
