"""Random and mutated datagrams, clocks and commands against a LaneCore. CONCLAVE_FUZZ_SECONDS=600 makes it long.

What holds whatever comes: no crash, no exception, media reaches only the peers that are routed to, every datagram
that does not is counted, and closing everybody leaves empty tables.
"""

import os
from random import Random
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.plane.far_end import (
    MS,
    PROFILES,
    FarEnd,
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

from conclave.plane.plane import LaneCore, make_path

SECONDS = float(os.environ.get("CONCLAVE_FUZZ_SECONDS", "0"))
STRANGER = make_path("udp", "203.0.113.9", 9)
BEGINNINGS = (b"", b"", b"\x67", b"\x68", b"\x65", b"\x41", b"\x78\x00\x02\x67\x01", b"\x10\x00", b"\x08", b"\x12")
STUN = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x80\x28\x00\x04abcd"


def mutated(random: Random, data: bytes) -> bytes:
    """Flip, cut, grow or overwrite a few bytes."""
    changed = bytearray(data)
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        at = random.randrange(len(changed) + 1)
        match random.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << random.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                changed[at:at] = random.randbytes(random.choice((1, 4, 40)))
            case 3 if changed:
                changed[at % len(changed)] = random.choice((0, 0x7F, 0x80, 0xBE, 0xFF))
            case _:
                changed[at : at + 4] = random.randbytes(4)
    return bytes(changed[:1340]) or b"\0"


def plaintext_rtp(random: Random) -> bytes:
    extensions = {random.randrange(1, 15): random.randbytes(random.randrange(1, 17)) for _ in range(random.randrange(4))}
    return rtp(
        random.choice((random.randrange(40), random.randrange(65536))),
        ssrc=random.choice((0x1111, 0x1112, 0x2222, 0x3333, random.randrange(1 << 32))),
        timestamp=random.choice((0, 3000, random.randrange(1 << 32))),
        payload_type=random.choice((96, 97, 98, 111, random.randrange(128))),
        payload=random.choice(BEGINNINGS) + random.randbytes(random.choice((0, 1, 2, 3, 20, 1100))),
        extensions=extensions,
        two_byte=random.random() < 0.2,
        padding=random.choice((0, 0, 0, 1, 9, 255)),
    )


def plaintext_rtcp(random: Random) -> bytes:
    ssrc = random.choice((0x9001, 0x9002, 0x9101, 0x1111, random.randrange(1 << 32)))
    parts = [
        receiver_report(1, [report_block(ssrc, lsr=random.randrange(1 << 32), dlsr=random.randrange(1 << 32))]),
        sender_report(0x1111, random.randrange(1 << 64), random.randrange(1 << 32)),
        nack(ssrc, *((random.randrange(65536), random.randrange(65536)) for _ in range(random.randrange(9)))),
        pli(ssrc),
        feedback(random.choice((205, 206)), random.randrange(32), ssrc, random.randbytes(4 * random.randrange(8))),
    ]
    return b"".join(random.sample(parts, random.randrange(1, 4)))


class World:
    """Two publishers, three subscribers, one of whom also publishes, on one lane."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.core = LaneCore(max_peers=16, max_tracks=16, max_senders=32)
        self.now = 10**9
        profile = random.choice(list(PROFILES))
        codec = random.choice(("vp9", "h264", "av1"))
        self.ends = [FarEnd(self.core, profile=profile) for _ in range(4)]
        self.tracks = [
            add_track(self.core, self.ends[0], ssrc=0x1111, rtx_ssrc=0x1112),
            add_track(self.core, self.ends[1], ssrc=0, payload_types={96: 90000, 98: 90000}, codecs={96: codec, 98: codec}),
            add_track(self.core, self.ends[1], video=False, mid=b"1", ssrc=0),
        ]
        self.senders = [
            add_sender(self.core, end, video=video, ssrc=0x9001 + 2 * video)
            for end in self.ends[2:]
            for video in (True, False)
        ]  # fmt: skip
        self.route()

    def route(self) -> None:
        for at, sender in enumerate(self.senders):
            video = at % 2 == 0
            track = self.random.choice(self.tracks[:2]) if video else self.tracks[2]
            extensions = {self.random.randrange(1, 256): self.random.randrange(1, 256) for _ in range(3)}
            chosen = self.random.choice((track, track, track, None))
            self.core.route(sender, chosen, {96: 100, 111: 120}, extensions)

    def datagram(self) -> tuple[bytes, bytes]:
        end = self.random.choice(self.ends)
        match self.random.randrange(6):
            case 0:
                return self.random.choice((end.path, STRANGER)), mutated(self.random, STUN)
            case 1:
                return end.path, mutated(self.random, plaintext_rtp(self.random))
            case 2:
                return end.path, self.protected(end, mutated(self.random, plaintext_rtcp(self.random)), rtcp=True)
            case _:
                return end.path, self.protected(end, mutated(self.random, plaintext_rtp(self.random)), rtcp=False)

    def protected(self, end: FarEnd, packet: bytes, *, rtcp: bool) -> bytes:
        """An authenticated malformed packet where the library agrees to protect it, else the bytes as they are."""
        try:
            data = (end.protect_rtcp if rtcp else end.protect)(packet)[1]
        except Exception:
            return packet
        return data if self.random.random() < 0.9 else mutated(self.random, data)

    def step(self) -> None:
        self.now += self.random.choice((0, 1, 10, 100, 6000)) * MS
        mine = {end.path for end in self.ends}
        out = self.core.receive([self.datagram() for _ in range(self.random.randrange(1, 70))], self.now)
        assert {path for path, _ in out + self.core.tick(self.now)} <= mine
        assert all(12 <= len(data) <= 2200 for _, data in out)
        match self.random.randrange(9):
            case 0:
                self.route()
            case 8:
                claimant, owner = self.random.choices(self.ends, k=2)
                self.random.choice((self.core.allow_path, self.core.nominate))(claimant.peer, owner.path)
            case 1:
                self.core.set_muted(self.random.choice(self.tracks), self.random.random() < 0.5)
            case 2:
                self.core.set_remb(self.random.choice(self.ends).peer, self.random.randrange(1 << 40))
            case 3:
                self.core.set_opaque(self.random.choice(self.tracks), self.random.random() < 0.5)
            case 4:
                self.core.request_keyframe(self.random.choice(self.tracks))
            case 5:
                self.core.poll(self.random.randrange(1, 2000))
            case _:
                self.core.audio_levels()

    def end(self) -> None:
        for end in self.ends:
            self.core.close_peer(end.peer)
        assert set(self.core.table_sizes().values()) == {0}


@given(seed=st.integers(0, 2**64))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_lane_survives_mutated_traffic(seed: int) -> None:
    world = World(Random(seed))
    for _ in range(12):
        world.step()
    world.end()


@given(datagrams=st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.binary(max_size=120)), max_size=80), now=st.integers(0, 2**62))
@settings(max_examples=150, deadline=None)
def test_a_lane_survives_arbitrary_datagrams(datagrams: list[tuple[int, bytes]], now: int) -> None:
    world = World(Random(1))
    paths = [world.ends[0].path, world.ends[2].path, STRANGER]
    before: dict[str, Any] = world.core.counters()
    world.core.receive([(paths[which], data) for which, data in datagrams], now)
    after = world.core.counters()
    assert after["packets_in"] - before["packets_in"] == len(datagrams)
    assert after["rtp_out"] == 0
    world.end()


@pytest.mark.skipif(SECONDS == 0, reason="set CONCLAVE_FUZZ_SECONDS")
@pytest.mark.timeout(0)
def test_a_lane_survives_mutated_traffic_for_long() -> None:
    seed = int(os.environ.get("CONCLAVE_FUZZ_SEED", str(Random().randrange(1 << 48))))
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        print(f"CONCLAVE_FUZZ_SEED={seed}", flush=True)
        world = World(Random(seed))
        for _ in range(200):
            world.step()
        world.end()
        seed += 1
