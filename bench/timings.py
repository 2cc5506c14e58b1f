"""How long each step of a join took."""

import time
from dataclasses import dataclass

PHASES = ("websocket", "hello", "join", "sdp", "ice", "dtls", "media")


@dataclass(slots=True)
class JoinTimes:
    """Monotonic times in ns at which each step was complete; 0: not yet. `video` is the first verified video packet.

    sdp is the arrival of the server's subscriber offer: the answer goes out at once and the check with it, as browsers do.
    """

    started: int = 0
    websocket: int = 0
    hello: int = 0
    join: int = 0
    sdp: int = 0
    ice: int = 0
    dtls: int = 0
    media: int = 0
    video: int = 0

    def mark(self, step: str) -> None:
        """Note that `step` is complete now; only the first time counts."""
        if not getattr(self, step):
            setattr(self, step, time.monotonic_ns())

    @property
    def complete(self) -> bool:
        return all(getattr(self, step) for step in PHASES)

    def phases_ms(self) -> dict[str, float]:
        """Return the milliseconds from each step to the next, and `total` from the start to the first media.
        Steps not reached are left out."""
        durations: dict[str, float] = {}
        previous = self.started
        for step in PHASES:
            reached = getattr(self, step)
            if not reached:
                return durations
            durations[step] = max(0, reached - previous) / 1e6
            previous = max(previous, reached)
        durations["total"] = (previous - self.started) / 1e6
        if self.video:
            durations["video"] = (self.video - self.started) / 1e6
        return durations
