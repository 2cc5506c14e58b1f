import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st
from tests.support.hubs import ShiftedClock

from conclave.hub.scheduler import Scheduler


class FrozenClock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def raise_it(error: Exception) -> None:
    raise error


def test_a_call_that_fails_is_reported_and_the_others_go_on() -> None:
    errors, fired = list[Exception](), list[str]()
    scheduler = Scheduler(FrozenClock(), errors.append)

    def broken() -> None:
        raise RuntimeError("broken")

    scheduler.at(1, broken)
    scheduler.at(2, lambda: fired.append("a"))
    scheduler.fire(2)
    assert ([str(error) for error in errors], fired) == (["broken"], ["a"])


def test_timers_fire_in_order_and_once() -> None:
    scheduler, fired = Scheduler(FrozenClock(), raise_it), list[str]()
    scheduler.at(2, lambda: fired.append("b"))
    scheduler.at(1, lambda: fired.append("a"))
    scheduler.at(3, lambda: fired.append("c"))
    scheduler.fire(2)
    assert fired == ["a", "b"]
    scheduler.fire(2.5)
    assert fired == ["a", "b"]
    scheduler.fire(10)
    assert fired == ["a", "b", "c"]


def test_a_cancelled_timer_does_not_fire_and_is_not_counted() -> None:
    scheduler, fired = Scheduler(FrozenClock(), raise_it), list[str]()
    timer = scheduler.at(1, lambda: fired.append("a"))
    assert len(scheduler) == 1
    timer.cancel()
    timer.cancel()
    assert len(scheduler) == 0
    scheduler.fire(5)
    assert fired == []


def test_a_timer_may_set_the_next_one_and_it_fires_too_when_it_is_due() -> None:
    scheduler, fired = Scheduler(FrozenClock(), raise_it), list[int]()

    def again() -> None:
        fired.append(len(fired))
        if len(fired) < 3:
            scheduler.at(1, again)

    scheduler.at(1, again)
    scheduler.fire(1)
    assert fired == [0, 1, 2]


@given(st.lists(st.floats(0, 100), max_size=50), st.floats(0, 100))
def test_exactly_what_is_due_fires(dues: list[float], now: float) -> None:
    scheduler, fired = Scheduler(FrozenClock(), raise_it), list[float]()
    for due in dues:
        scheduler.at(due, lambda due=due: fired.append(due))
    scheduler.fire(now)
    assert fired == sorted(due for due in dues if due <= now)


async def test_the_task_wakes_for_an_earlier_timer() -> None:
    scheduler = Scheduler(ShiftedClock(), raise_it)
    task = asyncio.create_task(scheduler.run())
    late, early = asyncio.Event(), asyncio.Event()
    scheduler.at(time.monotonic() + 3600, late.set)
    await asyncio.sleep(0)
    scheduler.at(time.monotonic() + 0.01, early.set)
    async with asyncio.timeout(5):
        await early.wait()
    assert not late.is_set()
    task.cancel()


async def test_many_cancelled_timers_take_no_room() -> None:
    scheduler = Scheduler(ShiftedClock(), raise_it)
    task = asyncio.create_task(scheduler.run())
    for _ in range(1000):
        scheduler.at(time.monotonic() + 3600, lambda: None).cancel()
    done = asyncio.Event()
    scheduler.at(time.monotonic(), done.set)
    async with asyncio.timeout(5):
        await done.wait()
    await asyncio.sleep(0)
    assert len(scheduler._heap) < 100
    task.cancel()
