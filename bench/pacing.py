"""One pacer for all publishers of a run: due times by arithmetic, so that a late tick never moves the next one."""

import asyncio
import heapq
import time
from collections.abc import Callable

NS_PER_S = 1_000_000_000
GIVE_UP_NS = NS_PER_S


class Cadence:
    """Ticks `rate_hz` times a second from `start_ns` on, without drift."""

    __slots__ = ("_rate_hz", "_start_ns", "_ticks")

    def __init__(self, start_ns: int, rate_hz: int) -> None:
        if rate_hz < 1:
            raise ValueError("a cadence has at least one tick a second")
        self._start_ns = start_ns
        self._rate_hz = rate_hz
        self._ticks = 0

    @property
    def due_ns(self) -> int:
        """When the next tick is due."""
        return self._start_ns + self._ticks * NS_PER_S // self._rate_hz

    def advance(self) -> None:
        self._ticks += 1

    def skip_to(self, now_ns: int) -> int:
        """Drop the ticks before `now_ns` and return how many."""
        wanted = max(0, -((self._start_ns - now_ns) * self._rate_hz // NS_PER_S))
        skipped = max(0, wanted - self._ticks)
        self._ticks += skipped
        return skipped


class Pacer:
    """Calls each task at its cadence from one timer of the running loop.

    A generator that cannot keep up would measure itself: `late_ns` keeps how late ticks were, `skipped` how many were given
    up because they were more than a second late.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: list[tuple[int, int, Cadence, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._next_number = 0
        self._timer: asyncio.TimerHandle | None = None
        self.late_ns: list[int] = []
        self.skipped = 0

    def add(self, cadence: Cadence, task: Callable[[], None]) -> int:
        """Start calling `task`; returns the number to `remove` it by."""
        number = self._next_number
        self._next_number += 1
        heapq.heappush(self._queue, (cadence.due_ns, number, cadence, task))
        self._arm()
        return number

    def remove(self, number: int) -> None:
        self._cancelled.add(number)

    def clear(self) -> None:
        """Forget the lateness kept so far."""
        self.late_ns = []
        self.skipped = 0

    def close(self) -> None:
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue:
            delay_ns = self._queue[0][0] - time.monotonic_ns()
            self._timer = self._loop.call_later(max(delay_ns / NS_PER_S, 0.001), self._run)

    def _run(self) -> None:
        self._timer = None
        queue = self._queue
        now_ns = time.monotonic_ns()
        while queue and queue[0][0] <= now_ns:
            due_ns, number, cadence, task = heapq.heappop(queue)
            if number in self._cancelled:
                self._cancelled.discard(number)
                continue
            self.late_ns.append(now_ns - due_ns)
            if now_ns - due_ns > GIVE_UP_NS:
                self.skipped += cadence.skip_to(now_ns)
            task()
            cadence.advance()
            heapq.heappush(queue, (cadence.due_ns, number, cadence, task))
        self._arm()
