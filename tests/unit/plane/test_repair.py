"""A lossy network in virtual time: 25 ms each way, 5 % loss each way, upstream and downstream."""

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from struct import pack, unpack_from

import pytest
from tests.unit.plane.far_end import MS, SECOND, VP8_CONTINUATION, VP8_KEYFRAME, Room, Rtp, nack, rtp

LOSS = 0.05
ONE_WAY = 25 * MS
SECONDS = 10


class Clock:
    """Jobs in the order of their time."""

    def __init__(self) -> None:
        self.now = SECOND
        self._jobs: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, delay: int, job: Callable[[], None]) -> None:
        heapq.heappush(self._jobs, (self.now + delay, next(self._order), job))

    def run(self, until: int) -> None:
        while self._jobs and self._jobs[0][0] <= until:
            self.now, _, job = heapq.heappop(self._jobs)
            job()


class LossyMeeting:
    """A publisher that answers NACKs by RTX, a subscriber that asks for what it misses, and the plane between them."""

    def __init__(self, seed: int, *, up: float, down: float) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.room = Room(rtx_ssrc=0x1112)
        self.up, self.down = up, down
        self.sent: dict[int, bytes] = {}
        self.rtx_seq = self.lost_up = self.lost_down = 0
        self.got: dict[int, bytes] = {}
        self.highest = -1
        self.asked: dict[int, int] = {}

    def run(self) -> None:
        for frame in range(SECONDS * 30):
            for part in range(4):
                seq = frame * 4 + part
                self.clock.after(frame * SECOND // 30, lambda seq=seq, part=part: self.publish(seq, part))  # type: ignore[misc]
        for tick in range((SECONDS + 2) * 200):
            self.clock.after(tick * 5 * MS, self.tick)
        self.clock.run(self.clock.now + (SECONDS + 2) * SECOND)

    def publish(self, seq: int, part: int) -> None:
        payload = (VP8_KEYFRAME if part == 0 else VP8_CONTINUATION) + pack("!I", seq) + bytes(800)
        packet = rtp(seq, payload=payload, timestamp=seq // 4 * 3000, marker=part == 3)
        self.sent[seq] = packet
        self.to_plane(self.room.publisher.protect(packet), self.up if seq > 3 else 0)

    def to_plane(self, datagram: tuple[bytes, bytes], loss: float) -> None:
        if self.random.random() < loss:
            self.lost_up += 1
            return
        self.clock.after(ONE_WAY, lambda: self.from_plane(self.room.core.receive([datagram], self.clock.now)))

    def tick(self) -> None:
        self.from_plane(self.room.core.tick(self.clock.now))
        for seq, at in self.asked.items():
            if self.clock.now - at >= 70 * MS:
                self.ask(seq)

    def from_plane(self, output: list[tuple[bytes, bytes]]) -> None:
        for datagram in output:
            downstream = datagram[0] == self.room.subscriber.path
            if self.random.random() < (self.down if downstream and self.highest >= 0 else self.up if not downstream else 0):
                self.lost_down += downstream
            elif downstream:
                self.clock.after(ONE_WAY, lambda datagram=datagram: self.at_subscriber(datagram))  # type: ignore[misc]
            else:
                self.clock.after(ONE_WAY, lambda datagram=datagram: self.at_publisher(datagram))  # type: ignore[misc]

    def at_publisher(self, datagram: tuple[bytes, bytes]) -> None:
        for part in self.room.publisher.rtcp_of([datagram]):
            if part[1] == 205:
                for at in range(12, len(part), 4):
                    pid, mask = unpack_from("!HH", part, at)
                    for seq in [pid] + [pid + bit + 1 for bit in range(16) if mask >> bit & 1]:
                        self.retransmit(seq)

    def retransmit(self, seq: int) -> None:
        original = Rtp(self.sent[seq])
        self.rtx_seq += 1
        rtx = rtp(
            self.rtx_seq, ssrc=0x1112, payload_type=97, payload=pack("!H", seq) + original.payload,
            timestamp=original.timestamp, marker=original.marker,
        )  # fmt: skip
        self.to_plane(self.room.publisher.protect(rtx), self.up)

    def at_subscriber(self, datagram: tuple[bytes, bytes]) -> None:
        for packet in self.room.subscriber.rtp_of([datagram]):
            seq, payload = (packet.seq, packet.payload) if packet.ssrc == 0x9001 else (
                unpack_from("!H", packet.payload)[0], packet.payload[2:]
            )  # fmt: skip
            self.got.setdefault(seq, payload)
            self.asked.pop(seq, None)
            if self.highest >= 0:
                for missing in range(self.highest + 1, seq):
                    if missing not in self.got:
                        self.asked[missing] = self.clock.now + 10 * MS - 70 * MS
            self.highest = max(self.highest, seq)

    def ask(self, seq: int) -> None:
        self.asked[seq] = self.clock.now
        if self.random.random() >= self.down:
            request = self.room.subscriber.protect_rtcp(nack(0x9001, (seq, 0)))
            self.clock.after(ONE_WAY, lambda: self.from_plane(self.room.core.receive([request], self.clock.now)))


@pytest.mark.parametrize(("up", "down"), [(LOSS, 0), (0, LOSS), (LOSS, LOSS)], ids=["upstream", "downstream", "both"])
def test_nearly_every_loss_is_repaired_with_the_right_bytes(up: float, down: float) -> None:
    meeting = LossyMeeting(7, up=up, down=down)
    meeting.run()
    total = SECONDS * 120
    assert meeting.lost_up + meeting.lost_down > 40
    assert len(meeting.got) >= total - 0.05 * (meeting.lost_up + meeting.lost_down)
    first = min(meeting.got)
    for seq, payload in meeting.got.items():
        assert unpack_from("!I", payload, 2)[0] == seq - first
    assert meeting.room.core.counters()["drop_protect"] == 0
