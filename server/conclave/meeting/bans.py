"""Who was removed and does not get in again: by invitation, by device, by network (spec, sections 9 and 11).

Networks are known by keyed hashes alone. A ban holds for one meeting and for BAN_S, that of a link until the link expires.
"""

from msgspec import Struct

from conclave.model.ids import MeetingId

BAN_S = 86_400.0
MAX_BANS_PER_MEETING = 1_000
MAX_MEETINGS = 10_000


class Ban(Struct, frozen=True, kw_only=True):
    """`whole`: every newcomer by this invitation, on this device, or from this network; else by this personal link, on this
    device, or by this shared link from this network. What is unknown ("" and b"") bars nobody."""

    jti: str
    personal: bool
    device_id: str
    source_hash: bytes
    whole: bool
    until_s: float

    def bars(self, jti: str, device_id: str, source_hash: bytes) -> bool:
        """Return whether somebody with these three is meant."""
        same_device = bool(self.device_id) and self.device_id == device_id
        same_source = bool(self.source_hash) and self.source_hash == source_hash
        if jti == self.jti and (self.whole or self.personal or same_source):
            return True
        return same_device or (self.whole and same_source)


class Bans:
    """The bans of all meetings. They outlive a meeting that ends or is forgotten; where there are too many the oldest goes."""

    def __init__(self) -> None:
        self._by_meeting: dict[MeetingId, list[Ban]] = {}

    def add(self, meeting_id: MeetingId, ban: Ban) -> None:
        """Keep `ban` until its time is over."""
        if meeting_id not in self._by_meeting and len(self._by_meeting) >= MAX_MEETINGS:
            del self._by_meeting[next(iter(self._by_meeting))]
        bans = self._by_meeting.setdefault(meeting_id, [])
        bans.append(ban)
        del bans[:-MAX_BANS_PER_MEETING]

    def bar(self, meeting_id: MeetingId, jti: str, device_id: str, source_hash: bytes, wall_s: float) -> bool:
        """Return whether a ban that is in force at `wall_s` (Unix seconds) keeps somebody with these three out."""
        bans = self._by_meeting.get(meeting_id)
        if bans is None:
            return False
        bans[:] = [ban for ban in bans if ban.until_s > wall_s]
        if not bans:
            del self._by_meeting[meeting_id]
        return any(ban.bars(jti, device_id, source_hash) for ban in bans)
