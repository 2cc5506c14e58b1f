import asyncio
import time

from conclave.telemetry.loop_lag import LoopLag


async def test_a_blocked_loop_is_seen_as_lag() -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()
    lag = LoopLag(seen.put_nowait, interval_s=0.01)
    lag.start()
    await seen.get()
    time.sleep(0.2)  # noqa: ASYNC251
    worst = max([await seen.get() for _ in range(3)])
    lag.stop()
    assert worst > 0.1


async def test_a_stopped_watch_observes_nothing_more() -> None:
    seen: list[float] = []
    lag = LoopLag(seen.append, interval_s=0.001)
    lag.start()
    lag.stop()
    lag.stop()
    await asyncio.sleep(0.01)
    assert seen == []
