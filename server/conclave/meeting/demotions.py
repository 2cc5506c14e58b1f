"""What hosts left of an invitation's role, beyond the meeting in which they lowered it.

It holds for that invitation until it expires: for everybody by a personal link; by a shared one on the same device, and from the
same network for who shows no device, since somebody with a device of its own is not mistaken for another in the same office.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from conclave.model.entry import Demotion
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.policy.rbac import lower_of

MAX_DEMOTIONS_PER_MEETING = 1_000
MAX_MEETINGS = 10_000


def holds(demotion: Demotion, jti: str, device_id: str, source_hashes: tuple[bytes, ...], wall_s: float) -> bool:
    """Return whether somebody with these is meant. `source_hashes`: the names of its network under each key that is in use."""
    if demotion.until_s <= wall_s or demotion.jti != jti:
        return False
    if demotion.personal or (demotion.device_id and demotion.device_id == device_id):
        return True
    same_source = bool(demotion.source_hash) and demotion.source_until_s > wall_s and demotion.source_hash in source_hashes
    return same_source and not device_id


class Demotions:
    """The demotions of all meetings. They outlive a meeting that ends; where there are too many the oldest goes."""

    def __init__(self) -> None:
        self._by_meeting: dict[MeetingId, dict[tuple[str, str], Demotion]] = {}

    def add(self, meeting_id: MeetingId, demotion: Demotion) -> None:
        """Keep `demotion` until its time is over, in the place of one for the same link and device."""
        if meeting_id not in self._by_meeting and len(self._by_meeting) >= MAX_MEETINGS:
            del self._by_meeting[next(iter(self._by_meeting))]
        demotions = self._by_meeting.setdefault(meeting_id, {})
        key = (demotion.jti, demotion.device_id)
        demotions.pop(key, None)
        demotions[key] = demotion
        if len(demotions) > MAX_DEMOTIONS_PER_MEETING:
            del demotions[next(iter(demotions))]

    def restore(self, meeting_id: MeetingId, kept: Iterable[Demotion]) -> None:
        """Put demotions into force that were made before; one that is known here stays as it is, for it knows more."""
        known = set(self._by_meeting.get(meeting_id, ()))
        for demotion in kept:
            if (demotion.jti, demotion.device_id) not in known:
                self.add(meeting_id, demotion)

    def role_left(
        self, meeting_id: MeetingId, role: Role, jti: str, device_id: str, source_hashes: tuple[bytes, ...], wall_s: float
    ) -> Role:
        """Return what is left at `wall_s` (Unix seconds) of the role of an invitation, for somebody with these three."""
        for demotion in self._by_meeting.get(meeting_id, {}).values():
            if holds(demotion, jti, device_id, source_hashes, wall_s):
                role = lower_of(role, demotion.role)
        return role

    def lifted(
        self, meeting_id: MeetingId, jti: str, device_id: str, source_hashes: tuple[bytes, ...], wall_s: float
    ) -> list[Demotion]:
        """Return what to keep in the place of the demotions of somebody with these three, so that none is left."""
        known = self._by_meeting.get(meeting_id, {}).values()
        meant = [one for one in known if one.role is not Role.HOST and holds(one, jti, device_id, source_hashes, wall_s)]
        return [replace(demotion, role=Role.HOST) for demotion in meant]
