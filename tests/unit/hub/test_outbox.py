import asyncio

from hypothesis import given
from hypothesis import strategies as st

from conclave.hub.outbox import Outbox


async def test_frames_come_out_in_order_and_all_at_once() -> None:
    outbox = Outbox(10, 100)
    assert all(outbox.put(frame) for frame in (b"a", b"b", b"c"))
    assert outbox.size_bytes == 3
    assert await outbox.take() == [b"a", b"b", b"c"]
    assert (len(outbox), outbox.size_bytes) == (0, 0)


async def test_a_reader_waits_for_a_frame() -> None:
    outbox = Outbox(10, 100)
    reader = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    assert not reader.done()
    outbox.put(b"a")
    assert await reader == [b"a"]


async def test_after_the_end_the_reader_gets_the_rest_and_then_nothing() -> None:
    outbox = Outbox(10, 100)
    outbox.put(b"a")
    outbox.finish()
    assert outbox.put(b"b")
    assert [await outbox.take(), await outbox.take()] == [[b"a"], []]


async def test_a_waiting_reader_hears_of_the_end() -> None:
    outbox = Outbox(10, 100)
    reader = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.finish()
    assert await reader == []


async def test_one_frame_too_many_ends_it_and_keeps_nothing() -> None:
    outbox = Outbox(2, 100)
    assert outbox.put(b"a")
    assert outbox.put(b"b")
    assert not outbox.put(b"c")
    assert (len(outbox), outbox.size_bytes, outbox.finished) == (0, 0, True)
    assert await outbox.take() == []


async def test_one_byte_too_many_ends_it() -> None:
    outbox = Outbox(10, 4)
    assert outbox.put(b"1234")
    assert not outbox.put(b"5")
    assert outbox.finished


@given(st.lists(st.binary(max_size=20), max_size=60))
def test_no_sequence_of_frames_exceeds_the_bounds(frames: list[bytes]) -> None:
    outbox = Outbox(8, 64)
    for frame in frames:
        outbox.put(frame)
        assert len(outbox) <= 8
        assert outbox.size_bytes <= 64
