"""Limits per source: an IPv4 address or an IPv6 /64 network, held only as a keyed hash.

The key is a new one each day and is never written down. Those of the two days before are kept as well, so that who was banned by
network yesterday, having come the day before, is known today; then nobody can tell any more whose address a hash was.
"""

import os
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from conclave.model.errors import ErrorCode, Refused
from conclave.policy.buckets import Bucket
from conclave.policy.limits import BucketSize

IPV6_PREFIX_BITS = 64
MAX_BUCKETS = 100_000
KEY_BYTES = 32
KEY_S = 86_400.0
KEYS_KEPT = 3
"""A ban of a network holds for a day (meeting.bans.BAN_S) and names it as it was called when the person connected."""
TRANSPORTS_BESIDE = 64
"""TLS connections that a source may have open beside its WebSockets."""


class Allowance:
    """One token bucket per key. Buckets that must be full again are forgotten."""

    def __init__(self, size: BucketSize, max_keys: int = MAX_BUCKETS) -> None:
        self._size = size
        self._max_keys = max_keys
        self._buckets: dict[bytes, tuple[Bucket, float]] = {}

    def take(self, key: bytes, now: float) -> bool:
        """Spend one token of `key`; False when it has none. Past `max_keys` keys in use, new keys get nothing."""
        known = self._buckets.get(key)
        if known is None and len(self._buckets) >= self._max_keys and not self._forget_full(now):
            return False
        bucket = known[0] if known is not None else Bucket(self._size, now)
        self._buckets[key] = (bucket, now)
        return bucket.take(now)

    def _forget_full(self, now: float) -> bool:
        refill_s = self._size.burst / self._size.per_s
        self._buckets = {key: entry for key, entry in self._buckets.items() if now - entry[1] < refill_s}
        return len(self._buckets) < self._max_keys


class Sources:
    """Open connections and request rates by source."""

    def __init__(
        self, *, max_connections: int, max_per_source: int, connects_per_s: float, creations_per_min: float,
        clock: Callable[[], float], key: bytes | None = None,
    ) -> None:  # fmt: skip
        self._max_connections = max_connections
        self._max_per_source = max_per_source
        self._keys = [key or os.urandom(KEY_BYTES)]
        self._next_key_at = clock() + KEY_S
        self._clock = clock
        self._open: dict[bytes, int] = {}
        self._transports: dict[bytes, int] = {}
        self._total = 0
        self._connects = Allowance(BucketSize(burst=max(connects_per_s, max_per_source), per_s=connects_per_s))
        self._creations = Allowance(BucketSize(burst=creations_per_min, per_s=creations_per_min / 60))

    def identify(self, address: str | None) -> bytes:
        """Return the 16-byte name of a source today. An address that cannot be read counts as one common source."""
        return _name(address, self._valid_keys()[0])

    def former(self, address: str | None) -> tuple[bytes, ...]:
        """Return what the source was called on the days before, as far as that is known."""
        return tuple(_name(address, key) for key in self._valid_keys()[1:])

    def names(self, address: str | None) -> tuple[bytes, ...]:
        """Return what the source is called today and what it was on the days before."""
        return (self.identify(address), *self.former(address))

    def open_connection(self, source: bytes, former: tuple[bytes, ...] = ()) -> None:
        """Count a WebSocket in. Raises Refused `rate_limited` or `unavailable`; then nothing was counted."""
        if self._total >= self._max_connections:
            raise Refused(ErrorCode.UNAVAILABLE, "the server is full")
        if sum(self._open.get(name, 0) for name in (source, *former)) >= self._max_per_source:
            raise Refused(ErrorCode.RATE_LIMITED, "too many connections from this network")
        if not self._connects.take(source, self._clock()):
            raise Refused(ErrorCode.RATE_LIMITED, "too many new connections from this network")
        self._open[source] = self._open.get(source, 0) + 1
        self._total += 1

    def close_connection(self, source: bytes) -> None:
        """Count a WebSocket out; the pair of a successful open_connection."""
        self._total -= 1
        self._open[source] -= 1
        if not self._open[source]:
            del self._open[source]

    def open_transport(self, source: bytes, former: tuple[bytes, ...] = ()) -> None:
        """Count a TLS connection in, whatever it will ask for. Raises Refused `rate_limited`; then nothing was counted."""
        if sum(self._transports.get(name, 0) for name in (source, *former)) >= self._max_per_source + TRANSPORTS_BESIDE:
            raise Refused(ErrorCode.RATE_LIMITED, "too many connections from this network")
        self._transports[source] = self._transports.get(source, 0) + 1

    def close_transport(self, source: bytes) -> None:
        """Count a TLS connection out; the pair of a successful open_transport."""
        self._transports[source] -= 1
        if not self._transports[source]:
            del self._transports[source]

    def create_meeting(self, source: bytes) -> None:
        """Raises Refused `rate_limited` when the source opens too many meetings."""
        self._take(self._creations, source, "too many meetings opened from this network")

    def connect_headless(self, source: bytes) -> None:
        """Raises Refused `rate_limited` when the source makes WHIP or WHEP resources too fast."""
        self._take(self._connects, source, "too many requests from this network")

    def count(self) -> int:
        """Sources with open connections."""
        return len(self._open)

    def connections(self) -> int:
        return self._total

    def _valid_keys(self) -> list[bytes]:
        now = self._clock()
        while self._next_key_at <= now:
            self._keys = [os.urandom(KEY_BYTES), *self._keys][:KEYS_KEPT]
            self._next_key_at += KEY_S
        return self._keys

    def _take(self, allowance: Allowance, source: bytes, detail: str) -> None:
        if not allowance.take(source, self._clock()):
            raise Refused(ErrorCode.RATE_LIMITED, detail)


def _name(address: str | None, key: bytes) -> bytes:
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return blake2b(b"unknown", key=key, digest_size=16).digest()
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        packed = mapped.packed if mapped is not None else parsed.packed[: IPV6_PREFIX_BITS // 8]
    else:
        packed = parsed.packed
    return blake2b(packed, key=key, digest_size=16).digest()
