"""Housekeeping of the store: at the start and every hour what is over is deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from conclave.model.errors import Unavailable

PERIOD_S = 3_600.0


class Tidying:
    """Calls `tidy` at once and then each `period_s`. A store that cannot be asked is tried again; readiness tells of it."""

    def __init__(self, tidy: Callable[[], Awaitable[None]], period_s: float = PERIOD_S) -> None:
        self._tidy = tidy
        self._period_s = period_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tidying")

    async def stop(self) -> None:
        """Stop when what is under way is done; nothing happens when it was not started."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(Unavailable):
                await self._tidy()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._period_s)
