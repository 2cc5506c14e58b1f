import asyncio
import time

from conclave.app.clock import SystemClock


async def test_the_monotonic_time_is_that_of_the_event_loop() -> None:
    assert abs(SystemClock().monotonic() - asyncio.get_running_loop().time()) < 1.0


def test_the_wall_time_is_that_of_the_calendar() -> None:
    assert abs(SystemClock().wall() - time.time()) < 1.0
