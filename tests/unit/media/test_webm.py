from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media import ebml
from conclave.media.depacketise import CodecFormat
from conclave.media.ebml import EbmlError
from conclave.media.webm import Block, Clusters, LiveFile, duration_ms, live_head, remux

VIDEO = CodecFormat("V_VP8", b"", 320, 180)
AUDIO = CodecFormat("A_OPUS", b"OpusHead")


def live(codec: CodecFormat, blocks: Iterable[Block]) -> bytes:
    clusters = Clusters()
    return live_head(codec) + b"".join(clusters.add(1, block) for block in blocks) + clusters.flush()


def opened(data: bytes, size: int = 100) -> Callable[[], list[bytes]]:
    return lambda: [data[at : at + size] for at in range(0, len(data), size)]


def read(data: bytes) -> list[Block]:
    return list(LiveFile(opened(data)()).blocks())


BLOCKS = [Block(at * 40, at % 25 == 0, bytes([at]) * 30) for at in range(100)]


def test_blocks_come_back_as_they_were_written() -> None:
    file = LiveFile([live(VIDEO, BLOCKS)])
    assert (file.codec_id, file.video) == ("V_VP8", True)
    assert list(file.blocks()) == BLOCKS


@given(cut=st.integers(0, 2_000))
def test_a_file_that_is_cut_off_gives_every_whole_cluster(cut: int) -> None:
    whole = live(VIDEO, BLOCKS)
    head = len(live_head(VIDEO))
    data = whole[: max(head, len(whole) - cut)]
    found = read(data)
    assert found == BLOCKS[: len(found)]
    assert len(found) >= len(BLOCKS) - 20 - cut // 30


@given(position=st.integers(0, 300), value=st.integers(0, 255))
def test_changed_bytes_do_no_more_than_be_refused(position: int, value: int) -> None:
    data = bytearray(live(VIDEO, BLOCKS[:10]))
    data[position % len(data)] = value
    try:
        list(LiveFile([bytes(data)]).blocks())
    except (EbmlError, UnicodeDecodeError):
        return


@pytest.mark.parametrize("size", [0, 3, 20, 60])
def test_a_file_without_a_whole_head_is_refused(size: int) -> None:
    with pytest.raises(EbmlError):
        LiveFile([live_head(VIDEO)[:size]])


def test_a_cluster_holds_less_than_a_second_and_a_bounded_size() -> None:
    clusters = Clusters()
    assert clusters.add(1, Block(0, True, b"x")) == b""
    assert clusters.add(1, Block(799, False, b"x")) == b""
    assert clusters.add(1, Block(800, False, bytes(2 * 1024 * 1024))) != b""
    assert clusters.add(1, Block(801, False, b"x")) != b""


def test_the_length_of_a_file_is_from_its_first_block_to_its_last() -> None:
    assert duration_ms(LiveFile([live(AUDIO, [Block(500, True, b"a"), Block(1_700, True, b"b")])])) == (500, 1_200)
    assert duration_ms(LiveFile([live_head(AUDIO)])) == (0, 0)


def segment(data: bytes) -> tuple[dict[int, bytes], dict[int, int], list[int]]:
    """Return top-level elements by id, their positions, and the positions of the clusters, all within the segment."""
    head = ebml.read_element(data, 0)
    assert head is not None
    assert head.size is not None
    body = ebml.read_element(data, head.start + head.size)
    assert body is not None
    assert body.size == len(data) - body.start
    found: dict[int, bytes] = {}
    places: dict[int, int] = {}
    clusters: list[int] = []
    at = body.start
    while (part := ebml.read_element(data, at)) is not None:
        assert part.size is not None
        found.setdefault(part.number, data[part.start : part.start + part.size])
        places.setdefault(part.number, at - body.start)
        if part.number == 0x1F43B675:
            clusters.append(at - body.start)
        at = part.start + part.size
    return found, places, clusters


def test_a_finished_file_has_its_length_and_its_seek_positions_are_true() -> None:
    sound = [Block(100 + at * 20, True, bytes(8)) for at in range(150)]
    data = b"".join(remux([[opened(live(VIDEO, BLOCKS))], [opened(live(AUDIO, sound))]]))
    found, places, clusters = segment(data)
    info = dict(ebml.children(found[0x1549A966]))
    assert info[0x4489] == ebml.real(0x4489, 3_960.0)[3:]
    for _, seek in ebml.children(found[0x114D9B74]):
        fields = dict(ebml.children(seek))
        assert places[int.from_bytes(fields[0x53AB], "big")] == int.from_bytes(fields[0x53AC], "big")
    cues = [dict(ebml.children(point)) for _, point in ebml.children(found[0x1C53BB6B])]
    assert [int.from_bytes(dict(ebml.children(cue[0xB7]))[0xF1], "big") for cue in cues] == clusters
    assert len(list(ebml.children(found[0x1654AE6B]))) == 2


def test_a_finished_file_begins_at_zero_and_is_in_order_of_time() -> None:
    late = [Block(block.time_ms + 5_000, block.keyframe, block.data) for block in BLOCKS]
    data = b"".join(remux([[opened(live(VIDEO, late))], [opened(live(AUDIO, [Block(5_010, True, b"s")]))]]))
    found, _, _ = segment(data)
    assert next(iter(ebml.children(found[0x1F43B675]))) == (0xE7, b"\x00")


def test_files_of_one_track_are_joined_and_one_of_another_format_is_left_out() -> None:
    first, second = live(VIDEO, BLOCKS[:10]), live(VIDEO, BLOCKS[10:20])
    other = live(CodecFormat("V_VP9", b"", 320, 180), BLOCKS[20:])
    joined = b"".join(remux([[opened(first), opened(other), opened(second)]]))
    alone = b"".join(remux([[opened(live(VIDEO, BLOCKS[:20]))]]))
    assert joined == alone


def test_h264_makes_a_matroska_file_and_the_rest_webm() -> None:
    assert b"webm" in live_head(VIDEO)[:60]
    assert b"matroska" in live_head(CodecFormat("V_MPEG4/ISO/AVC", b"\x01", 320, 180))[:60]
