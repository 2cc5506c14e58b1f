"""Token buckets. Time is an argument; a bucket holds two floats."""

from collections.abc import Mapping

from conclave.policy.limits import BucketSize
from conclave.policy.rules import RateClass


class Bucket:
    """A token bucket that starts full.

    A clock that steps back neither gives nor takes tokens.
    """

    __slots__ = ("_size", "_tokens", "_updated")

    def __init__(self, size: BucketSize, now: float) -> None:
        self._size = size
        self._tokens = size.burst
        self._updated = now

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Take `tokens` at time `now` (seconds, monotonic) and return True, or take nothing and return False."""
        elapsed = max(0.0, now - self._updated)
        self._updated = max(self._updated, now)
        self._tokens = min(self._size.burst, self._tokens + elapsed * self._size.per_s)
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True


class Buckets:
    """One bucket per rate class, made at its first use."""

    __slots__ = ("_buckets", "_rates")

    def __init__(self, rates: Mapping[RateClass, BucketSize]) -> None:
        self._rates = rates
        self._buckets: dict[RateClass, Bucket] = {}

    def take(self, rate: RateClass, now: float) -> bool:
        """Take one token of class `rate`; False when its bucket is empty."""
        bucket = self._buckets.get(rate)
        if bucket is None:
            bucket = self._buckets[rate] = Bucket(self._rates[rate], now)
        return bucket.take(now)
