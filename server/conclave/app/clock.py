"""Real time, behind the door `ports.clock`."""

import time


class SystemClock:
    """ports.clock.Clock. The monotonic time is that of asyncio and uvloop loops."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()
