"""Matroska and WebM as this server writes and reads it (RFC 9559): a head, then clusters of simple blocks.

A live file has segment of unknown size and clusters of a second, so it is whole up to the last cluster whenever writing
stops. `remux` turns live files into one finished file with duration and cues before the clusters.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from conclave.media import ebml
from conclave.media.depacketise import CodecFormat
from conclave.media.ebml import EbmlError, element, real, text, uint

CLUSTER_MS = 800
MAX_CLUSTER_BYTES = 1024 * 1024
_WRITER = "conclave"

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER, _CUES = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B
_SEEK_HEAD, _TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE = 0x114D9B74, 0xAE, 0xD7, 0x73C5, 0x83
_TIMESTAMP, _SIMPLE_BLOCK, _DURATION, _CODEC_ID = 0xE7, 0xA3, 0x4489, 0x86
_VIDEO, _AUDIO = 1, 2
_NOT_WEBM = frozenset({"V_MPEG4/ISO/AVC"})


class Block(Struct, frozen=True):
    """A frame in a file. `time_ms` is on the file's clock."""

    time_ms: int
    keyframe: bool
    data: bytes


def head(doc_type: str) -> bytes:
    return element(
        _EBML,
        uint(0x4286, 1) + uint(0x42F7, 1) + uint(0x42F2, 4) + uint(0x42F3, 8) + text(0x4282, doc_type) + uint(0x4287, 4)
        + uint(0x4285, 2),
    )  # fmt: skip


def info(duration_ms: int | None = None) -> bytes:
    """TimestampScale is a millisecond."""
    duration = real(_DURATION, float(duration_ms)) if duration_ms is not None else b""
    return element(_INFO, uint(0x2AD7B1, 1_000_000) + duration + text(0x4D80, _WRITER) + text(0x5741, _WRITER))


def track_entry(codec: CodecFormat) -> bytes:
    """Return what a TrackEntry holds apart from its number and UID."""
    private = element(0x63A2, codec.codec_private) if codec.codec_private else b""
    common = uint(0x9C, 0) + text(_CODEC_ID, codec.codec_id) + private
    if codec.width:
        return uint(_TRACK_TYPE, _VIDEO) + common + element(0xE0, uint(0xB0, codec.width) + uint(0xBA, codec.height))
    return (
        uint(_TRACK_TYPE, _AUDIO) + common + uint(0x56AA, 0) + uint(0x56BB, 80_000_000)
        + element(0xE1, real(0xB5, 48_000.0) + uint(0x9F, 2))
    )  # fmt: skip


def _tracks(entries: Sequence[bytes]) -> bytes:
    numbered = (uint(_TRACK_NUMBER, at) + uint(_TRACK_UID, at) + entry for at, entry in enumerate(entries, 1))
    return element(_TRACKS, b"".join(element(_TRACK_ENTRY, entry) for entry in numbered))


def live_head(codec: CodecFormat) -> bytes:
    """Return the beginning of a file with one track, to which clusters are appended."""
    segment = _SEGMENT.to_bytes(4, "big") + ebml.UNKNOWN_SIZE
    return head(doc_type_of([codec.codec_id])) + segment + info() + _tracks([track_entry(codec)])


def doc_type_of(codec_ids: Iterable[str]) -> str:
    return "matroska" if _NOT_WEBM & set(codec_ids) else "webm"


class Clusters:
    """Collects blocks; times must not fall. `add` and `flush` return clusters that are ready to be appended."""

    def __init__(self, max_ms: int = CLUSTER_MS) -> None:
        self.start_ms: int | None = None
        self._max_ms = max_ms
        self._blocks = bytearray()

    def add(self, track: int, block: Block) -> bytes:
        """Add a block, after closing the cluster that it does not fit into."""
        closed = b""
        if self.start_ms is not None and (block.time_ms - self.start_ms >= self._max_ms or len(self._blocks) > MAX_CLUSTER_BYTES):
            closed = self.flush()
        if self.start_ms is None:
            self.start_ms = block.time_ms
        relative = (block.time_ms - self.start_ms).to_bytes(2, "big", signed=True)
        flags = b"\x80" if block.keyframe else b"\x00"
        self._blocks += element(_SIMPLE_BLOCK, ebml.vint(track) + relative + flags + block.data)
        return closed

    def flush(self) -> bytes:
        if self.start_ms is None:
            return b""
        cluster = element(_CLUSTER, uint(_TIMESTAMP, self.start_ms) + self._blocks)
        self.start_ms = None
        self._blocks = bytearray()
        return cluster


class LiveFile:
    """What is read back of a live file: its track's entry, then its blocks, as far as they are whole."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Read up to the tracks. Raises EbmlError when the file is none of ours or has no whole head."""
        self._pieces = iter(pieces)
        self._data = bytearray()
        for wanted in (_EBML, _SEGMENT, _INFO):
            if self._next(wanted) is None:
                raise EbmlError("the head is cut off")
        tracks = self._next(_TRACKS)
        if tracks is None:
            raise EbmlError("the head is cut off")
        fields = [field for number, entry in ebml.children(tracks) if number == _TRACK_ENTRY for field in ebml.children(entry)]
        self.entry = b"".join(element(number, data) for number, data in fields if number not in (_TRACK_NUMBER, _TRACK_UID))
        self.codec_id = next((data.decode() for number, data in fields if number == _CODEC_ID), "")
        self.video = (_TRACK_TYPE, bytes([_VIDEO])) in fields

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in order; a cluster that is cut off is left out. Raises EbmlError for what is no cluster."""
        while (cluster := self._next(_CLUSTER)) is not None:
            start_ms = 0
            for number, data in ebml.children(cluster):
                if number == _TIMESTAMP:
                    start_ms = int.from_bytes(data, "big")
                elif number == _SIMPLE_BLOCK and len(data) >= 4:
                    relative = int.from_bytes(data[1:3], "big", signed=True)
                    yield Block(start_ms + relative, bool(data[3] & 0x80), data[4:])

    def _next(self, wanted: int) -> bytes | None:
        """Return the data of the next element, which must be `wanted`; None at the end, be it clean or not."""
        while True:
            found = ebml.read_element(self._data, 0)
            if found is not None:
                if found.number != wanted:
                    raise EbmlError("an element out of place")
                if found.size is None:
                    del self._data[: found.start]
                    return b""
                end = found.start + found.size
                if len(self._data) >= end:
                    data = bytes(self._data[found.start : end])
                    del self._data[:end]
                    return data
            piece = next(self._pieces, None)
            if piece is None:
                return None
            self._data += piece


OpenFile = Callable[[], Iterable[bytes]]
"""Gives the decrypted pieces of a live file from its beginning; called twice."""


class _Source:
    """Files of one track one after the other. A later file whose format is another is left out: a track has one."""

    def __init__(self, files: Sequence[OpenFile]) -> None:
        self._first = LiveFile(files[0]())
        self._later = files[1:]
        self.entry, self.codec_id, self.video = self._first.entry, self._first.codec_id, self._first.video

    def blocks(self) -> Iterator[Block]:
        yield from self._first.blocks()
        for opened in self._later:
            file = LiveFile(opened())
            if file.entry == self.entry:
                yield from file.blocks()


def duration_ms(file: LiveFile) -> tuple[int, int]:
    """Return when the first block is and how long it is from there to the last."""
    first = last = None
    for block in file.blocks():
        first = block.time_ms if first is None else first
        last = block.time_ms
    return (first, last - first) if first is not None and last is not None else (0, 0)


def remux(sources: Sequence[Sequence[OpenFile]]) -> Iterator[bytes]:
    """Yield one finished file with a track per source, which is the files of that track in order.

    Blocks are in order of time, times begin at 0, duration and cues stand at the beginning. Raises EbmlError.
    """
    files = [_Source(source) for source in sources]
    start_ms, end_ms, clusters = _survey(files)
    entries = _tracks([file.entry for file in files])
    length = info(end_ms - start_ms) + entries
    cues_bytes = len(_cues(clusters, 0, _cue_track(files)))
    seek_bytes = len(_seek_head(0, 0, 0))
    seek = _seek_head(seek_bytes, seek_bytes + len(info(0)), seek_bytes + len(length))
    cues = _cues(clusters, seek_bytes + len(length) + cues_bytes, _cue_track(files))
    body = len(seek) + len(length) + len(cues) + sum(size for _, size in clusters)
    yield head(doc_type_of(file.codec_id for file in files)) + _SEGMENT.to_bytes(4, "big") + ebml.vint(body, 8)
    yield seek + length + cues
    yield from (data for _, data in _clusters([_Source(source) for source in sources], start_ms))


def _cue_track(files: Sequence[_Source]) -> int:
    return next((at for at, file in enumerate(files, 1) if file.video), 1)


def _merged(files: Sequence[_Source]) -> Iterator[tuple[int, Block]]:
    def numbered(at: int, file: _Source) -> Iterator[tuple[int, Block]]:
        return ((at, block) for block in file.blocks())

    return heapq.merge(*(numbered(at, file) for at, file in enumerate(files, 1)), key=lambda item: item[1].time_ms)


def _clusters(files: Sequence[_Source], start_ms: int) -> Iterator[tuple[int, bytes]]:
    collecting = Clusters()
    for track, block in _merged(files):
        began = collecting.start_ms
        closed = collecting.add(track, Block(block.time_ms - start_ms, block.keyframe, block.data))
        if closed and began is not None:
            yield began, closed
    began = collecting.start_ms
    if began is not None:
        yield began, collecting.flush()


def _survey(files: Sequence[_Source]) -> tuple[int, int, list[tuple[int, int]]]:
    """Return first time, last time, and (start, size) of every cluster that the same walk will write."""
    times = [(block.time_ms, len(block.data), block.keyframe, track) for track, block in _merged(files)]
    start_ms = times[0][0] if times else 0
    end_ms = times[-1][0] if times else 0
    collecting = Clusters()
    clusters: list[tuple[int, int]] = []
    for time_ms, size, keyframe, track in times:
        began = collecting.start_ms
        closed = collecting.add(track, Block(time_ms - start_ms, keyframe, bytes(size)))
        if closed and began is not None:
            clusters.append((began, len(closed)))
    began = collecting.start_ms
    if began is not None:
        clusters.append((began, len(collecting.flush())))
    return start_ms, end_ms, clusters


def _seek_head(info_at: int, tracks_at: int, cues_at: int) -> bytes:
    def seek(number: int, position: int) -> bytes:
        return element(0x4DBB, element(0x53AB, number.to_bytes(4, "big")) + uint(0x53AC, position, 8))

    return element(_SEEK_HEAD, seek(_INFO, info_at) + seek(_TRACKS, tracks_at) + seek(_CUES, cues_at))


def _cues(clusters: Sequence[tuple[int, int]], first_at: int, track: int) -> bytes:
    """Positions count from the segment's data and have 8 octets, so that the size of the cues does not depend on them."""
    points = []
    position = first_at
    for start_ms, size in clusters:
        where = element(0xB7, uint(0xF7, track) + uint(0xF1, position, 8))
        points.append(element(0xBB, uint(0xB3, start_ms, 8) + where))
        position += size
    return element(_CUES, b"".join(points))
