from hypothesis import given
from hypothesis import strategies as st

from conclave.media.spoken import SpokenIndex, Turn, read_turns


def test_a_turn_is_written_when_it_ends() -> None:
    index = SpokenIndex()
    assert index.speaking(("ann",), 100) == b""
    assert read_turns(index.speaking(("bob",), 900)) == [Turn("ann", 100, 900)]
    assert read_turns(index.speaking((), 1_000)) == [Turn("bob", 900, 1_000)]


def test_two_can_speak_at_once() -> None:
    index = SpokenIndex()
    lines = index.speaking(("ann",), 0) + index.speaking(("bob", "ann"), 100) + index.speaking((), 200)
    assert read_turns(lines) == [Turn("bob", 100, 200), Turn("ann", 0, 200)] or read_turns(lines) == [
        Turn("ann", 0, 200),
        Turn("bob", 100, 200),
    ]


def test_a_long_turn_is_written_in_parts_and_read_as_one() -> None:
    index = SpokenIndex()
    lines = index.speaking(("ann",), 0)
    for now_ms in range(400, 4_000, 400):
        lines += index.checkpoint(now_ms)
    assert lines.count(b"\n") >= 3
    assert read_turns(lines + index.speaking((), 4_000)) == [Turn("ann", 0, 4_000)]


def test_a_torn_last_line_is_left_out() -> None:
    index = SpokenIndex()
    lines = index.speaking(("ann",), 0) + index.speaking((), 10)
    assert read_turns(lines + b'{"participant_id":"b') == [Turn("ann", 0, 10)]


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_give_no_turns(data: bytes) -> None:
    read_turns(data)
