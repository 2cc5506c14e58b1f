import asyncio
import time

import pytest
from bench.pacing import NS_PER_S, Cadence, Pacer
from hypothesis import given
from hypothesis import strategies as st


def test_a_cadence_does_not_drift() -> None:
    cadence = Cadence(1_000, 30)
    for _ in range(30 * 3600):
        cadence.advance()
    assert cadence.due_ns == 1_000 + 3600 * NS_PER_S


def test_ticks_of_a_rate_that_does_not_divide_a_second_are_at_most_a_nanosecond_uneven() -> None:
    cadence = Cadence(0, 30)
    gaps = set()
    for _ in range(90):
        before = cadence.due_ns
        cadence.advance()
        gaps.add(cadence.due_ns - before)
    assert gaps == {33_333_333, 33_333_334}


def test_a_cadence_under_one_tick_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tick"):
        Cadence(0, 0)


@given(rate=st.integers(1, 1000), start=st.integers(0, 10**12), ahead=st.integers(-(10**10), 10**11))
def test_skipping_leaves_no_tick_before_now_and_skips_none_after(rate: int, start: int, ahead: int) -> None:
    cadence = Cadence(start, rate)
    now = start + ahead
    skipped = cadence.skip_to(now)
    assert cadence.due_ns >= now - 1
    assert skipped == 0 or cadence.due_ns - NS_PER_S // rate <= now


async def test_the_pacer_calls_tasks_in_the_order_they_are_due_until_they_are_removed() -> None:
    pacer = Pacer()
    done = asyncio.Event()
    calls: list[str] = []
    now = time.monotonic_ns()

    def quick() -> None:
        calls.append("quick")
        if len(calls) >= 12:
            done.set()

    quick_number = pacer.add(Cadence(now, 1000), quick)
    pacer.add(Cadence(now + 1, 1), lambda: calls.append("slow"))
    await asyncio.wait_for(done.wait(), 10)
    pacer.remove(quick_number)
    pacer.close()
    assert calls[:2] == ["quick", "slow"]
    assert calls.count("slow") < calls.count("quick")
    assert len(pacer.late_ns) == len(calls)
    assert all(late >= 0 for late in pacer.late_ns)


async def test_ticks_more_than_a_second_late_are_given_up_and_counted() -> None:
    pacer = Pacer()
    called = asyncio.Event()
    pacer.add(Cadence(time.monotonic_ns() - 10 * NS_PER_S, 50), called.set)
    await asyncio.wait_for(called.wait(), 10)
    pacer.close()
    assert pacer.skipped >= 500
    pacer.clear()
    assert pacer.skipped == 0
    assert pacer.late_ns == []
