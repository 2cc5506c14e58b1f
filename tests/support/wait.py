"""Waiting for something that real clients will do, with a limit and a word on what was seen last."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], what: str, within_s: float = 40, every_s: float = 0.2
) -> T:
    """Look again and again until `holds`; return what was seen. Raises TimeoutError with `what` and the last sight."""
    deadline = time.monotonic() + within_s
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"within {within_s} s not: {what}; last seen: {seen}")
        await asyncio.sleep(every_s)
