"""Password hashing in a few threads with a short queue: each hash takes 19 MiB and a core, and strangers can ask for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from conclave.identity.passwords import Passwords
from conclave.model.errors import Unavailable

T = TypeVar("T")


class PasswordWorkers:
    """At most `workers` hashes at once and `queue` that wait, `limit` together. `close` it."""

    def __init__(self, passwords: Passwords, *, workers: int, queue: int) -> None:
        self.passwords = passwords
        self.limit = workers + queue
        self._under_way = 0
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        """Return a new hash. Raises Unavailable when too many wait."""
        return await self._run(lambda: self.passwords.hash(password))

    async def verify(self, stored: str | None, password: str) -> str | None:
        """Do what Passwords.verify does. Raises WrongPassword, and Unavailable when too many wait."""
        return await self._run(lambda: self.passwords.verify(stored, password))

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self.limit:
            raise Unavailable("passwords", "too many log-ins at once")
        try:
            future = asyncio.wrap_future(self._executor.submit(work))
        except RuntimeError:
            raise Unavailable("passwords", "the server stops") from None
        self._under_way += 1
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T]) -> None:
        """A caller who has gone does not free the place before its hash is done."""
        self._under_way -= 1
        if not future.cancelled():
            future.exception()
