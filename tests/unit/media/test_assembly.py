from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.assembly import MAX_WAIT_NS, AssembledFrame, FrameAssembler, RtpPayload
from conclave.media.depacketise import OpusDepacketiser
from conclave.media.depacketise_vp8 import Vp8Depacketiser

KEY = b"\x10" + b"\x50\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00"
DELTA = b"\x10\x51"
MORE = b"\x00more"
MS = 1_000_000


def packet(index: int, frame: int, payload: bytes, *, marker: bool = True, at_ms: float = 0) -> RtpPayload:
    return RtpPayload(index, frame * 3000, marker, payload, int(at_ms * MS))


def video() -> FrameAssembler:
    return FrameAssembler(Vp8Depacketiser(), video=True)


def push(assembler: FrameAssembler, *packets: RtpPayload) -> list[AssembledFrame]:
    return [frame for each in packets for frame in assembler.push(each)]


def test_a_frame_is_whole_with_its_marker() -> None:
    assembler = video()
    assert push(assembler, packet(1, 1, KEY, marker=False)) == []
    (frame,) = push(assembler, packet(2, 1, MORE, at_ms=3))
    assert (frame.data, frame.keyframe, frame.timestamp, frame.arrival_ns) == (KEY[1:] + b"more", True, 3000, 0)


def test_a_frame_without_a_marker_ends_where_the_next_begins() -> None:
    assembler = video()
    frames = push(assembler, packet(1, 1, KEY, marker=False), packet(2, 2, DELTA))
    assert [frame.keyframe for frame in frames] == [True, False]


def test_packets_out_of_order_are_put_in_order() -> None:
    frames = push(video(), packet(1, 1, KEY), packet(3, 3, DELTA + b"3"), packet(2, 2, DELTA + b"2"))
    assert [frame.timestamp for frame in frames] == [3000, 6000, 9000]


def test_video_begins_with_a_keyframe() -> None:
    assembler = video()
    assert push(assembler, packet(1, 1, DELTA)) == []
    assert assembler.keyframe_wanted
    assert len(push(assembler, packet(2, 2, KEY), packet(3, 3, DELTA))) == 2


def test_a_gap_is_waited_for_and_then_video_goes_on_with_the_next_keyframe() -> None:
    assembler = video()
    push(assembler, packet(1, 1, KEY))
    assert push(assembler, packet(3, 3, DELTA, at_ms=10), packet(4, 4, KEY, at_ms=20)) == []
    assert assembler.expire(10 * MS + MAX_WAIT_NS - 1) == []
    (frame,) = assembler.expire(10 * MS + MAX_WAIT_NS)
    assert (frame.keyframe, frame.timestamp) == (True, 12_000)
    assert push(assembler, packet(2, 2, DELTA)) == []


def test_audio_goes_on_after_a_gap() -> None:
    assembler = FrameAssembler(OpusDepacketiser(), video=False)
    push(assembler, packet(1, 1, b"a", marker=False), packet(3, 3, b"c", marker=False))
    assert [frame.data for frame in assembler.flush()] == [b"c"]
    assert not assembler.keyframe_wanted


def test_packets_of_padding_alone_leave_no_gap() -> None:
    frames = push(video(), packet(1, 1, KEY), packet(2, 1, b""), packet(3, 2, DELTA))
    assert len(frames) == 2


def test_a_stream_that_begins_anew_is_followed_at_its_keyframe() -> None:
    assembler = video()
    push(assembler, packet(1, 1, KEY))
    push(assembler, packet(200_000, 9, KEY, at_ms=1))
    assert [frame.timestamp for frame in assembler.expire(2 * MAX_WAIT_NS)] == [27_000]


def test_a_flood_of_packets_without_an_end_is_bounded() -> None:
    assembler = video()
    for index in range(1, 9000):
        push(assembler, packet(index, 1, KEY if index == 1 else b"\x00" + bytes(1400), marker=False))
    assert assembler.frames_lost > 0


def test_a_gap_behind_many_held_packets_is_given_up_at_once() -> None:
    assembler = video()
    push(assembler, packet(1, 1, KEY))
    frames = push(assembler, *(packet(index, index, KEY) for index in range(3, 1200)))
    assert len(frames) == 1197


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_the_frames_that_come_out_are_whole_and_in_order(seed: int) -> None:
    random = Random(seed)
    assembler = video()
    out: list[AssembledFrame] = []
    for frame in range(300):
        for part in range(3):
            head = KEY if part == 0 and frame % 10 == 0 else DELTA if part == 0 else MORE
            if random.random() > 0.05:
                out += assembler.push(packet(frame * 3 + part, frame, head, marker=part == 2, at_ms=frame * 33))
    out += assembler.flush()
    assert out
    assert [frame.timestamp for frame in out] == sorted({frame.timestamp for frame in out})
    assert {len(frame.data) for frame in out} == {len(KEY) - 1 + 8, len(DELTA) - 1 + 8}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.binary(max_size=8), st.booleans()), max_size=60))
def test_no_sequence_of_packets_does_more_than_give_frames_or_none(entries: list[tuple[int, int, bytes, bool]]) -> None:
    assembler = video()
    for at, (index, timestamp, payload, marker) in enumerate(entries):
        assembler.push(RtpPayload(index, timestamp, marker, payload, at * 20 * MS))
    assembler.flush()
