"""Revoked invitations by `jti`, or all of a meeting by its id, each kept until the invitations would have expired anyway."""

from heapq import heappop, heappush

from conclave.model.errors import Unavailable

MAX_REVOCATIONS = 100_000


class Revocations:
    """A bounded set. It never forgets a revocation early: when it is full it refuses to take another."""

    def __init__(self, capacity: int = MAX_REVOCATIONS) -> None:
        self._capacity = capacity
        self._until: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, jti: str) -> bool:
        return jti in self._until

    def add(self, jti: str, expires_at_s: float, now_s: float) -> None:
        """Revoke `jti` until `expires_at_s` (Unix seconds). Raises Unavailable when the set is full."""
        self.forget_expired(now_s)
        if jti not in self._until and len(self._until) >= self._capacity:
            raise Unavailable("revocations", "the list is full")
        if expires_at_s > self._until.get(jti, now_s):
            self._until[jti] = expires_at_s
            heappush(self._queue, (expires_at_s, jti))

    def forget_expired(self, now_s: float) -> None:
        """Drop what expired before `now_s`."""
        while self._queue and self._queue[0][0] < now_s:
            expires_at_s, jti = heappop(self._queue)
            if self._until.get(jti) == expires_at_s:
                del self._until[jti]
