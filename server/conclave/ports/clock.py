"""The door to time."""

from typing import Protocol


class Clock(Protocol):
    """Two times: one that never steps, for intervals, and that of the calendar, for what is signed."""

    def monotonic(self) -> float:
        """Seconds that only grow; the same clock as the event loop's."""

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
