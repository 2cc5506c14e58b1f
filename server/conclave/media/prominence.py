"""Which tracks come first when a receiver wants more than it has slots: screens, then who spoke last, muted ones at the end."""

from conclave.model.ids import TrackId
from conclave.model.media import TrackSource

SCREEN = 2**62
MUTED = -1


class Prominence:
    """One order for a whole meeting. Ranks rise by speaking or unmuting alone, so that slots do not change hands for nothing."""

    def __init__(self) -> None:
        self._risen = 0
        self._ranks: dict[TrackId, int] = {}
        self._muted: set[TrackId] = set()

    def rank(self, track_id: TrackId, source: TrackSource) -> int:
        """Return the rank; the larger one is shown first, equal ones in the order in which they were wanted."""
        if track_id in self._muted:
            return MUTED
        return SCREEN if source is TrackSource.SCREEN else self._ranks.get(track_id, 0)

    def rise(self, track_id: TrackId) -> None:
        """The track speaks now, or belongs to one who does."""
        self._risen += 1
        self._ranks[track_id] = self._risen

    def mute(self, track_id: TrackId, muted: bool) -> None:
        """A muted track gives way to all others; one that is unmuted is about to be used, so it rises."""
        if muted:
            self._muted.add(track_id)
        elif track_id in self._muted:
            self._muted.discard(track_id)
            self.rise(track_id)

    def forget(self, track_id: TrackId) -> None:
        self._ranks.pop(track_id, None)
        self._muted.discard(track_id)
