"""Failed log-ins: five for an identifier lock it for fifteen minutes; a source that fails often is locked as well.

For its identifier an attempt counts as failed from its beginning and is taken back when it succeeds, so that attempts at once
cannot all slip in under the limit; for its source it counts when it has failed, so that a crowd behind one address can log in at
once. Attempts during a lock do not prolong it. Identifiers are keyed hashes, whether they exist or not.
"""

from collections.abc import Iterable
from hashlib import blake2b

from msgspec import Struct

from conclave.model.accounts import Attempts
from conclave.model.errors import ErrorCode, Refused

CAPACITY = 100_000


class LockoutLimits(Struct, frozen=True, kw_only=True):
    """How many failures within `window_s` lock for `lock_s`."""

    failures: int = 5
    failures_per_source: int = 30
    window_s: float = 900.0
    lock_s: float = 900.0


class Attempt(Struct, frozen=True):
    """An attempt under way. A `locked` one cannot succeed. `kept` is what is to be kept if it fails."""

    key: str
    source: str
    locked: bool
    kept: Attempts


class Lockout:
    """Counts in memory; the caller keeps `Attempt.kept` and gives it back at the next start. `now_s` is Unix time."""

    def __init__(self, limits: LockoutLimits, key: bytes, kept: Iterable[Attempts] = (), capacity: int = CAPACITY) -> None:
        """`key` (at most 64 bytes) makes the hashes of identifiers; it must be the same after a restart."""
        self._limits = limits
        self._key = key
        self._capacity = capacity
        self._identifiers = {attempts.key: attempts for attempts in kept}
        self._sources: dict[str, Attempts] = {}

    def __len__(self) -> int:
        return len(self._identifiers)

    def begin(self, identifier: str, source: bytes, now_s: float) -> Attempt:
        """Count an attempt in. Raises Refused (`rate_limited`) when its source is locked; then nothing is counted."""
        source_key = source.hex()
        if self._is_locked(self._sources, source_key, now_s):
            left_s = self._sources[source_key].locked_until_s - now_s
            raise Refused(ErrorCode.RATE_LIMITED, "too many failed log-ins from this network; try again later", left_s)
        key = blake2b(identifier.encode(), key=self._key, digest_size=24).hexdigest()
        if self._is_locked(self._identifiers, key, now_s):
            return Attempt(key, source_key, True, self._identifiers[key])
        return Attempt(key, source_key, False, self._count(self._identifiers, key, self._limits.failures, now_s))

    def succeed(self, attempt: Attempt) -> None:
        """Forget the failures of the identifier. Raises Refused (`unauthorized`) for an attempt on what was locked."""
        if attempt.locked:
            raise Refused(ErrorCode.UNAUTHORIZED, "locked")
        self._identifiers.pop(attempt.key, None)

    def fail(self, attempt: Attempt, now_s: float) -> None:
        """Count the failure for its source."""
        self._count(self._sources, attempt.source, self._limits.failures_per_source, now_s)

    def cancel(self, attempt: Attempt) -> None:
        """Take back an attempt that was not decided, because the server could not."""
        known = self._identifiers.get(attempt.key)
        if not attempt.locked and known is not None:
            self._put(self._identifiers, Attempts(known.key, known.failures - 1, known.since_s, 0.0))

    def _is_locked(self, table: dict[str, Attempts], key: str, now_s: float) -> bool:
        known = table.get(key)
        return known is not None and now_s < known.locked_until_s

    def _count(self, table: dict[str, Attempts], key: str, limit: int, now_s: float) -> Attempts:
        known = table.get(key)
        if known is None or not known.since_s <= now_s < known.since_s + self._limits.window_s or known.locked_until_s:
            known = Attempts(key, 0, now_s)
        failures = known.failures + 1
        counted = Attempts(key, failures, known.since_s, now_s + self._limits.lock_s if failures >= limit else 0.0)
        if key not in table and len(table) >= self._capacity:
            self._make_room(table, now_s)
        return self._put(table, counted)

    def _put(self, table: dict[str, Attempts], attempts: Attempts) -> Attempts:
        if attempts.failures:
            table[attempts.key] = attempts
        else:
            table.pop(attempts.key, None)
        return attempts

    def _make_room(self, table: dict[str, Attempts], now_s: float) -> None:
        """Drop what is over; else the oldest that locks nothing; else the oldest lock."""
        over = [
            key
            for key, known in table.items()
            if known.locked_until_s <= now_s and not known.since_s <= now_s < known.since_s + self._limits.window_s
        ]
        for key in over or [next((key for key, known in table.items() if not known.locked_until_s), next(iter(table)))]:
            del table[key]
