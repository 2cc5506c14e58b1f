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


async def test_a_frame_of_a_kind_drives_out_one_that_waits_and_comes_in_its_turn() -> None:
    outbox = Outbox(3, 8)
    for frame, kind in ((b"old", "lobby"), (b"a", None), (b"newer", "lobby"), (b"b", None)):
        assert outbox.put(frame, kind)
    assert outbox.size_bytes == 7
    assert await outbox.take() == [b"a", b"newer", b"b"]
    assert outbox.put(b"next", "lobby")
    assert await outbox.take() == [b"next"]


@given(st.lists(st.tuples(st.binary(max_size=20), st.sampled_from([None, "x", "y"])), max_size=60))
def test_no_sequence_of_frames_exceeds_the_bounds(frames: list[tuple[bytes, str | None]]) -> None:
    outbox = Outbox(8, 64)
    for frame, kind in frames:
        outbox.put(frame, kind)
        assert len(outbox) <= 8
        assert outbox.size_bytes == sum(map(len, outbox._frames.values())) <= 64
