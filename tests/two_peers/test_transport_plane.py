"""End to end on loopback sockets: clients reach "connected" through the real plane, and RTP goes from one to the other."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from random import Random

import pylibsrtp
import pytest
from tests.support.wait import until

from conclave.hub.media_pump import MediaPump
from conclave.media import commands, stun
from conclave.media.certificate import make_certificate
from conclave.media.dtls import PROFILES, DtlsEndpoint, DtlsRole, DtlsState
from conclave.media.parameters import LocalTransportParameters, RemoteTransportParameters
from conclave.media.stun import AttributeType, StunClass
from conclave.media.transport import MediaTransport, TransportState
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, RouteSpec, SenderSpec, SrtpProfile, TrackSpec
from conclave.plane.plane import LaneAddress, Plane

OURS = make_certificate(os.urandom)
PUBLISHER, SUBSCRIBER = TransportId("p" * 16), TransportId("s" * 16)
TRACK = TrackId("k" * 16)
OPUS = CodecParameters("audio/opus", 48000, 2, "", 111)
PUBLISHED_SSRC, SLOT_SSRC = 0x1234, 0x5678
PATIENCE_S = 10.0
POLICIES = {
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class Client:
    """A full ICE agent's end on one socket: checks, handshake, SRTP. Over TCP, datagrams are framed (RFC 4571)."""

    def __init__(self, server: LocalTransportParameters, profiles: tuple[SrtpProfile, ...], *, tcp: bool) -> None:
        self.certificate = make_certificate(os.urandom)
        self.dtls = DtlsEndpoint(DtlsRole.CLIENT, self.certificate, (server.fingerprint,), time.monotonic(), profiles=profiles)
        self._server = server
        self._tcp = tcp
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setblocking(False)
        self._buffer = b""

    @property
    def parameters(self) -> RemoteTransportParameters:
        return RemoteTransportParameters("peer", "p" * 24, (self.certificate.fingerprint,), "active")

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return host, port

    async def connect(self, port: int) -> None:
        await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", port))

    async def check(self) -> None:
        """Send a check with USE-CANDIDATE until it is answered."""
        sent: set[bytes] = set()
        for _ in range(50):
            transaction_id = os.urandom(12)
            sent.add(transaction_id)
            await self.send(self.request(transaction_id))
            with suppress(TimeoutError):
                message = stun.parse(await asyncio.wait_for(self.receive(), 0.2))
                if message.stun_class is StunClass.REQUEST:
                    continue
                stun.verify_integrity(message, self._server.ice_pwd.encode())
                assert message.stun_class is StunClass.SUCCESS
                assert message.transaction_id in sent
                assert str(message.xor_mapped_address) == f"127.0.0.1:{self._socket.getsockname()[1]}"
                return
        raise TimeoutError("no answer to a check")

    def request(self, transaction_id: bytes) -> bytes:
        attributes = (
            (int(AttributeType.USERNAME), f"{self._server.ice_ufrag}:peer".encode()),
            (int(AttributeType.PRIORITY), bytes(4)),
            (int(AttributeType.ICE_CONTROLLING), bytes(8)),
            (int(AttributeType.USE_CANDIDATE), b""),
        )
        return stun.serialise(StunClass.REQUEST, transaction_id, attributes, password=self._server.ice_pwd.encode())

    def moved(self) -> "Client":
        """Return the same peer on a socket of its own, as behind a NAT that gave it another port."""
        moved = Client(self._server, PROFILES, tcp=False)
        moved.dtls, moved.certificate = self.dtls, self.certificate
        return moved

    async def answer(self, request: bytes) -> None:
        """Answer a check of the server's, as a full agent does at any time."""
        message = stun.parse(request)
        stun.verify_integrity(message, b"p" * 24)
        assert message.get(AttributeType.USERNAME) == f"peer:{self._server.ice_ufrag}".encode()
        await self.send(stun.serialise(StunClass.SUCCESS, message.transaction_id, password=b"p" * 24))

    def check_in_the_name_of(self, victim: tuple[str, int]) -> None:
        """Send a check of our own from an address that is another's, as who can forge source addresses would."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            forger.bind(victim)
            forger.sendto(self.request(os.urandom(12)), self._socket.getpeername())

    async def shake_hands(self) -> None:
        while self.dtls.state is DtlsState.CONNECTING:
            for data in self.dtls.take_datagrams():
                await self.send(data)
            due = self.dtls.timeout()
            assert due is not None
            with suppress(TimeoutError):
                data = await asyncio.wait_for(self.receive(), max(0.0, due - time.monotonic()))
                if 20 <= data[0] < 64:
                    self.dtls.receive(data, time.monotonic())
            self.dtls.on_timer(time.monotonic())
        assert self.dtls.state is DtlsState.CONNECTED

    async def send(self, data: bytes) -> None:
        framed = len(data).to_bytes(2, "big") + data if self._tcp else data
        await asyncio.get_running_loop().sock_sendall(self._socket, framed)

    async def receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        if not self._tcp:
            return await loop.sock_recv(self._socket, 2048)
        while len(self._buffer) < 2 or len(self._buffer) < 2 + int.from_bytes(self._buffer[:2], "big"):
            received = await loop.sock_recv(self._socket, 65536)
            if not received:
                raise ConnectionError
            self._buffer += received
        end = 2 + int.from_bytes(self._buffer[:2], "big")
        data, self._buffer = self._buffer[2:end], self._buffer[end:]
        return data

    def sender(self) -> pylibsrtp.Session:
        return self._session(outbound=True)

    def receiver(self) -> pylibsrtp.Session:
        return self._session(outbound=False)

    def _session(self, *, outbound: bool) -> pylibsrtp.Session:
        keys = self.dtls.keys
        assert keys is not None
        return pylibsrtp.Session(
            pylibsrtp.Policy(
                key=keys.outbound if outbound else keys.inbound,
                ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND if outbound else pylibsrtp.Policy.SSRC_ANY_INBOUND,
                srtp_profile=POLICIES[keys.profile],
            )
        )

    def close(self) -> None:
        self._socket.close()


class House:
    """A plane with one lane, its pump, and what the pump reported."""

    def __init__(self) -> None:
        self.plane = Plane([LaneAddress("127.0.0.1", 0)])
        self.pump = MediaPump(self.plane, clock=time.monotonic, loop=asyncio.get_running_loop())
        self.states: asyncio.Queue[tuple[TransportId, TransportState, str]] = asyncio.Queue()
        self.pump.on_transport_state = lambda *state: self.states.put_nowait(state)
        self.pump.start()

    @property
    def port(self) -> int:
        return self.plane.addresses[0].port

    def open(self, transport_id: TransportId) -> MediaTransport:
        transport = MediaTransport(
            transport_id,
            role_name="publisher",
            lane=0,
            candidates=(),
            certificate=OURS,
            entropy=os.urandom,
            now=time.monotonic(),
        )
        self.pump.perform([commands.OpenTransport(transport, 0)])
        return transport

    async def connect(
        self, transport_id: TransportId, profiles: tuple[SrtpProfile, ...] = PROFILES, *, tcp: bool = False
    ) -> Client:
        transport = self.open(transport_id)
        client = Client(transport.local, profiles, tcp=tcp)
        transport.set_remote(client.parameters)
        await client.connect(self.port)
        await client.check()
        await client.shake_hands()
        assert await asyncio.wait_for(self.states.get(), PATIENCE_S) == (transport_id, TransportState.CONNECTED, "")
        return client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    made.pump.close()


def rtp(number: int) -> bytes:
    head = bytes([0x80, 111]) + number.to_bytes(2, "big") + (960 * number).to_bytes(4, "big")
    return head + PUBLISHED_SSRC.to_bytes(4, "big") + Random(number).randbytes(80)


def route() -> list[commands.PlaneCommand]:
    return [
        commands.AddTrack(TrackSpec(TRACK, PUBLISHER, MediaKind.AUDIO, "0", (OPUS,), ssrc=PUBLISHED_SSRC)),
        commands.AddSender(SenderSpec(SUBSCRIBER, "0", MediaKind.AUDIO, SLOT_SSRC, None, None, {}, 48000), "cname"),
        commands.SetRoute(RouteSpec(SUBSCRIBER, "0", TRACK, {111: 109})),
    ]


def counted(house: House, name: str) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return house.pump.counters().get(name, 0)

    return look


async def forward(publisher: Client, subscriber: Client, *, first: int = 1, count: int = 20) -> list[bytes]:
    """Send RTP from one to the other; returns the packets as the other decrypted them."""
    protect, unprotect = publisher.sender(), subscriber.receiver()
    for number in range(first, first + count):
        await publisher.send(protect.protect(rtp(number)))
    packets: list[bytes] = []
    while len(packets) < count:
        data = await asyncio.wait_for(subscriber.receive(), PATIENCE_S)
        if data[0] >= 128 and not 192 <= data[1] <= 223:
            packets.append(unprotect.unprotect(data))
    return packets


@pytest.mark.parametrize("profile", PROFILES)
async def test_rtp_goes_from_one_peer_to_another(house: House, profile: SrtpProfile) -> None:
    publisher = await house.connect(PUBLISHER, (profile,))
    subscriber = await house.connect(SUBSCRIBER)
    house.pump.perform(route())
    packets = await forward(publisher, subscriber)
    assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(1, 21)]
    assert {packet[1] & 127 for packet in packets} == {109}
    assert {int.from_bytes(packet[8:12], "big") for packet in packets} == {SLOT_SSRC}
    stats = house.pump.stats(PUBLISHER)
    assert stats is not None
    assert stats.tracks[TRACK]["packets"] == 20
    publisher.close()
    subscriber.close()


async def test_a_peer_behind_a_firewall_comes_in_over_tcp(house: House) -> None:
    publisher = await house.connect(PUBLISHER, tcp=True)
    subscriber = await house.connect(SUBSCRIBER, tcp=True)
    house.pump.perform(route())
    packets = await forward(publisher, subscriber)
    assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(1, 21)]
    publisher.close()
    subscriber.close()


async def test_a_forged_check_from_another_socket_is_not_answered(house: House) -> None:
    client = await house.connect(PUBLISHER)
    forger = Client(house.open(SUBSCRIBER).local, PROFILES, tcp=False)
    await forger.connect(house.port)
    captured = client.request(bytes(12))
    await forger.send(captured[:-1] + bytes([captured[-1] ^ 1]))
    await forger.send(forger.dtls.take_datagrams()[0])
    await forger.check()
    counters = house.pump.counters()
    assert counters["control_stun_fingerprint"] == 1
    assert counters["drop_unknown_path"] == 1
    client.close()
    forger.close()


async def test_a_forged_source_address_takes_no_media_from_its_owner_and_sends_none_to_it(house: House) -> None:
    victim, thief = await house.connect(PUBLISHER), await house.connect(SUBSCRIBER)
    house.pump.perform(route())
    for number in range(1, 4):
        thief.check_in_the_name_of(victim.address)
        await until(counted(house, "drop_path_held"), lambda refused, least=number: refused >= least, "the path is refused")
    packets = await forward(victim, thief)
    assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(1, 21)]
    victim.close()
    thief.close()


async def test_media_follows_a_peer_to_another_port_once_it_answers_there(house: House) -> None:
    publisher, subscriber = await house.connect(PUBLISHER), await house.connect(SUBSCRIBER)
    house.pump.perform(route())
    await forward(publisher, subscriber)
    moved = subscriber.moved()
    await moved.connect(house.port)
    await moved.check()
    await moved.answer(await moved.receive())
    await moved.check()
    packets = await forward(publisher, moved, first=21)
    assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(21, 41)]
    for client in (publisher, subscriber, moved):
        client.close()


async def test_media_is_not_sent_to_an_address_that_a_check_only_claims_to_come_from(house: House) -> None:
    publisher, attacker = await house.connect(PUBLISHER), await house.connect(SUBSCRIBER)
    house.pump.perform(route())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bystander:
        bystander.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bystander.bind(("127.0.0.1", 0))
        bystander.connect(("127.0.0.1", house.port))
        bystander.setblocking(False)
        loop = asyncio.get_running_loop()
        attacker.check_in_the_name_of(bystander.getsockname())
        got = [await asyncio.wait_for(loop.sock_recv(bystander, 2048), PATIENCE_S) for _ in range(2)]
        packets = await forward(publisher, attacker)
        assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(1, 21)]
        with suppress(BlockingIOError):
            while True:
                got.append(bystander.recv(2048))
    assert {data[0] for data in got} <= {0, 1}
    assert sum(map(len, got)) < 1000
    publisher.close()
    attacker.close()


async def test_an_ice_restart_moves_the_media_to_another_socket_and_keeps_the_keys(house: House) -> None:
    publisher = await house.connect(PUBLISHER)
    transport = house.open(SUBSCRIBER)
    subscriber = Client(transport.local, PROFILES, tcp=False)
    transport.set_remote(subscriber.parameters)
    await subscriber.connect(house.port)
    await subscriber.check()
    await subscriber.shake_hands()
    house.pump.perform(route())
    await forward(publisher, subscriber)

    old_ufrag = transport.restart_ice(os.urandom)
    house.pump.perform([commands.RestartIce(SUBSCRIBER, old_ufrag)])
    moved = Client(transport.local, PROFILES, tcp=True)
    moved.dtls = subscriber.dtls
    await moved.connect(house.port)
    await moved.check()
    packets = await forward(publisher, moved, first=21)
    assert [packet[12:] for packet in packets] == [rtp(number)[12:] for number in range(21, 41)]
    assert house.pump.table_sizes()["control_ufrags"] == 2
    for client in (publisher, subscriber, moved):
        client.close()


async def test_a_client_connects_in_the_middle_of_a_stun_flood(house: House) -> None:
    flooding = threading.Event()
    flooding.set()
    stranger = (int(AttributeType.USERNAME), b"nobody:peer")
    flood = stun.serialise(StunClass.REQUEST, bytes(12), (stranger,), password=b"guess")

    def send_flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while flooding.is_set():
                sender.sendto(flood, ("127.0.0.1", house.port))

    sending = asyncio.create_task(asyncio.to_thread(send_flood))
    try:
        await until(counted(house, "control_stun_unknown_ufrag"), lambda refused: refused > 0, "the flood arrives")
        client = await house.connect(PUBLISHER)
    finally:
        flooding.clear()
        await sending
    client.close()


async def test_peers_that_came_and_went_leave_nothing_in_the_plane(house: House) -> None:
    for number in range(50):
        transport_id = TransportId(f"{number:016}")
        client = await house.connect(transport_id, tcp=number % 2 == 1)
        house.pump.perform(
            [
                commands.AddTrack(TrackSpec(TrackId(f"{number:016}"), transport_id, MediaKind.AUDIO, "0", (OPUS,), ssrc=7)),
                commands.AddSender(SenderSpec(transport_id, "1", MediaKind.AUDIO, 8, None, None, {}, 48000), "cname"),
                commands.CloseTransport(transport_id),
            ]
        )
        client.close()

    async def sizes() -> dict[str, int]:
        return house.pump.table_sizes()

    await until(sizes, lambda seen: not any(seen.values()), "every table is empty", within_s=PATIENCE_S)


async def test_a_peer_that_says_goodbye_is_closed_and_frees_what_it_held(house: House) -> None:
    client = await house.connect(PUBLISHER)
    house.pump.perform(route()[:1])
    client.dtls.close()
    for data in client.dtls.take_datagrams():
        await client.send(data)
    state = await asyncio.wait_for(house.states.get(), PATIENCE_S)
    assert state == (PUBLISHER, TransportState.CLOSED, "closed_by_peer")
    house.pump.perform([commands.CloseTransport(PUBLISHER)])
    sizes = house.pump.table_sizes()
    assert sizes["control_transports"] == sizes["control_tracks"] == sizes["control_ufrags"] == 0
    client.close()
