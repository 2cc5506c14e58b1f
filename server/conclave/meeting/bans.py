"""Who was removed and does not get in again: by invitation, by device, by network (spec, sections 9 and 11).

Networks are known by keyed hashes alone. A ban holds for one meeting and for BAN_S, that of a link until the link expires.
"""

from collections.abc import Iterable

from conclave.model.entry import Ban
from conclave.model.ids import MeetingId

BAN_S = 86_400.0
MAX_BANS_PER_MEETING = 1_000
MAX_MEETINGS = 10_000


def bars(ban: Ban, jti: str, device_id: str, source_hashes: tuple[bytes, ...], wall_s: float) -> bool:
    """Return whether somebody with these is meant. `source_hashes`: the names of its network under each key that is in use."""
    if ban.until_s <= wall_s:
        return False
    same_device = bool(ban.device_id) and ban.device_id == device_id
    same_source = bool(ban.source_hash) and ban.source_until_s > wall_s and ban.source_hash in source_hashes
    if jti == ban.jti and (ban.whole or ban.personal or same_source):
        return True
    return same_device or (ban.whole and same_source)


class Bans:
    """The bans of all meetings. They outlive a meeting that ends or is forgotten; where there are too many the oldest goes, and
    the bans of the meeting that was asked about longest ago."""

    def __init__(self) -> None:
        self._by_meeting: dict[MeetingId, list[Ban]] = {}

    def add(self, meeting_id: MeetingId, ban: Ban) -> None:
        """Keep `ban` until its time is over."""
        if meeting_id not in self._by_meeting and len(self._by_meeting) >= MAX_MEETINGS:
            del self._by_meeting[next(iter(self._by_meeting))]
        bans = self._by_meeting.setdefault(meeting_id, [])
        bans.append(ban)
        del bans[:-MAX_BANS_PER_MEETING]

    def restore(self, meeting_id: MeetingId, kept: Iterable[Ban]) -> None:
        """Put bans into force that were made before; one that is known here stays as it is, for it knows more."""
        known = {(ban.jti, ban.device_id, ban.whole) for ban in self._by_meeting.get(meeting_id, ())}
        for ban in kept:
            if (ban.jti, ban.device_id, ban.whole) not in known:
                self.add(meeting_id, ban)

    def bar(self, meeting_id: MeetingId, jti: str, device_id: str, source_hashes: tuple[bytes, ...], wall_s: float) -> bool:
        """Return whether a ban that is in force at `wall_s` (Unix seconds) keeps somebody with these three out."""
        bans = self._by_meeting.get(meeting_id)
        if bans is None:
            return False
        del self._by_meeting[meeting_id]
        bans[:] = [ban for ban in bans if ban.until_s > wall_s]
        if bans:
            self._by_meeting[meeting_id] = bans
        return any(bars(ban, jti, device_id, source_hashes, wall_s) for ban in bans)
