"""One heap of timers for everything in the hub, so that time is one argument and a test can turn it by hand."""

from asyncio import Event, timeout
from collections.abc import Callable
from contextlib import suppress
from heapq import heapify, heappop, heappush
from itertools import count

from conclave.ports.clock import Clock


class Timer:
    """One call at one time; `cancel` may come at any moment and more than once."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Scheduler:
    """Calls back at times of `clock.monotonic()`; `on_error` takes what a call raised, and the others go on."""

    def __init__(self, clock: Clock, on_error: Callable[[Exception], object]) -> None:
        self._clock = clock
        self._on_error = on_error
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._earlier = Event()

    def __len__(self) -> int:
        return sum(timer.call is not None for _, _, timer in self._heap)

    def at(self, due: float, call: Callable[[], None]) -> Timer:
        """Call `call` once at `due`. It must not take long."""
        timer = Timer(due, call)
        if not self._heap or due < self._heap[0][0]:
            self._earlier.set()
        heappush(self._heap, (due, next(self._order), timer))
        return timer

    def fire(self, now: float) -> None:
        """Call everything that is due at `now`, in order."""
        while self._heap and self._heap[0][0] <= now:
            timer = heappop(self._heap)[2]
            call, timer.call = timer.call, None
            if call is None:
                continue
            try:
                call()
            except Exception as error:
                self._on_error(error)

    async def run(self) -> None:
        """Fire timers until cancelled."""
        while True:
            self._earlier.clear()
            self.fire(self._clock.monotonic())
            self._forget_cancelled()
            pause_s = self._heap[0][0] - self._clock.monotonic() if self._heap else None
            with suppress(TimeoutError):
                async with timeout(pause_s):
                    await self._earlier.wait()

    def _forget_cancelled(self) -> None:
        while self._heap and self._heap[0][2].call is None:
            heappop(self._heap)
        if len(self._heap) > 64 and len(self) * 2 < len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].call is not None]
            heapify(self._heap)
