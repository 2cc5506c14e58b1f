"""ICE-TCP on real sockets (RFC 6544, RFC 4571)."""

import os
import resource
import socket
import time
from collections.abc import Iterator
from struct import pack, unpack

import pytest
from tests.support.netns import NetworkNamespace, obstacle
from tests.unit.plane.far_end import GCM, FarEnd, add_sender, add_track
from tests.unit.plane.test_plane import STUN, polled, until

from conclave.plane.plane import Datagram, Fact, LaneAddress, Plane, describe_path

IPV6_FREEBIND = 78


@pytest.fixture
def plane() -> Iterator[Plane]:
    made = Plane([LaneAddress("127.0.0.1", 0)], max_tcp_connections_per_lane=2)
    made.start()
    yield made
    made.close()


def framed(data: bytes) -> bytes:
    return pack("!H", len(data)) + data


def read_exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        assert more
        data += more
    return data


def read_frame(client: socket.socket) -> bytes:
    return read_exactly(client, unpack("!H", read_exactly(client, 2))[0])


@pytest.fixture
def client(plane: Plane) -> Iterator[socket.socket]:
    with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as made:
        yield made


def path_of(plane: Plane, client: socket.socket) -> bytes:
    """The path under which the plane sees this connection."""
    client.send(framed(STUN))
    up = polled(plane, lambda each: isinstance(each, Datagram))
    assert isinstance(up, Datagram)
    return up.path


def closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_framed_datagram_comes_up_and_its_answer_goes_back_framed(plane: Plane, client: socket.socket) -> None:
    path = path_of(plane, client)
    assert describe_path(path) == ("tcp", *client.getsockname())
    plane.send(0, path, b"answer")
    assert read_frame(client) == b"answer"
    assert plane.table_sizes()["tcp_connections"] == 1


def test_frames_may_arrive_in_any_pieces(plane: Plane, client: socket.socket) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = framed(STUN) * 3
    for at in range(0, len(stream), 7):
        client.send(stream[at : at + 7])
    until(plane, lambda: plane.counters()["stun_in"] == 3)
    assert plane.counters()["drop_stun_malformed"] == 0


def test_media_travels_over_tcp_both_ways(plane: Plane, client: socket.socket) -> None:
    publisher = FarEnd(plane, path=path_of(plane, client))
    with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as other:
        subscriber = FarEnd(plane, path=path_of(plane, other))
        track = add_track(plane, publisher)
        plane.route(add_sender(plane, subscriber), track, {96: 100}, {})
        path_of(plane, client)
        packets = [publisher.sent(seq=n, payload=b"\x10\x00" + bytes(1000)) for n in range(20)]
        client.sendall(b"".join(framed(data) for _, data in packets))
        got = subscriber.rtp_of([(subscriber.path, read_frame(other)) for _ in range(20)])
        assert [(packet.seq - got[0].seq) & 0xFFFF for packet in got] == list(range(20))


@pytest.mark.parametrize("head", [b"\x00\x00", b"\xff\xff", pack("!H", 2049)])
def test_a_frame_of_no_size_or_too_much_closes_the_connection(plane: Plane, client: socket.socket, head: bytes) -> None:
    path = path_of(plane, client)
    plane.allow_path(plane.open_peer(0), path)
    client.send(head)
    assert closed(client)
    fact = polled(plane, lambda each: isinstance(each, Fact) and each.name == "path_closed")
    assert fact.path == path
    assert plane.counters()["drop_tcp_framing"] == 1
    assert plane.table_sizes()["tcp_connections"] == 0


def test_connections_beyond_the_limit_are_refused_and_room_comes_back(plane: Plane, client: socket.socket) -> None:
    path_of(plane, client)
    with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as second:
        path_of(plane, second)
        with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as third:
            assert closed(third)
        assert plane.counters()["drop_tcp_limit"] == 1
    until(plane, lambda: plane.counters()["tcp_closed"] == 1)
    with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as fourth:
        path_of(plane, fourth)


def test_connections_that_strangers_open_and_close_push_out_no_facts() -> None:
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    try:
        plane.start()
        with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as client:
            path = path_of(plane, client)
            plane.allow_path(plane.open_peer(0), path)
            for number in range(1, 1101):
                socket.create_connection(tuple(plane.addresses[0]), timeout=20).close()
                if number % 20 == 0:
                    until(plane, lambda closed=number: plane.counters()["tcp_closed"] == closed)
        until(plane, lambda: plane.counters()["tcp_closed"] == 1101)
        facts = [each for each in plane.poll(10_000) if isinstance(each, Fact)]
        assert [(fact.name, fact.path) for fact in facts] == [("path_closed", path)]
    finally:
        plane.close()


def test_one_address_cannot_take_all_connections() -> None:
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    clients: list[socket.socket] = []
    try:
        plane.start()
        clients += [socket.create_connection(tuple(plane.addresses[0]), timeout=20) for _ in range(65)]
        assert closed(clients[64])
        assert plane.counters()["drop_tcp_limit"] == 1
        claimed = path_of(plane, clients[0])
        plane.allow_path(plane.open_peer(0), claimed)
        path_of(plane, clients[0])
        clients.append(socket.create_connection(tuple(plane.addresses[0]), timeout=20))
        path_of(plane, clients[65])
    finally:
        for client in clients:
            client.close()
        plane.close()


@pytest.mark.netns
def test_one_ipv6_network_cannot_take_all_connections() -> None:
    reason = obstacle()
    if reason is not None:
        pytest.skip(reason)
    namespace = NetworkNamespace(f"conclave-tcp-{os.getpid()}")
    clients: list[socket.socket] = []
    try:
        namespace.ip("-6", "route", "add", "local", "2001:db8::/32", "dev", "lo")
        with namespace.entered():
            plane = Plane([LaneAddress("::", 0)])
            try:
                plane.start()
                port = plane.addresses[0].port

                def connected(source: str) -> socket.socket:
                    clients.append(socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
                    clients[-1].settimeout(20)
                    clients[-1].setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
                    clients[-1].bind((source, 0))
                    clients[-1].connect(("2001:db8:ffff::1", port))
                    return clients[-1]

                for host in range(1, 65):
                    connected(f"2001:db8:0:1::{host:x}")
                assert closed(connected("2001:db8:0:1:ffff::1"))
                path_of(plane, connected("2001:db8:0:2::1"))
                assert plane.counters()["drop_tcp_limit"] == 1
            finally:
                for client in clients:
                    client.close()
                plane.close()
    finally:
        namespace.close()


def test_a_lane_without_descriptors_looks_away_from_its_listener_and_comes_back(plane: Plane) -> None:
    address = tuple(plane.addresses[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        client.settimeout(20)
        free = os.dup(client.fileno())
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            before = time.monotonic()
            client.connect(address)
            until(plane, lambda: plane.counters()["drop_tcp_descriptors"] >= 4)
            assert time.monotonic() - before >= 0.25
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        path_of(plane, client)
    assert plane.counters()["tcp_accepted"] == 1


def test_a_connection_that_nobody_claims_is_closed_and_a_claimed_one_stays() -> None:
    plane = Plane([LaneAddress("127.0.0.1", 0)], tcp_claim_ms=1)
    try:
        plane.start()
        with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as claimed:
            claimed.send(framed(STUN))
            up = polled(plane, lambda each: isinstance(each, Datagram))
            assert isinstance(up, Datagram)
            plane.allow_path(plane.open_peer(0), up.path)
            with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as idle:
                assert closed(idle)
            assert path_of(plane, claimed) == up.path
        assert plane.counters()["drop_tcp_idle"] == 1
    finally:
        plane.close()


def test_a_receiver_that_does_not_read_loses_packets_and_keeps_its_connection(plane: Plane, client: socket.socket) -> None:
    path = path_of(plane, client)
    plane.allow_path(plane.open_peer(0), path)
    sent = 0
    while plane.counters()["drop_tcp_slow"] == 0:
        plane.send(0, path, bytes((sent & 255,)) * 2000)
        sent += 1
        assert sent < 100_000
    lost = plane.counters()["drop_tcp_slow"]
    assert read_frame(client) == bytes(2000)
    assert read_frame(client) == b"\x01" * 2000
    until(plane, lambda: plane.counters()["packets_out"] + plane.counters()["drop_tcp_slow"] == sent)
    assert lost >= 1


def test_closing_a_path_or_its_peer_closes_the_connection(plane: Plane, client: socket.socket) -> None:
    plane.close_path(0, path_of(plane, client))
    assert closed(client)
    with socket.create_connection(tuple(plane.addresses[0]), timeout=20) as other:
        end = FarEnd(plane, path=path_of(plane, other))
        plane.close_peer(end.peer)
        assert closed(other)
    until(plane, lambda: plane.table_sizes()["tcp_connections"] == 0)
    assert plane.table_sizes()["paths"] == 0


def test_a_connection_that_another_peer_claimed_is_left_by_all_who_send_there(plane: Plane, client: socket.socket) -> None:
    path = path_of(plane, client)
    sending, claiming = plane.open_peer(0), plane.open_peer(0)
    plane.nominate(sending, path)
    plane.allow_path(claiming, path)
    plane.secure(sending, GCM, bytes(28), bytes(28))
    client.close()
    ended: list[Datagram | Fact] = []

    def both_have_ended(each: Datagram | Fact) -> bool:
        ended.append(each)
        return len(ended) == 2

    polled(plane, both_have_ended)
    assert ended == [Fact(0, "path_closed", peer, -1, 0, path) for peer in (claiming, sending)]


def test_sending_to_a_connection_that_is_gone_is_a_counted_drop(plane: Plane, client: socket.socket) -> None:
    path = path_of(plane, client)
    client.close()
    until(plane, lambda: plane.counters()["tcp_closed"] == 1)
    plane.send(0, path, b"late")
    until(plane, lambda: plane.counters()["drop_tcp_gone"] == 1)
