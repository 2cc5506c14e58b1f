"""The door to what is known of a meeting longer than the process and the meeting last."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from conclave.model.entry import Fact, Remembered
from conclave.model.ids import MeetingId


class MeetingMemory(Protocol):
    """Every call is atomic, and durable when its result is there. Each raises Unavailable. Times are Unix seconds."""

    def recall(self, meeting_id: MeetingId, now_s: float) -> Awaitable[Remembered]:
        """Return what still matters at `now_s`."""

    def keep(self, meeting_id: MeetingId, facts: Sequence[Fact]) -> Awaitable[None]:
        """Keep bans, demotions and how far invitations are used; of an invitation that is known, label and maker stay."""

    def forget_expired(self, now_s: float) -> Awaitable[None]:
        """Delete what was over before `now_s`."""
