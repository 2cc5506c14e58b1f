"""Every limit of signaling and meetings, with its number. A deployment may lower or raise those in `Limits`."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from conclave.policy.rules import RateClass

MAX_FRAME_BYTES = 64 * 1024
"""Largest signaling message; a longer one ends the connection with `too_large`."""


class BucketSize(Struct, frozen=True):
    """A token bucket: `burst` tokens at most, `per_s` come back each second."""

    burst: float
    per_s: float


RATES: Mapping[RateClass, BucketSize] = MappingProxyType(
    {
        RateClass.CONTROL: BucketSize(burst=20, per_s=5),
        RateClass.NEGOTIATION: BucketSize(burst=60, per_s=10),
        RateClass.EXPRESSION: BucketSize(burst=10, per_s=2),
        RateClass.HEARTBEAT: BucketSize(burst=10, per_s=1),
    }
)
"""Per connection; a message over its bucket is answered `rate_limited` and does nothing."""

FRAMES = BucketSize(burst=200, per_s=60)
"""All messages of a connection, good or bad; over it the connection is closed."""

REFUSALS = BucketSize(burst=40, per_s=2)
"""Refused messages of a connection; over it the connection is closed, so that probing and log floods end by themselves."""


KNOCKS = BucketSize(burst=6, per_s=1 / 15)
"""Attempts to be let in, by one personal link or one connection."""

KNOCKS_PER_SOURCE = BucketSize(burst=60, per_s=1)
"""Attempts to be let in, from one network."""


class Limits(Struct, frozen=True, kw_only=True):
    """Limits that a deployment may set. Times in seconds, sizes in bytes."""

    max_connections: int = 10_000
    max_meetings: int = 1_000
    max_participants: int = 500
    max_tracks_per_participant: int = 8
    waiting_room: bool = True
    max_lobby: int = 100
    max_breakouts: int = 50
    max_invitations_per_meeting: int = 1_000
    hello_timeout_s: float = 10.0
    heartbeat_s: float = 15.0
    missed_heartbeats: int = 3
    resume_grace_s: float = 30.0
    empty_meeting_s: float = 60.0
    outbox_messages: int = 4_096
    outbox_bytes: int = 2 * 1024 * 1024
    speakers_interval_s: float = 0.2
    rates: Mapping[RateClass, BucketSize] = RATES
    frames: BucketSize = FRAMES
    refusals: BucketSize = REFUSALS
