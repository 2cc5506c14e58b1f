"""The pump over a plane that records what it is told, on a loop in virtual time."""

import heapq
import os
from collections import deque
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import pytest

from conclave.hub.media_pump import BATCH, MediaPump
from conclave.media import commands, stun
from conclave.media.certificate import make_certificate
from conclave.media.dtls import DtlsEndpoint, DtlsRole, DtlsState
from conclave.media.ice import CONSENT_EXPIRY_S
from conclave.media.parameters import RemoteTransportParameters
from conclave.media.stun import AttributeType, StunClass
from conclave.media.transport import MediaTransport, TransportState
from conclave.model.errors import Unavailable
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, RouteSpec, SenderSpec, TrackSpec
from conclave.plane.plane import Datagram, Fact

OURS, THEIRS = make_certificate(os.urandom), make_certificate(os.urandom)
RANDOM = Random(1)
PUBLISHER, SUBSCRIBER = TransportId("p" * 16), TransportId("s" * 16)
TRACK = TrackId("k" * 16)
OPUS = CodecParameters("audio/opus", 48000, 2, "", 111)
VP8 = CodecParameters("video/VP8", 90000, 1, "", 96, 97)


def path(number: int = 1) -> bytes:
    return bytes([0, 4]) + (5000 + number).to_bytes(2, "big") + bytes([192, 0, 2, 1]) + bytes(24)


class RecordingPlane:
    """Keeps tables with generations as the real one does, and every call in `calls`."""

    event_fd = 99
    room = -1

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.sent: deque[tuple[int, bytes, bytes]] = deque()
        self.inbox: deque[Datagram | Fact] = deque()
        self.levels: list[tuple[int, int, int]] = []
        self._numbers = count(100)
        self._owners: dict[int, int] = {}

    def start(self) -> None:
        self.calls.append(("start",))

    def close(self) -> None:
        self.calls.append(("close",))

    def poll(self, limit: int) -> list[Datagram | Fact]:
        return [self.inbox.popleft() for _ in range(min(limit, len(self.inbox)))]

    def send(self, lane: int, to: bytes, data: bytes) -> None:
        self.sent.append((lane, to, data))

    def open_peer(self, lane: int) -> int:
        return self._open(0, "open_peer", lane)

    def close_peer(self, peer: int) -> None:
        self._need(peer)
        self._owners = {number: owner for number, owner in self._owners.items() if peer not in (number, owner)}
        self.calls.append(("close_peer", peer))

    def add_track(self, peer: int, **parameters: Any) -> int:
        return self._open(peer, "add_track", parameters)

    def add_sender(self, peer: int, **parameters: Any) -> int:
        return self._open(peer, "add_sender", parameters)

    def remove_track(self, track: int) -> None:
        self._need(track)
        del self._owners[track]
        self.calls.append(("remove_track", track))

    def remove_sender(self, sender: int) -> None:
        self._need(sender)
        del self._owners[sender]
        self.calls.append(("remove_sender", sender))

    def audio_levels(self) -> list[tuple[int, int, int]]:
        return self.levels

    def counters(self) -> dict[str, int]:
        return {"packets_in": 7}

    def table_sizes(self) -> dict[str, int]:
        return {"peers": len(self._owners)}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in {
            "allow_path", "nominate", "secure", "update_track", "set_muted", "request_keyframe", "route", "set_remb",
            "peer_stats", "track_stats", "sender_stats",
        }:  # fmt: skip
            raise AttributeError(name)

        def record(number: int, *rest: Any, **parameters: Any) -> dict[str, int]:
            self._need(number)
            self.calls.append((name, number, *rest, *([parameters] if parameters else [])))
            return {"number": number}

        return record

    def _open(self, owner: int, *call: Any) -> int:
        if -1 < self.room <= len(self._owners):
            raise Unavailable("plane", "no room")
        number = next(self._numbers)
        if owner:
            self._need(owner)
        self._owners[number] = owner
        self.calls.append(call)
        return number

    def _need(self, number: int) -> None:
        if number not in self._owners:
            raise KeyError(number)


class VirtualHandle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualLoop:
    """As much of an event loop as the pump uses, with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.readers: dict[int, Callable[[], None]] = {}
        self._order = count()
        self._timers: list[tuple[float, int, VirtualHandle, Callable[..., None], tuple[Any, ...]]] = []

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self.readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        del self.readers[fd]

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> VirtualHandle:
        return self.call_later(0.0, callback, *arguments)

    def call_later(self, delay: float, callback: Callable[..., None], *arguments: Any) -> VirtualHandle:
        handle = VirtualHandle()
        heapq.heappush(self._timers, (self.now + delay, next(self._order), handle, callback, arguments))
        return handle

    @property
    def pending(self) -> int:
        return sum(not handle.cancelled for _, _, handle, _, _ in self._timers)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            due, _, handle, callback, arguments = heapq.heappop(self._timers)
            if not handle.cancelled:
                self.now = max(self.now, due)
                callback(*arguments)
        self.now = until


class House:
    """A pump with its plane, its loop and what it reported."""

    def __init__(self) -> None:
        self.plane = RecordingPlane()
        self.loop = VirtualLoop()
        self.pump = MediaPump(self.plane, clock=lambda: self.loop.now, loop=self.loop)
        self.states: list[tuple[TransportId, TransportState, str]] = []
        self.facts: list[tuple[str, TransportId | None, TrackId | None, int]] = []
        self.pump.on_transport_state = lambda *state: self.states.append(state)
        self.pump.on_fact = lambda *fact: self.facts.append(fact)
        self.pump.start()

    def open(self, transport_id: TransportId = PUBLISHER, lane: int = 0) -> MediaTransport:
        transport = MediaTransport(
            transport_id,
            role_name="publisher",
            lane=lane,
            candidates=(),
            certificate=OURS,
            entropy=RANDOM.randbytes,
            now=self.loop.now,
        )
        self.pump.perform([commands.OpenTransport(transport, lane)])
        transport.set_remote(RemoteTransportParameters("peer", "p" * 24, (THEIRS.fingerprint,), "active"))
        return transport

    def receive(self, *items: Datagram | Fact) -> None:
        self.plane.inbox.extend(items)
        while self.plane.inbox:
            self.loop.readers[self.plane.event_fd]()
        self.loop.advance(0.0)

    def check(self, transport: MediaTransport, number: int = 1, lane: int = 0) -> None:
        self.receive(Datagram(lane, "stun", -1, path(number), check(transport)))

    def connect(self, transport: MediaTransport, peer: int) -> DtlsEndpoint:
        self.check(transport)
        self.plane.sent.clear()
        client = DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), self.loop.now)
        while datagrams := client.take_datagrams():
            self.receive(*(Datagram(0, "dtls", peer, path(), data) for data in datagrams))
            while self.plane.sent:
                client.receive(self.plane.sent.popleft()[2], self.loop.now)
        return client

    def calls(self, name: str) -> list[tuple[Any, ...]]:
        return [call for call in self.plane.calls if call[0] == name]


def check(transport: MediaTransport) -> bytes:
    local = transport.local
    attributes = (
        (int(AttributeType.USERNAME), f"{local.ice_ufrag}:peer".encode()),
        (int(AttributeType.PRIORITY), bytes(4)),
        (int(AttributeType.ICE_CONTROLLING), bytes(8)),
        (int(AttributeType.USE_CANDIDATE), b""),
    )
    return stun.serialise(StunClass.REQUEST, RANDOM.randbytes(12), attributes, password=local.ice_pwd.encode())


def track(transport_id: TransportId = PUBLISHER, track_id: TrackId = TRACK) -> TrackSpec:
    return TrackSpec(track_id, transport_id, MediaKind.VIDEO, "0", (VP8,), mid_ext_id=4, ssrc=11, rtx_ssrc=12)


def slot(mid: str = "1", transport_id: TransportId = SUBSCRIBER) -> SenderSpec:
    return SenderSpec(transport_id, mid, MediaKind.VIDEO, 21, 22, 4, {96: 97}, 90000)


@pytest.fixture
def house() -> House:
    return House()


def test_a_check_is_answered_and_its_path_allowed(house: House) -> None:
    transport = house.open()
    house.check(transport)
    assert house.calls("allow_path") == [("allow_path", 100, path())]
    (lane, to, data) = house.plane.sent.pop()
    assert (lane, to) == (0, path())
    assert stun.parse(data).stun_class is StunClass.SUCCESS


def test_a_handshake_installs_keys_and_reports_connected(house: House) -> None:
    client = house.connect(house.open(), 100)
    assert client.keys is not None
    assert house.calls("nominate") == [("nominate", 100, path())]
    assert house.calls("secure") == [("secure", 100, client.keys.profile, client.keys.outbound, client.keys.inbound)]
    assert house.states == [(PUBLISHER, TransportState.CONNECTED, "")]


def test_media_moves_when_the_peer_answers_our_request_on_its_new_path(house: House) -> None:
    transport = house.open()
    house.connect(transport, 100)
    house.plane.sent.clear()
    house.check(transport, number=2)
    assert ("nominate", 100, path(2)) not in house.plane.calls
    request = stun.parse(house.plane.sent.pop()[2])
    proof = stun.serialise(StunClass.SUCCESS, request.transaction_id, password=b"p" * 24)
    house.receive(Datagram(0, "stun", -1, path(2), proof), Datagram(1, "stun", 100, path(2), proof))
    assert ("nominate", 100, path(2)) not in house.plane.calls
    assert house.pump.counters()["control_stun_unknown_peer"] == 2
    house.receive(Datagram(0, "stun", 100, path(2), proof))
    assert ("nominate", 100, path(2)) in house.plane.calls


def test_our_request_is_repeated_by_the_timer(house: House) -> None:
    transport = house.open()
    house.connect(transport, 100)
    house.check(transport, number=2)
    house.plane.sent.clear()
    house.loop.advance(5.0)
    assert [to for _, to, _ in house.plane.sent] == [path(2)] * 3


def test_an_unknown_fragment_costs_a_look_and_a_count(house: House) -> None:
    transport = house.open()
    stranger = MediaTransport(
        SUBSCRIBER, role_name="", lane=0, candidates=(), certificate=OURS, entropy=RANDOM.randbytes, now=0.0
    )
    house.check(stranger)
    house.receive(Datagram(0, "stun", -1, path(), b"junk"))
    house.check(transport, lane=1)
    assert house.pump.counters() == {"packets_in": 7, "control_stun_unknown_ufrag": 3}
    assert not house.plane.sent


def test_the_username_of_a_dead_transport_gets_no_answer(house: House) -> None:
    transport = house.open()
    request = check(transport)
    house.pump.perform([commands.CloseTransport(PUBLISHER)])
    house.receive(Datagram(0, "stun", -1, path(), request))
    assert not house.plane.sent
    assert house.pump.counters()["control_stun_unknown_ufrag"] == 1


def test_a_forged_check_is_counted_and_not_answered(house: House) -> None:
    transport = house.open()
    request = bytearray(check(transport))
    request[-1] ^= 1
    house.receive(Datagram(0, "stun", -1, path(), bytes(request)))
    assert house.pump.counters()["control_stun_fingerprint"] == 1
    assert not house.plane.sent


def test_dtls_for_nobody_is_counted(house: House) -> None:
    house.open()
    house.receive(Datagram(0, "dtls", -1, path(), b"\x16"), Datagram(0, "dtls", 100, path(), b"\x16"))
    counters = house.pump.counters()
    assert counters["control_dtls_unknown_peer"] == 1
    assert counters["control_dtls_unproven_path"] == 1


def test_a_flood_leaves_the_loop_to_others_after_each_batch(house: House) -> None:
    house.plane.inbox.extend(Datagram(0, "stun", -1, path(), b"junk") for _ in range(10 * BATCH))
    house.loop.readers[house.plane.event_fd]()
    assert len(house.plane.inbox) == 9 * BATCH


def test_a_track_is_handed_down_with_its_payload_types(house: House) -> None:
    house.open()
    house.pump.perform([commands.AddTrack(track())])
    assert house.calls("add_track") == [
        (
            "add_track",
            {
                "video": True, "mid": b"0", "payload_types": {96: 90000}, "rtx_payload_types": {97: 96}, "codecs": {96: "vp8"},
                "mid_ext_id": 4, "audio_level_ext_id": 0, "ssrc": 11, "rtx_ssrc": 12,
            },
        )
    ]  # fmt: skip


def test_commands_reach_the_plane_in_order_and_in_its_numbers(house: House) -> None:
    house.open()
    house.open(SUBSCRIBER)
    house.plane.calls.clear()
    house.pump.perform(
        [
            commands.AddTrack(track()),
            commands.AddSender(slot(), "cname"),
            commands.SetRoute(RouteSpec(SUBSCRIBER, "1", TRACK, {96: 100}, {4: 5})),
            commands.UpdateTrack(track()),
            commands.MuteTrack(TRACK, True),
            commands.RequestKeyframe(TRACK),
            commands.SetRemb(PUBLISHER, 500_000),
            commands.SetRoute(RouteSpec(SUBSCRIBER, "1", None)),
            commands.RemoveTrack(TRACK),
            commands.SetRoute(RouteSpec(SUBSCRIBER, "1", TRACK, {96: 100})),
            commands.RemoveSender(SUBSCRIBER, "1"),
        ]
    )
    assert house.plane.calls[2:] == [
        ("route", 103, 102, {96: 100}, {4: 5}),
        ("update_track", 102, {"ssrc": 11, "rtx_ssrc": 12}),
        ("set_muted", 102, True),
        ("request_keyframe", 102),
        ("set_remb", 100, 500_000),
        ("route", 103, None),
        ("remove_track", 102),
        ("route", 103, None),
        ("remove_sender", 103),
    ]


@pytest.mark.parametrize(
    "command",
    [
        commands.CloseTransport(SUBSCRIBER),
        commands.RestartIce(SUBSCRIBER, "x"),
        commands.AddTrack(track(SUBSCRIBER)),
        commands.UpdateTrack(track()),
        commands.RemoveTrack(TRACK),
        commands.MuteTrack(TRACK, True),
        commands.RequestKeyframe(TRACK),
        commands.AddSender(slot(), ""),
        commands.RemoveSender(SUBSCRIBER, "1"),
        commands.RemoveSender(PUBLISHER, "1"),
        commands.SetRoute(RouteSpec(SUBSCRIBER, "1", TRACK)),
        commands.SetRemb(SUBSCRIBER, 1),
    ],
)
def test_commands_about_things_already_gone_do_nothing(house: House, command: commands.PlaneCommand) -> None:
    house.open()
    house.plane.calls.clear()
    house.pump.perform([command, commands.SetRemb(PUBLISHER, 5)])
    assert house.plane.calls == [("set_remb", 100, 5)]
    assert house.pump.counters()["control_stale_commands"] == 1


def test_a_full_plane_is_told_after_the_other_commands_were_performed(house: House) -> None:
    transport = house.open()
    house.plane.room = 0
    stranger = MediaTransport(
        SUBSCRIBER, role_name="", lane=0, candidates=(), certificate=OURS, entropy=RANDOM.randbytes, now=0.0
    )
    with pytest.raises(Unavailable):
        house.pump.perform([commands.OpenTransport(stranger, 0), commands.SetRemb(PUBLISHER, 5)])
    assert house.calls("set_remb") == [("set_remb", 100, 5)]
    assert house.pump.counters()["control_no_room"] == 1
    assert house.pump.table_sizes()["control_transports"] == 1
    house.check(stranger)
    house.check(transport)
    assert len(house.plane.sent) == 1


def test_opening_or_adding_twice_does_nothing(house: House) -> None:
    transport = house.open()
    twice = [commands.AddTrack(track()), commands.AddSender(slot(transport_id=PUBLISHER), "")]
    house.pump.perform([*twice, *twice, commands.OpenTransport(transport, 0)])
    assert house.pump.counters()["control_stale_commands"] == 3
    assert len(house.calls("open_peer")) == len(house.calls("add_track")) == len(house.calls("add_sender")) == 1


def test_consent_that_expires_stops_the_media_at_once(house: House) -> None:
    transport = house.open()
    house.connect(transport, 100)
    house.pump.perform([commands.AddTrack(track())])
    house.loop.advance(20.0)
    house.check(transport)
    house.loop.advance(CONSENT_EXPIRY_S - 0.5)
    assert house.calls("close_peer") == []
    house.loop.advance(1.0)
    assert house.calls("close_peer") == [("close_peer", 100)]
    assert house.states[-1] == (PUBLISHER, TransportState.FAILED, "consent_expired")
    assert house.pump.counters()["control_ended_consent_expired"] == 1
    house.pump.perform([commands.RequestKeyframe(TRACK), commands.AddTrack(track()), commands.CloseTransport(PUBLISHER)])
    assert house.pump.table_sizes() == {
        "peers": 0, "control_transports": 0, "control_ufrags": 0, "control_peers": 0, "control_tracks": 0,
    }  # fmt: skip


def test_a_certificate_that_was_not_signaled_ends_the_transport_and_is_counted(house: House) -> None:
    transport = house.open()
    transport.set_remote(RemoteTransportParameters("peer", "p" * 24, (THEIRS.fingerprint,), "active"))
    house.check(transport)
    stranger = DtlsEndpoint(DtlsRole.CLIENT, OURS, (OURS.fingerprint,), house.loop.now)
    for _ in range(2):
        house.plane.sent.clear()
        house.receive(*(Datagram(0, "dtls", 100, path(), data) for data in stranger.take_datagrams()))
        for _, _, data in house.plane.sent:
            stranger.receive(data, house.loop.now)
    assert house.states == [(PUBLISHER, TransportState.FAILED, "fingerprint_mismatch")]
    assert house.pump.counters()["control_ended_fingerprint_mismatch"] == 1
    assert house.calls("secure") == []
    assert house.calls("close_peer") == [("close_peer", 100)]


def test_a_handshake_that_stalls_is_repeated_by_the_timer(house: House) -> None:
    transport = house.open()
    house.check(transport)
    client = DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), house.loop.now)
    house.receive(*(Datagram(0, "dtls", 100, path(), data) for data in client.take_datagrams()))
    house.plane.sent.clear()
    house.loop.advance(1.0)
    for _, _, data in house.plane.sent:
        client.receive(data, house.loop.now)
    assert client.take_datagrams()


def test_an_answer_that_comes_after_dtls_wakes_the_pump(house: House) -> None:
    transport = MediaTransport(
        SUBSCRIBER,
        role_name="subscriber",
        lane=0,
        candidates=(),
        certificate=OURS,
        entropy=RANDOM.randbytes,
        now=house.loop.now,
    )
    house.pump.perform([commands.OpenTransport(transport, 0)])
    house.check(transport)
    client = DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), house.loop.now)
    house.receive(*(Datagram(0, "dtls", 100, path(), data) for data in client.take_datagrams()))
    house.plane.sent.clear()
    transport.set_remote(RemoteTransportParameters("peer", "p" * 24, (THEIRS.fingerprint,), "active"))
    house.loop.advance(0.0)
    assert house.plane.sent


def test_an_ice_restart_serves_both_fragments_until_the_new_one_is_used(house: House) -> None:
    transport = house.open()
    house.check(transport)
    before = check(transport)
    old = transport.restart_ice(RANDOM.randbytes)
    house.pump.perform([commands.RestartIce(PUBLISHER, old)])
    house.plane.sent.clear()
    house.receive(Datagram(0, "stun", -1, path(), before))
    assert len(house.plane.sent) == 1
    house.check(transport, number=2)
    assert len(house.plane.sent) == 2
    assert house.pump.table_sizes()["control_ufrags"] == 1
    house.receive(Datagram(0, "stun", -1, path(), before))
    assert len(house.plane.sent) == 2


def test_facts_are_told_in_our_identifiers(house: House) -> None:
    house.open()
    house.pump.perform([commands.AddTrack(track())])
    house.receive(
        Fact(0, "first_packet", -1, 101, 0, b""),
        Fact(0, "srtp_failing", 100, -1, 12, b""),
        Fact(0, "ring_overflow", -1, -1, 3, b""),
        Fact(0, "peer_closed", 55, -1, 0, b""),
    )
    assert house.facts == [
        ("first_packet", PUBLISHER, TRACK, 0),
        ("srtp_failing", PUBLISHER, None, 12),
        ("ring_overflow", None, None, 3),
    ]


@pytest.mark.parametrize("name", ["path_closed", "path_refused"])
def test_a_path_that_ended_or_is_anothers_is_forgotten(house: House, name: str) -> None:
    transport = house.open()
    house.check(transport)
    house.receive(Fact(0, name, 100, -1, 0, path()))
    house.receive(Datagram(0, "dtls", 100, path(), b"\x16"))
    assert house.pump.counters()["control_dtls_unproven_path"] == 1


def test_audio_levels_are_told_of_known_tracks_only(house: House) -> None:
    house.open()
    house.pump.perform([commands.AddTrack(track())])
    house.plane.levels = [(101, 30, 20), (77, 1, 1)]
    assert house.pump.audio_levels() == [(TRACK, 30, 20)]


def test_stats_are_told_by_our_identifiers(house: House) -> None:
    house.open()
    house.pump.perform([commands.AddTrack(track()), commands.AddSender(slot(transport_id=PUBLISHER), "")])
    stats = house.pump.stats(PUBLISHER)
    assert stats is not None
    assert stats.peer == {"number": 100}
    assert stats.tracks == {TRACK: {"number": 101}}
    assert stats.senders == {"1": {"number": 102}}
    assert house.pump.stats(SUBSCRIBER) is None


def test_closing_says_goodbye_to_everybody_once(house: House) -> None:
    client = house.connect(house.open(), 100)
    house.open(SUBSCRIBER)
    house.pump.close()
    house.pump.close()
    client.receive(house.plane.sent.pop()[2], house.loop.now)
    assert client.state is DtlsState.CLOSED
    assert len(house.calls("close_peer")) == 2
    house.loop.advance(0.0)
    assert house.loop.readers == {}
    assert house.loop.pending == 0


def test_200_transports_that_came_and_went_leave_nothing_behind(house: House) -> None:
    for number in range(200):
        transport_id = TransportId(f"{number:016}")
        track_id = TrackId(f"{number:016}")
        transport = house.open(transport_id)
        house.check(transport, number)
        transport.restart_ice(RANDOM.randbytes)
        house.pump.perform(
            [
                commands.RestartIce(transport_id, ""),
                commands.AddTrack(track(transport_id, track_id)),
                commands.AddSender(slot(transport_id=transport_id), ""),
                commands.CloseTransport(transport_id),
            ]
        )
    house.loop.advance(0.0)
    assert set(house.pump.table_sizes().values()) == {0}
    assert house.loop.pending == 0
