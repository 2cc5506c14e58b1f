"""How often somebody may ask to be let in, by connection, by personal link and by network."""

from conclave.identity.invitations import Claims
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId, SessionId
from conclave.policy.buckets import Bucket
from conclave.policy.limits import KNOCKS, KNOCKS_PER_SOURCE, BucketSize

MAX_BUCKETS = 20_000


class Knocks:
    """Buckets of all meetings. Those that must be full again are forgotten; past MAX_BUCKETS in use nobody new may knock."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...] | bytes, tuple[Bucket, float, BucketSize]] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, meeting_id: MeetingId, claims: Claims, session_id: SessionId, source_hash: bytes, now: float) -> None:
        """Count one attempt. Raises Refused(rate_limited)."""
        who: tuple[str, ...] = (meeting_id, claims.jti if claims.personal else session_id)
        if not self._take(who, KNOCKS, now) or (source_hash and not self._take(source_hash, KNOCKS_PER_SOURCE, now)):
            raise Refused(ErrorCode.RATE_LIMITED, "too many attempts to be let in")

    def _take(self, key: tuple[str, ...] | bytes, size: BucketSize, now: float) -> bool:
        known = self._buckets.get(key)
        if known is None and len(self._buckets) >= MAX_BUCKETS and not self._forget_full(now):
            return False
        bucket = known[0] if known is not None else Bucket(size, now)
        self._buckets[key] = (bucket, now, size)
        return bucket.take(now)

    def _forget_full(self, now: float) -> bool:
        self._buckets = {key: entry for key, entry in self._buckets.items() if now - entry[1] < entry[2].burst / entry[2].per_s}
        return len(self._buckets) < MAX_BUCKETS
