"""How late the event loop runs what is due: the first sign of overload."""

import asyncio
from collections.abc import Callable

INTERVAL_S = 0.25


class LoopLag:
    """Calls `observe(seconds late)` four times a second while started."""

    def __init__(self, observe: Callable[[float], None], interval_s: float = INTERVAL_S) -> None:
        self._observe = observe
        self._interval_s = interval_s
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin on the running loop."""
        loop = asyncio.get_running_loop()
        self._schedule(loop)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = loop.call_at(loop.time() + self._interval_s, self._due, loop, loop.time() + self._interval_s)

    def _due(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._observe(max(0.0, loop.time() - due))
        self._schedule(loop)
