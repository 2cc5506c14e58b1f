import asyncio
import os
import threading
from collections.abc import AsyncIterator

import pytest

from conclave.edge.hashing import PasswordWorkers
from conclave.identity.passwords import Cost, Passwords, WrongPassword
from conclave.model.errors import Unavailable


class Held(Passwords):
    """Hashes that wait for a test, and count how many run at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.running = self.most = 0
        self._guard = threading.Lock()
        super().__init__(os.urandom, Cost(1, 8, 1))

    def hash(self, password: str) -> str:
        with self._guard:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait(10)
        with self._guard:
            self.running -= 1
        return super().hash(password)


@pytest.fixture
async def held() -> AsyncIterator[tuple[Held, PasswordWorkers]]:
    passwords = Held()
    workers = PasswordWorkers(passwords, workers=2, queue=3)
    yield passwords, workers
    passwords.go.set()
    workers.close()


async def test_a_hash_is_made_and_verified_in_another_thread(held: tuple[Held, PasswordWorkers]) -> None:
    _, workers = held
    stored = await workers.hash("grey otter 77")
    assert await workers.verify(stored, "grey otter 77") is None
    with pytest.raises(WrongPassword):
        await workers.verify(stored, "other")


async def test_few_run_at_once_few_wait_and_the_rest_is_refused(held: tuple[Held, PasswordWorkers]) -> None:
    passwords, workers = held
    passwords.go.clear()
    tasks = [asyncio.create_task(workers.hash("x")) for _ in range(20)]
    refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    passwords.go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 15
    assert passwords.most == 2
    assert refused
    await workers.hash("again")


async def test_a_caller_who_has_gone_does_not_free_the_place_early(held: tuple[Held, PasswordWorkers]) -> None:
    passwords, workers = held
    passwords.go.clear()
    tasks = [asyncio.create_task(workers.hash("x")) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(Unavailable):
        await workers.hash("x")
    passwords.go.set()


async def test_after_the_end_nothing_is_hashed(held: tuple[Held, PasswordWorkers]) -> None:
    _, workers = held
    workers.close()
    with pytest.raises(Unavailable):
        await workers.hash("x")
